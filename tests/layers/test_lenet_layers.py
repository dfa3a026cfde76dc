"""LeNet-5's trainable pooling and its RBF output: the paper's counts, by hand, oracles, errors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate._errors import ShapeError
from striate.layers import RBFOutput, TrainablePool2d
from striate.ops import depthwise_conv2d


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_pool_by_hand():
    pool = TrainablePool2d(2)
    pool.load_state_dict({"weight": torch.tensor([2.0, -1.0]), "bias": torch.tensor([0.5, 0.0])})
    images = torch.tensor([[[[1.0, 2], [3, 4]], [[5.0, 6], [7, 8]]]])
    # the sums are 10 and 26: twice the one and a half, minus the other
    assert pool(images).flatten().tolist() == [20.5, -26]


def test_the_paper_s_parameters():
    # S2: 6 maps, S4: 16 maps; the RBF units' 84 * 10 numbers are set by hand
    assert parameters(TrainablePool2d(6)) == 12
    assert parameters(TrainablePool2d(16)) == 32
    assert parameters(RBFOutput(84, 10)) == 0
    assert RBFOutput(84, 10).codes.numel() == 840
    assert parameters(RBFOutput(84, 10, trainable=True)) == 840


def test_pool_begins_as_the_mean():
    images = torch.randn(2, 3, 6, 8)
    torch.testing.assert_close(TrainablePool2d(3)(images), nn.AvgPool2d(2)(images))


@given(height=st.integers(1, 3), width=st.integers(1, 3), stride=st.integers(1, 3))
def test_pool_is_a_depthwise_convolution_with_one_weight_a_map(height, width, stride):
    pool = TrainablePool2d(3, (height, width), stride=stride).double()
    nn.init.normal_(pool.weight)
    nn.init.normal_(pool.bias)
    images = torch.randn(2, 3, 7, 6, dtype=torch.float64)
    kernels = pool.weight.view(3, 1, 1, 1).expand(3, 1, height, width)
    expected = depthwise_conv2d(images, kernels, pool.bias, stride=stride)
    torch.testing.assert_close(pool(images), expected)


def test_pool_gradients_and_mistakes(unannotated):
    pool = TrainablePool2d(2).double()
    images = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    operands = (images, pool.weight, pool.bias)
    assert torch.autograd.gradcheck(lambda images, *_: pool(images), operands)
    with pytest.raises(ShapeError, match=r"kernel spans 2 pixels .*, but the height has 1 "):
        pool(torch.ones(1, 2, 1, 5))
    with pytest.raises(ShapeError, match="kernel_size is 0"):
        TrainablePool2d(2, 0)
    with pytest.raises(ShapeError, match=r"shape \(2, 4, 5\); it must be \(n, c, height, width\)"):
        pool(torch.ones(2, 4, 5))


def test_rbf_by_hand():
    codes = torch.tensor([[1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]])
    layer = RBFOutput(3, 2, codes=codes)
    features = torch.tensor([[1.0, -1.0, 1.0], [0.0, 0.5, 2.0]])
    # 0 on its own code; 1 + 2.25 + 1 and 1 + 2.25 + 9
    assert layer(features).tolist() == [[0, 8], [4.25, 12.25]]


@given(classes=st.integers(1, 5), features=st.integers(1, 9), n=st.integers(0, 4))
def test_rbf_equals_distances(classes, features, n):
    layer = RBFOutput(features, classes, codes=torch.randn(classes, features)).double()
    x = torch.randn(n, features, dtype=torch.float64)
    torch.testing.assert_close(layer(x), torch.cdist(x, layer.codes).square())


def test_rbf_codes_are_fixed_or_trained_and_always_saved():
    fixed, trained = RBFOutput(4, 3), RBFOutput(4, 3, trainable=True)
    assert set(fixed.codes.flatten().tolist()) <= {-1.0, 1.0}
    assert [name for name, _ in trained.named_parameters()] == ["codes"]
    trained.load_state_dict(fixed.state_dict())
    assert torch.equal(trained.codes, fixed.codes)
    features = torch.randn(2, 4, requires_grad=True)
    trained(features).sum().backward()
    expected = 2 * (2 * trained.codes - features.sum(0))
    torch.testing.assert_close(trained.codes.grad, expected)
    given_codes = torch.ones(3, 4)
    layer = RBFOutput(4, 3, codes=given_codes)
    given_codes.zero_()
    assert layer.codes.all()


def test_rbf_mistakes(unannotated):
    with pytest.raises(ShapeError, match=r"codes have shape \(4, 3\); .* a class, \(3, 4\)"):
        RBFOutput(4, 3, codes=torch.ones(4, 3))
    with pytest.raises(ShapeError, match=r"features have shape \(2, 5\); they must be \(n, 4\)"):
        RBFOutput(4, 3)(torch.ones(2, 5))


def test_they_say_what_they_are():
    assert str(TrainablePool2d(6)) == "TrainablePool2d(6, kernel_size=(2, 2), stride=(2, 2))"
    assert str(RBFOutput(84, 10)) == "RBFOutput(84, 10, trainable=False)"
