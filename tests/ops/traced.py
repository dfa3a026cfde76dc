"""Random settings of convolutions and poolings, and what PyTorch makes of them."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor

from striate.ops import Convolution, Pooling, padding_pairs
from striate.ops.operations import POOLINGS, Operation

CONV = (F.conv1d, F.conv2d, F.conv3d)
SPREAD = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
LARGEST = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
LONGEST = {1: 9, 2: 6, 3: 4}


KINDS = ("convolution", "transposed", "max", "average", "min")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Numbers that say what to make; drawn apart from it, for nothing may be run while drawing."""

    kind: str
    sizes: list[int]
    taps: list[int]
    stride: list[int]
    dilation: list[int]
    extra: list[int]
    padding: Any
    mode: str
    groups: int
    channels: int
    outputs: int
    images: int
    flip: bool
    bias: bool
    seed: int


@st.composite
def settings(draw: Any, kind: str) -> Setting:
    """Draw an operation of a kind and images, which may not fit one another."""
    axes = draw(st.integers(1, 3))

    def each(low: int, high: int) -> list[int]:
        return [draw(st.integers(low, high)) for _ in range(axes)]

    entry = st.one_of(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2)))
    wide = st.one_of(st.sampled_from(["valid", "same", "full"]), st.integers(0, 2),
                     st.lists(entry, min_size=axes, max_size=axes))  # fmt: skip
    return Setting(
        kind=kind, sizes=each(1, LONGEST[axes]), taps=each(1, 3), stride=each(1, 3),
        dilation=each(1, 2), extra=each(0, 2),
        padding=each(0, 2) if kind == "transposed" else draw(wide),
        mode=draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        groups=draw(st.integers(1, 2)), channels=draw(st.integers(1, 2)),
        outputs=draw(st.integers(1, 2)), images=draw(st.integers(1, 2)),
        flip=draw(st.booleans()), bias=draw(st.booleans()), seed=draw(st.integers(0, 999)),
    )  # fmt: skip


def made(setting: Setting) -> tuple[Tensor, Operation]:
    """Return images and operation in float64; what does not fit is passed over."""
    generator = torch.Generator().manual_seed(setting.seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    pooled = setting.kind in POOLINGS
    groups = 1 if pooled else setting.groups
    channels, outputs = groups * setting.channels, groups * setting.outputs
    images = random(setting.images, channels, *setting.sizes)
    if pooled:
        return images, _pooling(setting)
    shape = (
        (channels, setting.outputs) if setting.kind == "transposed" else (outputs, setting.channels)
    )
    weight = random(*shape, *setting.taps)
    bias = random(outputs) if setting.bias else None
    shared: dict[str, Any] = {
        "stride": setting.stride,
        "dilation": setting.dilation,
        "padding": setting.padding,
        "groups": groups,
        "flip": setting.flip,
    }
    if setting.kind == "transposed":
        extra = _output_padding(setting)
        return images, Convolution(weight, bias, transposed=True, output_padding=extra, **shared)
    pairs = _fitting_pairs(setting)
    for size, pair in zip(setting.sizes, pairs, strict=True):
        assume(max(pair) <= {"reflect": size - 1, "circular": size}.get(setting.mode, 99))
    return images, Convolution(weight, bias, padding_mode=setting.mode, **shared)


def torch_output(images: Tensor, operation: Any) -> Tensor:
    """Return what PyTorch's functions put out, with the padding added by hand."""
    kind = operation.kind.partition(" ")[0]
    axes = images.ndim - 2
    if kind == "transposed":
        weight = operation.weight
        weight = weight.flip(tuple(range(2, axes + 2))) if operation.flip else weight
        return SPREAD[axes - 1](
            images, weight, operation.bias, operation.stride, operation.padding,
            operation.output_padding, operation.groups, operation.dilation,
        )  # fmt: skip
    taps = tuple(operation.weight.shape[2:]) if kind == "convolution" else operation.kernel_size
    pairs = padding_pairs(operation.padding, images.shape[2:], taps, stride=operation.stride,
                          dilation=operation.dilation)  # fmt: skip
    flat = list(chain.from_iterable(reversed(pairs)))
    if kind == "convolution":
        mode = "constant" if operation.padding_mode == "zeros" else operation.padding_mode
        weight = operation.weight
        weight = weight.flip(tuple(range(2, axes + 2))) if operation.flip else weight
        padded = F.pad(images, flat, mode=mode) if any(flat) else images
        return CONV[axes - 1](padded, weight, operation.bias, operation.stride, 0,
                              operation.dilation, operation.groups)  # fmt: skip
    if kind == "average":
        return _mean(images, flat, operation)
    sign = 1 if kind == "max" else -1
    padded = F.pad(sign * images, flat, value=-torch.inf)
    return sign * LARGEST[axes - 1](padded, operation.kernel_size, operation.stride, 0,
                                    operation.dilation)  # fmt: skip


def jacobian(images: Tensor, operation: Any) -> Tensor:
    """Return d output / d input of the first image: (out channel, *places, channel, *cells)."""
    slopes: Any = torch.autograd.functional.jacobian(
        lambda x: torch_output(x, operation), images[:1]
    )
    return slopes[0].select(images.ndim - 1, 0)


def _mean(images: Tensor, flat: list[int], operation: Any) -> Tensor:
    axes, channels = images.ndim - 2, images.shape[1]
    kernel = torch.ones(channels, 1, *operation.kernel_size, dtype=images.dtype)
    settings = (None, operation.stride, 0, operation.dilation, channels)
    total = CONV[axes - 1](F.pad(images, flat), kernel, *settings)
    real = torch.ones_like(images)
    ones = F.pad(real, flat, value=1.0 if operation.count_padding else 0.0)
    return total / CONV[axes - 1](ones, kernel, *settings)


def _fitting_pairs(setting: Setting) -> tuple[tuple[int, int], ...]:
    pairs = padding_pairs(setting.padding, setting.sizes, setting.taps, stride=setting.stride,
                          dilation=setting.dilation)  # fmt: skip
    for size, k, pair, d in zip(setting.sizes, setting.taps, pairs, setting.dilation, strict=True):
        assume(d * (k - 1) + 1 <= size + sum(pair))
    return pairs


def _output_padding(setting: Setting) -> list[int]:
    """Return what is drawn, but no more than PyTorch takes, if anything is left of the output."""
    each = list(zip(setting.sizes, setting.taps, setting.stride, setting.dilation,
                    setting.padding, setting.extra, strict=True))  # fmt: skip
    extra = [more % max(s, d) for _, _, s, d, _, more in each]
    for (n, k, s, d, p, _), more in zip(each, extra, strict=True):
        assume((n - 1) * s - 2 * p + d * (k - 1) + more + 1 >= 1)
    return extra


def _pooling(setting: Setting) -> Pooling:
    pairs = _fitting_pairs(setting)
    for (before, after), k, d in zip(pairs, setting.taps, setting.dilation, strict=True):
        assume((max(before, after) < k and d == 1) or before == after == 0)  # a real cell in each
    return Pooling(setting.kind, setting.taps, stride=setting.stride, dilation=setting.dilation,
                   padding=setting.padding, count_padding=setting.flip)  # fmt: skip
