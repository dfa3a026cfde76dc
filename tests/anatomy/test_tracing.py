"""A layer deep inside a network, traced: against what the network really put out."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from striate._errors import NetworkError, ShapeError
from striate.anatomy import capture, layer_call, trace_layer
from striate.ops import Convolution, Pooling, trace_input, trace_map
from tests.conftest import unchanged


class Mixed(nn.Module):
    """Modules, functional calls, a shared layer, padding of every sort, layers in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, padding_mode="reflect")
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU(inplace=True)
        self.shared = nn.Conv2d(8, 8, 3, padding="same", groups=4, bias=False)
        self.kernel = nn.Parameter(torch.randn(8, 4, 2, 2))
        self.up = nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1)
        self.pool = nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)

    def forward(self, images: Tensor) -> Tensor:
        x = self.act(self.norm(self.stem(images)))
        x = self.shared(self.shared(x))
        x = F.avg_pool2d(x, 2, stride=1, padding=1, ceil_mode=True)
        x = F.conv_transpose2d(x, self.kernel, stride=2)
        x = self.pool(self.up(x))
        x = F.max_pool2d(x, kernel_size=2)
        return F.adaptive_avg_pool2d(x, (2, 3)).mean((2, 3))


LAYERS = ("stem", "shared", "up", "pool", "avg_pool2d", "conv_transpose2d",
          "adaptive_avg_pool2d", "mean")  # fmt: skip


@pytest.fixture
def network() -> nn.Module:
    return Mixed().eval()


IMAGES = torch.randn(2, 3, 17, 14, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layer", LAYERS)
def test_every_cell_is_what_the_network_put_out(network: nn.Module, layer: str) -> None:
    with torch.no_grad(), capture(network, layer) as seen:
        network(IMAGES)
    expected = seen[layer][0].double()
    call = layer_call(network, layer, IMAGES)
    torch.testing.assert_close(call.outputs, seen[layer][0])
    for image, channel in product(range(2), range(expected.shape[1])):
        found = trace_map(call.images, call.operation, image=image, channel=channel, most=10**6)
        wanted = expected[image, channel]
        sums = torch.tensor([step.output for step in found.steps], dtype=torch.float64)
        torch.testing.assert_close(sums, wanted.flatten(), rtol=1e-4, atol=1e-5)


def test_a_shared_layer_is_traced_call_by_call(network: nn.Module) -> None:
    with torch.no_grad(), capture(network, "shared") as seen:
        network(IMAGES)
    for call in (0, 1):
        trace = trace_layer(network, "shared", IMAGES, (2, 3), channel=5, image=1, call=call)
        assert trace.output == pytest.approx(float(seen["shared"][call][1, 5, 2, 3]), abs=1e-5)
        assert trace.channels == (4, 5)
    with pytest.raises(NetworkError, match=r"'shared' is called 2 times .* no call 2, counted"):
        trace_layer(network, "shared", IMAGES, (0, 0), call=2)


def test_what_reaches_a_layer_is_not_what_it_leaves_behind() -> None:
    net = nn.Sequential(nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.ReLU(inplace=True))
    images = torch.tensor([[[[-1.0, -2.0], [-3.0, -4.0]]]])
    before = images.clone()
    assert trace_layer(net, "1", images, (0, 0)).values.tolist() == [[[0, 0], [0, 0]]]
    assert torch.equal(images, before)


class Wiping(nn.Module):
    """Overwrites what its layer read, and what it put out, once both were used."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, -2.0)

    def forward(self, images: Tensor) -> Tensor:
        read = images + 1
        put = self.conv(read)
        read.zero_()
        return put.relu_()


def test_what_is_overwritten_later_is_seen_as_it_was() -> None:
    call = layer_call(Wiping(), "conv", torch.ones(1, 1, 2, 2))
    assert call.images.unique().tolist() == [2]
    assert call.outputs.unique().tolist() == [-4]
    assert trace_layer(Wiping(), "conv", torch.ones(1, 1, 2, 2), (1, 1)).output == -4


def test_where_an_input_cell_of_a_layer_goes(network: nn.Module) -> None:
    call = layer_call(network, "up", IMAGES)
    trace = trace_input(call.images, call.operation, (1, 2), channel=3)
    moved = call.images.double()
    moved[0, 3, 1, 2] += 1
    layer = nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1).double()
    layer.load_state_dict(network.get_submodule("up").double().state_dict())
    change = (layer(moved) - layer(call.images.double()))[0].detach()
    found = torch.zeros_like(change)
    for feed in trace.feeds:
        found[(feed.channel, *feed.at)] += feed.weight
    torch.testing.assert_close(found, change)


@given(stride=st.integers(1, 3), padding=st.sampled_from([0, 1, "valid"]), groups=st.integers(1, 2),
       dilation=st.integers(1, 2))  # fmt: skip
def test_any_setting_inside_a_network(stride, padding, groups, dilation) -> None:
    layer = nn.Conv2d(4, 2, (3, 2), stride=stride, padding=padding, groups=groups,
                      dilation=dilation)  # fmt: skip
    net = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Sequential(nn.Tanh(), layer))
    images = torch.randn(1, 1, 9, 8)
    with torch.no_grad():
        expected = net(images)
    last = tuple(size - 1 for size in expected.shape[2:])
    for at in ((0, 0), last):
        found = trace_layer(net, "1.1", images, at, channel=1)
        assert found.output == pytest.approx(float(expected[(0, 1, *at)]), abs=1e-5)


class Standardised(nn.Conv2d):
    """A convolution that changes its weights on the way: its attributes do not say it."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as in the base
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(input, weight, self.bias, self.stride, self.padding)


class Loud(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as in the base
        return 2 * super().forward(2 * input) + 1


def test_a_layer_that_computes_otherwise_is_traced_as_it_computes_or_refused() -> None:
    images = torch.randn(1, 1, 5, 5)
    net = nn.Sequential(Standardised(1, 2, 3), nn.ReLU())
    with torch.no_grad():
        expected = net[0](images)
    found = trace_layer(net, "0", images, (1, 1), channel=1)
    assert found.output == pytest.approx(float(expected[0, 1, 1, 1]), abs=1e-5)
    assert float(found.weights.sum()) == pytest.approx(0, abs=1e-6)
    loud = nn.Sequential(Loud(1, 2, 3))
    with pytest.raises(NetworkError, match="'0' puts out something else than the convolution"):
        trace_layer(loud, "0", images, (1, 1))


def test_parametrized_weights_and_half_precision() -> None:
    images = torch.randn(1, 1, 6, 6)
    net = nn.Sequential(weight_norm(nn.Conv2d(1, 2, 3)))
    expected = net(images)[0, 1, 2, 3].item()
    assert trace_layer(net, "0", images, (2, 3), channel=1).output == pytest.approx(expected)
    half = nn.Sequential(nn.Conv2d(1, 2, 3)).bfloat16()
    assert layer_call(half, "0", images.bfloat16()).operation.kind == "convolution"


def test_volumes_and_sequences() -> None:
    for axes, conv, pool in ((1, nn.Conv1d, nn.AvgPool1d), (3, nn.Conv3d, nn.AvgPool3d)):
        net = nn.Sequential(conv(1, 2, 2), pool(2))
        images = torch.randn(1, 1, *(5,) * axes)
        expected = net(images)[(0, 1, *(1,) * axes)].item()
        found = trace_layer(net, "1", images, (1,) * axes, channel=1)
        assert found.output == pytest.approx(expected, abs=1e-5)
        assert found.divisor == 2**axes


def test_the_network_comes_back_as_it_was(network: nn.Module) -> None:
    network.train()
    with unchanged(network):
        trace_layer(network, "pool", IMAGES, (0, 0))
    with unchanged(network), pytest.raises(ShapeError):
        trace_layer(network, "pool", IMAGES, (99, 0))
    broken = nn.Sequential(nn.Conv2d(3, 1, 1), nn.Linear(3, 3))
    with unchanged(broken), pytest.raises(RuntimeError):
        trace_layer(broken, "0", IMAGES, (0, 0))


def test_the_operation_says_what_it_is(network: nn.Module) -> None:
    mean = layer_call(network, "mean", IMAGES).operation
    assert isinstance(mean, Pooling)
    assert (mean.which, mean.output_size) == ("average", 1)
    pooled = layer_call(network, "avg_pool2d", IMAGES).operation
    assert isinstance(pooled, Pooling)
    assert (pooled.ceil, pooled.count_padding, pooled.stride) == (True, True, 1)
    up = layer_call(network, "conv_transpose2d", IMAGES).operation
    assert isinstance(up, Convolution)
    assert up.transposed


def test_what_is_no_single_layer_is_refused(network: nn.Module) -> None:
    with pytest.raises(NetworkError, match=r"no layer 'stam'; did you mean 'stem'"):
        trace_layer(network, "stam", IMAGES, (0, 0))
    with pytest.raises(NetworkError, match="a BatchNorm2d is no convolution and no pooling"):
        trace_layer(network, "norm", IMAGES, (0, 0))
    with pytest.raises(NetworkError, match="name one layer to trace"):
        trace_layer(network, "convolution", IMAGES, (0, 0))
    with pytest.raises(NetworkError, match=r"means stem, .*; name one layer to trace"):
        trace_layer(network, "*", IMAGES, (0, 0))
    with pytest.raises(NetworkError, match="'relu' is called never"):
        trace_layer(network, "relu", IMAGES, (0, 0))
    with pytest.raises(ShapeError, match="outside the map of 9 x 7"):
        trace_layer(network, "stem", IMAGES, (9, 0))
