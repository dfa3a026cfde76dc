"""Receptive fields: equal to the support of the gradient, for graphs that tables get wrong."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.anatomy import LayerTable, table
from striate.anatomy.seen import SeenAxis
from tests.anatomy.oracles import opened, seen_by_gradient
from tests.torchvision_nets import torchvision_net


def last_of(found: LayerTable, axis: int = 2) -> SeenAxis:
    """Return what the last row with a map sees of one axis of the first input."""
    fields = [r.receptive_field for r in found.rows if r.receptive_field]
    return next(seen for seen in fields[-1] if (seen.input, seen.axis) == (0, axis))


# Name, what is cut off, height of the images, size, stride, offset: by Araujo et al. and facts.
NETS = [
    ("alexnet", ("avgpool", "classifier"), 288, 195, 32, -66),
    ("vgg16", ("avgpool", "classifier"), 288, 212, 32, -90),
    ("googlenet", ("avgpool", "dropout", "fc", "aux1", "aux2"), 480, 379, 32, -167),
    ("resnet50", ("avgpool", "fc"), 544, 427, 32, -213),
    ("resnet50_v1", ("avgpool", "fc"), 608, 483, 32, -241),
]


def net_of(name: str) -> nn.Module:
    """Return a network of torchvision's, or ResNet-50 as its paper has it.

    v1 has the stride in the first 1x1 convolution of a block, v1.5 in the 3x3: 483 and 427 apart.
    """
    network = torchvision_net(name.removesuffix("_v1"))
    if name.endswith("_v1"):
        for block in network.modules():
            convs = [getattr(block, f"conv{i}", None) for i in (1, 2)]
            if isinstance(convs[0], nn.Conv2d) and isinstance(convs[1], nn.Conv2d):
                convs[0].stride, convs[1].stride = convs[1].stride, convs[0].stride
    return network


@pytest.mark.parametrize(("name", "cut", "height", "size", "stride", "offset"), NETS)
def test_the_networks_of_the_papers(
    name: str, cut: tuple[str, ...], height: int, size: int, stride: int, offset: int
) -> None:
    whole = net_of(name)
    body = nn.Sequential(*(m for n, m in whole.named_children() if n not in cut))
    found = table(body, (height, 64))
    seen = last_of(found)
    assert (seen.size, seen.stride, seen.offset, seen.exact) == (size, stride, offset, True)
    cells = [height // stride // 2 - 1, height // stride // 2]
    expected = [(offset + stride * c, offset + stride * c + size - 1) for c in cells]
    clipped = [(max(low, 0), min(high, height - 1)) for low, high in expected]
    assert clipped[0] == expected[0]  # the whole field lies on the image: nothing is hidden
    assert list(seen_by_gradient(opened(body), (1, 3, height, 64), cells=cells)) == clipped


@pytest.mark.parametrize(
    ("name", "size"), [("vgg11", 150), ("vgg19", 268), ("resnet18", 435), ("resnet101", 971)]
)
def test_more_sizes_of_facts(name: str, size: int) -> None:
    with torch.device("meta"):
        network = torchvision_net(name)
    found = table(network, 224)
    maps = [r for r in found.rows if len(r.output_shape) == 4 and r.output_shape[-1] == 7]
    seen = maps[-1 if "vgg" not in name else -2].receptive_field
    assert {(s.size, s.stride) for s in seen} == {(size, Fraction(32))}
    whole = found.rows[-1].receptive_field
    assert all(s.whole for s in whole)  # the head sees the whole image
    assert [s.axis for s in whole] == [2, 3]


class Made(nn.Module):
    """A function as a network, with layers for it to use."""

    made: Any

    def __init__(self, forward: Callable[..., Tensor], **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.made = forward

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.made(self, *inputs)


def conv(size: int, **options: int) -> nn.Conv2d:
    return nn.Conv2d(1, 1, size, **options)  # pyright: ignore[reportArgumentType]


def unequal(net: Any, x: Tensor) -> Tensor:
    return torch.cat([net.a(x), net.b(net.b(x)), F.max_pool2d(x, 3, 1, 1)], 1).sum(1, keepdim=True)


def written(net: Any, x: Tensor) -> Tensor:
    made = torch.zeros_like(x)
    made[:, :, 1:] = net.a(x)[:, :, :-1]  # one cell further down
    return made + x


GRAPHS = {
    # One branch of 3, one of two 5s, one of a pooling of 3: 9 wide.
    "unequal branches": (
        Made(unequal, a=conv(3, padding=1), b=conv(5, padding=2)), 9, Fraction(1)
    ),
    # 3, then 7 with dilation 2 (13 wide): 15; the sum keeps the wider one.
    "residual, in place": (
        Made(
            lambda net, x: net.a(x).add_(net.b(net.a(x))),
            a=conv(3, padding=1), b=conv(7, padding=6, dilation=2),
        ), 15, Fraction(1),
    ),
    "shared layer": (
        Made(lambda net, x: net.a(F.relu_(net.a(x))), a=conv(3, padding=1)), 5, Fraction(1)
    ),
    "down and up": (
        Made(
            lambda net, x: net.up(net.down(x)) + x,
            down=conv(4, stride=2, padding=1), up=nn.ConvTranspose2d(1, 1, 4, 2, 1),
        ), 6, Fraction(1),
    ),
    # Cell p is fed by p / 2 + 1 - 1.5 k for whole places: k = 0, 2 for even p, k = 1 for odd p.
    "transposed and dilated": (
        Made(lambda net, x: net.up(x), up=nn.ConvTranspose2d(1, 1, 3, 2, 2, dilation=3)),
        4, Fraction(1, 2),
    ),
    # Rows 0 to 3 and 10 and 11, the same for every cell: an interval of 12.
    "two stretches": (
        Made(
            lambda _net, x: (x[:, :, :4].mean(2, True) + x[:, :, 10:12].mean(2, True))
            .expand(1, 1, 32, 32)
        ), 12, Fraction(0),
    ),
    "one stretch": (
        Made(lambda _net, x: x[:, :, 3:9].mean(2, True).expand(1, 1, 32, 32)), 6, Fraction(0)
    ),
    "cut and joined again": (
        Made(
            lambda net, x: net.a(torch.cat([x[:, :, :16], x[:, :, 16:]], 2)), a=conv(3, padding=1)
        ), 3, Fraction(1),
    ),
    "up and smooth": (
        Made(lambda net, x: net.a(F.interpolate(x, scale_factor=2)), a=conv(3, padding=1)),
        2, Fraction(1, 2),
    ),
    "bilinear": (
        Made(lambda _net, x: F.interpolate(x, scale_factor=2.0, mode="bilinear")), 2, Fraction(1, 2)
    ),
    "space to depth": (
        Made(lambda net, x: net.a(F.pixel_unshuffle(x, 2)), a=nn.Conv2d(4, 1, 3, padding=1)),
        6, Fraction(2),
    ),
    "sub-pixel": (
        Made(lambda net, x: F.pixel_shuffle(net.a(x), 2), a=nn.Conv2d(1, 4, 3, padding=1)),
        3, Fraction(1, 2),
    ),
    "slices": (Made(lambda _net, x: x[:, :, 3:-1] + x[:, :, :-4]), 4, Fraction(1)),
    "written into zeros": (Made(written, a=conv(3, padding=1)), 3, Fraction(1)),
    "flatten and back": (
        Made(lambda net, x: net.a(x.flatten(2).unflatten(2, (32, 32))), a=conv(3, padding=1)),
        3, Fraction(1),
    ),
    "windows of 4": (
        Made(lambda _net, x: x.unflatten(2, (8, 4)).mean(3)), 4, Fraction(4)
    ),
    "unfold": (
        Made(lambda _net, x: F.unfold(x, 3, padding=1).unflatten(2, (32, 32)).sum(1, keepdim=True)),
        3, Fraction(1),
    ),
    "Tensor.unfold": (
        Made(lambda _net, x: x.unfold(2, 5, 3).sum(-1)), 5, Fraction(3)
    ),
    "axes swapped": (
        Made(
            lambda net, x: net.a(x.transpose(2, 3)).permute(0, 1, 3, 2),
            a=nn.Conv2d(1, 1, (1, 5), padding=(0, 2)),
        ), 5, Fraction(1),
    ),
    "circular": (
        Made(lambda net, x: net.a(x), a=nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")),
        3, Fraction(1),
    ),
    "overwritten": (
        Made(lambda net, x: net.a(x).copy_(x), a=conv(3, padding=1)), 1, Fraction(1)
    ),
    "set to zero": (
        Made(lambda net, x: net.a(x).zero_().add_(x), a=conv(3, padding=1)), 1, Fraction(1)
    ),
    "matmul over rows": (
        Made(lambda _net, x: (x.transpose(2, 3) @ torch.ones(32, 1).to(x)).expand(1, 1, 32, 32)
             .transpose(2, 3)), 32, Fraction(0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_any_graph_sees_what_the_gradient_says(name: str) -> None:
    network, size, stride = GRAPHS[name]
    found = table(network, 32, in_channels=1)
    seen = last_of(found)
    assert seen.exact
    assert (seen.size, seen.stride) == (size, stride)
    middle = found.rows[-1].output_shape[2] // 2 // stride.denominator * stride.denominator
    cells = [middle + i for i in range(stride.denominator + 1)]
    got = list(seen_by_gradient(opened(network), (1, 1, 32, 32), cells=cells))
    assert max(last - first + 1 for first, last in got) == size
    if not seen.whole:
        assert got[0][0] == seen.offset + stride * middle
        assert got[-1][0] - got[0][0] == 1 * stride * stride.denominator or stride.denominator == 1


def squeezed(net: Any, x: Tensor) -> Tensor:
    x = net.a(x)
    return x * torch.sigmoid(net.fc(x.mean((2, 3))))[:, :, None, None]


def test_squeeze_and_excite_sees_the_whole_image() -> None:
    network = Made(squeezed, a=nn.Conv2d(1, 4, 3, padding=1), fc=nn.Linear(4, 4))
    found = table(network, 16)
    assert all(seen.whole and seen.exact for seen in found.rows[-1].receptive_field)
    assert list(seen_by_gradient(opened(network), (1, 1, 16, 16), cells=[3])) == [(0, 15)]


@pytest.mark.parametrize(
    ("network", "whole"),
    [
        (nn.LayerNorm([8, 8]), True),
        (nn.GroupNorm(1, 1), True),
        (nn.InstanceNorm2d(1), True),
        (nn.BatchNorm2d(1), False),
        (nn.LocalResponseNorm(3), False),
        (nn.Softmax(dim=2), True),
        (nn.AdaptiveAvgPool2d(1), True),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), True),
    ],
)
def test_norms_and_heads(network: nn.Module, whole: bool) -> None:
    seen = table(network, 8, in_channels=1).rows[-1].receptive_field[0]
    assert (seen.whole, seen.exact) == (whole, True)
    assert seen.size == (8 if whole else 1)


@pytest.mark.parametrize(
    "unknown", [lambda x: x.roll(1, 2), lambda x: torch.fft.fft2(x).abs()], ids=["roll", "fft"]
)
def test_an_operation_that_is_not_known_is_an_upper_bound_and_says_so(
    unknown: Callable[[Tensor], Tensor],
) -> None:
    network = Made(lambda net, x: net.a(unknown(net.a(x))), a=conv(3, padding=1))
    found = table(network, 8)
    assert not found.rows[-1].receptive_field[0].exact
    assert found.rows[-1].receptive_field[0].size >= 8
    assert found.rows[0].receptive_field[0].exact
    assert "<= whole" in str(found)
    assert "an upper bound" in str(found)


def test_several_inputs_are_told_apart() -> None:
    network = Made(lambda net, x, y: net.a(x) + y, a=conv(5, padding=2))
    found = table(network, [(1, 8, 8), (1, 8, 8)])
    assert [(s.input, s.axis, s.size) for s in found.rows[-1].receptive_field] == [
        (0, 2, 5), (0, 3, 5), (1, 2, 1), (1, 3, 1),
    ]  # fmt: skip


def test_what_depends_on_no_image_sees_nothing() -> None:
    network = Made(lambda net, _x: net.a.weight.exp().mean() + torch.zeros(1, 1, 8, 8), a=conv(3))
    assert all(row.receptive_field == () for row in table(network, 8).rows)


def test_the_fields_of_the_width_are_its_own() -> None:
    seen = table(nn.Conv2d(1, 1, (3, 5), stride=(1, 2)), (9, 12)).rows[0].receptive_field
    assert [(s.axis, s.size, s.stride, s.offset) for s in seen] == [(2, 3, 1, 0), (3, 5, 2, 0)]
