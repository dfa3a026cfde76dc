"""A convolution or a pooling with all its settings as one value, made by hand or from a layer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.ops.padding import Padding

__all__ = ["POOLINGS", "Convolution", "Operation", "Pooling", "operation_of"]

POOLINGS = ("max", "average", "min")

_ADAPTIVE = {"AdaptiveMaxPool": "max", "AdaptiveAvgPool": "average"}
_SLIDING = {"MaxPool": "max", "AvgPool": "average", "MinPool": "min"}


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution, or a transposed one, with its weights.

    Attributes:
        weight: A bare kernel, with one axis for each axis of the map; or weights as PyTorch lays
            them out: (out_channels, in_channels / groups, taps ...), for a transposed one
            (in_channels, out_channels / groups, taps ...). Of a map of two axes also weights that
            are not shared, as `locally_connected2d` takes them: (rows, columns, out_channels,
            in_channels / groups, height, width).
        bias: One number an output channel, or, with weights that are not shared, an output cell.
        stride: Cells between two neighbouring places; one number, or one an axis; so too below.
        padding: A word, a number, or one entry an axis; see `padding_pairs`. A transposed
            convolution takes numbers: what the convolution would have added is cut off.
        dilation: Cells between two neighbouring taps.
        groups: Parts of the channels that do not see one another.
        padding_mode: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`.
        flip: Whether the kernel is turned round along its axes first: convolution proper.
        transposed: Whether it is the transposed convolution.
        output_padding: Cells a transposed one adds at the end.
    """

    weight: Shaped[Tensor, "*shape"]
    bias: Float[Tensor, "o *places"] | None = None
    stride: int | Sequence[int] = 1
    padding: Padding = "valid"
    dilation: int | Sequence[int] = 1
    groups: int = 1
    padding_mode: str = "zeros"
    flip: bool = False
    transposed: bool = False
    output_padding: int | Sequence[int] = 0

    @property
    def kind(self) -> str:
        """What it is called."""
        return "transposed convolution" if self.transposed else "convolution"

    @property
    def settings(self) -> dict[str, Any]:
        """What it was given besides the weights, where that is not the default."""
        return _changed(self, ("weight", "bias", "transposed"))


@dataclass(frozen=True, eq=False)
class Pooling:
    """A pooling: the largest, the mean or the smallest of each window, a channel at a time.

    Attributes:
        which: One of `POOLINGS`.
        kernel_size: Cells of the window; one number, or one an axis. None if it is adaptive.
        stride: Cells between two neighbouring windows; None is `kernel_size`.
        padding: As in `Convolution`; what is added is never the largest or the smallest.
        dilation: Cells between two neighbouring cells of a window.
        ceil: Whether a last window that hangs over the end counts.
        count_padding: Whether a mean counts the zeros that were added.
        divisor: What a mean divides by, in place of the count.
        output_size: Adaptive: cells of the output, one number or one an axis (None: as many as
            there are); the windows share the input out.
    """

    which: str
    kernel_size: int | Sequence[int] | None = None
    stride: int | Sequence[int] | None = None
    padding: Padding = "valid"
    dilation: int | Sequence[int] = 1
    ceil: bool = False
    count_padding: bool = False
    divisor: int | None = None
    output_size: int | Sequence[int | None] | None = None

    def __post_init__(self) -> None:
        if self.which not in POOLINGS:
            raise NetworkError(f"which is {self.which!r}; it must be one of {', '.join(POOLINGS)}")
        if (self.kernel_size is None) == (self.output_size is None):
            raise NetworkError("a pooling needs kernel_size, or output_size if it is adaptive")

    @property
    def kind(self) -> str:
        """What it is called."""
        return f"{self.which} pooling"

    @property
    def settings(self) -> dict[str, Any]:
        """What it was given, where that is not the default."""
        return _changed(self, ("which",))


Operation = Convolution | Pooling


def operation_of(layer: nn.Module) -> Operation:
    """Return what a layer does, read from its attributes; the weights are its own, not copies.

    Takes PyTorch's convolutions, transposed convolutions and poolings of one to three axes, those
    of `striate.layers`, and any module that has their attributes: `weight` with `kernel_size`,
    `stride`, `padding`, `dilation` and `groups`.

    Raises:
        NetworkError: It is none of these.

    >>> operation_of(nn.AvgPool2d(2)).kind
    'average pooling'
    >>> operation_of(nn.Conv1d(4, 6, 3, padding="same", groups=2)).padding
    'same'
    """
    weight = getattr(layer, "weight", None)
    fields = ("kernel_size", "stride", "padding", "dilation", "groups")
    if isinstance(weight, Tensor) and all(hasattr(layer, field) for field in fields):
        return _convolution(layer, weight)
    # The nearest base whose name says what it is: a class of the user's may derive from it.
    for base in type(layer).__mro__:
        stem = re.sub("[123]d$", "", base.__name__)
        if stem in _ADAPTIVE and hasattr(layer, "output_size"):
            return _adaptive(layer, _ADAPTIVE[stem])
        if stem in _SLIDING and hasattr(layer, "kernel_size"):
            return _sliding(layer, _SLIDING[stem])
    raise NetworkError(
        f"a {type(layer).__name__} is no convolution and no pooling that can be traced; "
        "name a layer such as Conv2d, ConvTranspose2d, MaxPool2d, AvgPool2d or AdaptiveAvgPool2d"
    )


def _changed(operation: Any, without: Sequence[str]) -> dict[str, Any]:
    given = {field.name: (getattr(operation, field.name), field.default)
             for field in fields(operation) if field.name not in without}  # fmt: skip
    return {name: value for name, (value, default) in given.items() if value != default}


def _convolution(layer: Any, weight: Tensor) -> Convolution:
    transposed = bool(getattr(layer, "transposed", False))
    return Convolution(
        weight,
        getattr(layer, "bias", None),
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        padding_mode=getattr(layer, "padding_mode", "zeros"),
        flip=bool(getattr(layer, "flip", False)),
        transposed=transposed,
        output_padding=layer.output_padding if transposed else 0,
    )


def _adaptive(layer: Any, which: str) -> Pooling:
    return Pooling(which, output_size=layer.output_size)


def _sliding(layer: Any, which: str) -> Pooling:
    return Pooling(
        which,
        layer.kernel_size,
        stride=getattr(layer, "stride", None),
        padding=getattr(layer, "padding", 0),
        dilation=getattr(layer, "dilation", 1),
        ceil=getattr(layer, "ceil_mode", False),
        count_padding=getattr(layer, "count_include_pad", False),
        divisor=getattr(layer, "divisor_override", None),
    )
