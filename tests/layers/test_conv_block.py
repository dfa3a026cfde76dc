"""ConvBlock: by hand, against torch's functions, and its errors."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate._errors import NetworkError
from striate.layers import NORMS, ORDERS, ConvBlock


def children(block):
    return [name for name, _ in block.named_children()]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["conv", "norm", "act"]),
        ({"order": "act-norm"}, ["conv", "act", "norm"]),
        ({"norm": "none"}, ["conv", "act"]),
        ({"norm": "none", "order": "act-norm"}, ["conv", "act"]),
        ({"act": None}, ["conv", "norm"]),
        ({"act": None, "order": "act-norm"}, ["conv", "norm"]),
        ({"act": None, "norm": "none"}, ["conv"]),
    ],
)
def test_children_stand_in_the_order_in_which_they_run(options, expected):
    assert children(ConvBlock(2, 4, 3, **options)) == expected


@pytest.mark.parametrize(
    ("options", "bias"),
    [
        ({}, False),  # the norm right behind takes it out
        ({"norm": "none"}, True),
        ({"order": "act-norm"}, True),  # a rectifier stands between: it matters
        ({"order": "act-norm", "act": None}, False),
        ({"bias": True}, True),
        ({"norm": "none", "bias": False}, False),
    ],
)
def test_bias_unless_the_norm_takes_it_out(options, bias):
    assert (ConvBlock(2, 4, 3, **options).conv.bias is not None) is bias


@pytest.mark.parametrize("order", ORDERS)
def test_equals_the_functions_one_behind_the_other(order):
    block = ConvBlock(2, 4, 3, stride=2, order=order).double()
    nn.init.normal_(block.get_parameter("norm.weight"))
    nn.init.normal_(block.get_parameter("norm.bias"))
    images = torch.randn(5, 2, 7, 6, dtype=torch.float64)
    x = F.conv2d(images, block.conv.weight, block.conv.bias, stride=2, padding=1)
    weight, bias = block.get_parameter("norm.weight"), block.get_parameter("norm.bias")

    def norm(x):
        return F.batch_norm(x, None, None, weight, bias, training=True)

    expected = norm(F.relu(x)) if order == "act-norm" else F.relu(norm(x))
    torch.testing.assert_close(block(images), expected)


def test_by_hand():
    # Kernel of ones on 1 2 / 3 4 with a border of zeros sums to 10 everywhere; minus 12 is -2,
    # which the rectifier takes to 0.
    block = ConvBlock(1, 1, 3, norm="none")
    nn.init.ones_(block.conv.weight)
    nn.init.constant_(block.get_parameter("conv.bias"), -9.0)
    images = torch.tensor([[[[1.0, 2], [3, 4]]]])
    assert block(images).tolist() == [[[[1, 1], [1, 1]]]]
    nn.init.constant_(block.get_parameter("conv.bias"), -12.0)
    assert not block(images).any()


@pytest.mark.parametrize(
    ("channels", "groups"),
    [(1, 1), (3, 1), (4, 2), (10, 5), (16, 8), (64, 32), (96, 32), (100, 25)],
)
def test_groups_divide_and_hold_two_channels_or_more(channels, groups):
    norm = ConvBlock(1, channels, 3, norm="group").norm
    assert isinstance(norm, nn.GroupNorm)
    assert norm.num_groups == groups


@pytest.mark.parametrize("norm", NORMS)
def test_norms_leave_no_mean_and_spread_one(norm):
    block = ConvBlock(3, 8, 3, norm=norm, act=None)
    y = block(torch.randn(4, 3, 16, 16) * 5 + 2)
    if norm == "none":
        assert y.std() > 1.2
        return
    y = {"batch": y.transpose(0, 1).flatten(1), "instance": y.flatten(2), "group": y.flatten(1)}[
        norm
    ]
    torch.testing.assert_close(y.mean(-1), torch.zeros(y.shape[:-1]), atol=1e-4, rtol=0)
    torch.testing.assert_close(y.std(-1), torch.ones(y.shape[:-1]), atol=1e-2, rtol=0)


def test_padding():
    images = torch.zeros(1, 1, 9, 9)
    assert ConvBlock(1, 1, 5)(images).shape[2:] == (9, 9)
    assert ConvBlock(1, 1, 5, padding=0)(images).shape[2:] == (5, 5)
    assert ConvBlock(1, 1, 1)(images).shape[2:] == (9, 9)


def test_unknown_names():
    with pytest.raises(NetworkError, match="norm is 'layer'; it must be one of batch, group, ins"):
        ConvBlock(1, 1, 3, norm="layer")
    with pytest.raises(NetworkError, match="order is 'act'; it must be norm-act or act-norm"):
        ConvBlock(1, 1, 3, order="act")
