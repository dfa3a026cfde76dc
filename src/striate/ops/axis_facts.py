"""All that arithmetic says of one axis of a convolution, in one record."""

from dataclasses import dataclass

from striate.ops.arithmetic import (
    AxisPadding,
    Window,
    axis_padding,
    transposed_output_size,
)
from striate.ops.receptive_fields import transposed_receptive_field

__all__ = ["AxisFacts", "axis_facts", "transposed_axis_facts"]


@dataclass(frozen=True, kw_only=True)
class AxisFacts:
    """One axis of a convolution, in pixels.

    Attributes:
        name: What the axis is called, such as height.
        size: Length before.
        kernel_size: Taps.
        stride: Pixels between two neighbouring places.
        dilation: Pixels between two neighbouring taps.
        span: Pixels from the first tap to the last, both counted.
        before: Padding before; of a transposed convolution, what is cut off.
        after: The same at the far end. Below 0 where a transposed convolution under "same"
            reaches less far than size * stride: pixels more.
        output_padding: Pixels more at the far end of a transposed convolution.
        output: Length after.
        unread: Pixels of the input at the far end that no place reaches.
        sees: Receptive field: the most pixels that an output spans.
        formula: How `output` comes about, with the numbers filled in.
    """

    name: str
    size: int
    kernel_size: int
    stride: int
    dilation: int
    span: int
    before: int
    after: int
    output_padding: int
    output: int
    unread: int
    sees: int
    formula: str


def axis_facts(name: str, size: int, window: Window) -> AxisFacts:
    """Return what a convolution does to an axis.

    Raises:
        ShapeError: The kernel spans more than the padded axis, or a number is out of range.

    >>> axis_facts("length", 13, Window(6, stride=5)).formula
    'floor((13 + 0 + 0 - 6) / 5) + 1 = 2'
    >>> axis_facts("length", 13, Window(6, stride=5)).unread
    2
    """
    out = window.output_size(size)
    before, after = window.pads(size)
    room, stride = size + before + after - window.span, window.stride
    return AxisFacts(
        name=name, size=size, kernel_size=window.kernel_size, stride=window.stride,
        dilation=window.dilation, span=window.span, before=before, after=after, output_padding=0,
        output=out, unread=max(room % stride - after, 0), sees=window.span,
        formula=f"floor(({size} + {before} + {after} - {window.span}) / {stride}) + 1 = {out}",
    )  # fmt: skip


def transposed_axis_facts(
    name: str, size: int, window: Window, *, output_padding: int = 0
) -> AxisFacts:
    """Return what a transposed convolution, the way back through `window`, does to an axis.

    Raises:
        ShapeError: Nothing is left behind the padding, or a number is out of range.

    >>> transposed_axis_facts("length", 3, Window(4, stride=2, padding=1)).formula
    '(3 - 1) * 2 + 4 - 1 - 1 + 0 = 6'
    """
    k, s, d = window.kernel_size, window.stride, window.dilation
    out = transposed_output_size(
        size, k, stride=s, padding=window.padding, output_padding=output_padding, dilation=d
    )
    before, after = _cut(window.padding, size, out, window)
    formula = f"({size} - 1) * {s} + {window.span} - {before} - {after} + {output_padding} = {out}"
    return AxisFacts(
        name=name, size=size, kernel_size=k, stride=s, dilation=d, span=window.span,
        before=before, after=after, output_padding=output_padding, output=out, unread=0,
        sees=transposed_receptive_field(k, stride=s, dilation=d),
        formula=formula.replace("- -", "+ "),
    )  # fmt: skip


def _cut(padding: AxisPadding, size: int, out: int, window: Window) -> tuple[int, int]:
    before, after = axis_padding(
        padding, out, window.kernel_size, stride=window.stride, dilation=window.dilation
    )
    if padding == "same":  # of the longest axis; the pixels that no place of it reads count here
        after = (size - 1) * window.stride + window.span - out - before
    return before, after
