"""All that arithmetic says of one convolution, in one record. Plain integers, no torch."""

from dataclasses import asdict, dataclass
from typing import Any

from striate._errors import ShapeError
from striate.ops.arithmetic import Window
from striate.ops.axis_facts import AxisFacts, axis_facts, transposed_axis_facts
from striate.ops.comparisons import (
    Comparison,
    Connections,
    StackComparison,
    connections,
    separable_against_full,
    stacked_against_single,
)
from striate.ops.counting import Cost, Lengths, convolution_cost, memory_bytes
from striate.ops.padding import AXIS_NAMES, Padding, padding_pairs, per_axis

__all__ = ["ConvolutionFacts", "convolution_facts"]


@dataclass(frozen=True, kw_only=True)
class ConvolutionFacts:
    """One convolution in numbers; see `convolution_facts`.

    Attributes:
        axes: Sizes, axis by axis.
        padding: As it was asked for.
        cost: Parameters, and multiply-adds of one image.
        input_bytes: Memory of the batch before.
        output_bytes: Memory of the batch after.
        parameter_bytes: Memory of weights and biases.
        connections: The same units connected fully, locally and by convolution; None of a
            transposed convolution.
        separable: A separable convolution in its place; None in groups or transposed.
        stacked: Several 3-tap convolutions in its place, where it keeps size and channels and they
            see exactly as much.
    """

    axes: tuple[AxisFacts, ...]
    in_channels: int
    out_channels: int
    groups: int
    padding: Padding
    transposed: bool
    bias: bool
    batch: int
    dtype: str
    cost: Cost
    input_bytes: int
    output_bytes: int
    parameter_bytes: int
    connections: Connections | None
    separable: Comparison | None
    stacked: StackComparison | None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Batch, channels and lengths before."""
        return (self.batch, self.in_channels, *(axis.size for axis in self.axes))

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Batch, channels and lengths after."""
        return (self.batch, self.out_channels, *(axis.output for axis in self.axes))

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the whole batch, biases not counted."""
        return self.batch * self.cost.multiply_adds

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and strings."""
        values = asdict(self)
        del values["cost"]
        return values | {
            "input_shape": self.input_shape,
            "output_shape": self.output_shape,
            "parameters": self.cost.parameters,
            "multiply_adds": self.multiply_adds,
        }


def convolution_facts(
    size: Lengths,
    kernel_size: Lengths,
    *,
    in_channels: int = 1,
    out_channels: int = 1,
    stride: Lengths = 1,
    padding: Padding = "valid",
    dilation: Lengths = 1,
    groups: int = 1,
    transposed: bool = False,
    output_padding: Lengths = 0,
    bias: bool = True,
    batch: int = 1,
    dtype: str = "float32",
) -> ConvolutionFacts:
    """Return sizes, padding, parameters, work, memory and receptive field of a convolution.

    Args:
        size: Length of the input along each axis, in pixels; a number is one axis.
        kernel_size: Taps; one number for all axes or one an axis; so too `stride`, `dilation` and
            `output_padding`.
        in_channels: Channels before.
        out_channels: Channels after.
        stride: Pixels between two neighbouring places.
        padding: A word, pixels, or one entry an axis: pixels or a pair (before, after).
        dilation: Pixels between two neighbouring taps.
        groups: Parts of the channels that do not see one another.
        transposed: The way back through a convolution with these numbers.
        output_padding: Of a transposed convolution, pixels more at the far end.
        bias: Whether each output channel has a bias.
        batch: Images at once.
        dtype: Name of the numbers' type, such as float32.

    Raises:
        ShapeError: The kernel does not fit, groups do not divide the channels, a number is out of
            range, or `output_padding` without `transposed`.

    >>> facts = convolution_facts(13, 6, stride=5, padding="same")
    >>> facts.axes[0].formula
    'floor((13 + 1 + 2 - 6) / 5) + 1 = 3'
    >>> facts = convolution_facts((100, 150), 5, in_channels=3, out_channels=200, padding="same")
    >>> facts.cost, facts.output_bytes
    (Cost(parameters=15200, multiply_adds=225000000), 12000000)
    """
    sizes = (size,) if isinstance(size, int) else tuple(size)
    extras = per_axis(output_padding, len(sizes), "output_padding", least=0)
    if any(extras) and not transposed:
        raise ShapeError("output_padding is for transposed convolutions; leave it at 0")
    per_axis(batch, 1, "batch")
    axes = _axes(sizes, kernel_size, stride, padding, dilation, extras, transposed)
    taps, out = tuple(a.kernel_size for a in axes), tuple(a.output for a in axes)
    channels = (in_channels, out_channels)
    cost = convolution_cost(*channels, taps, sizes if transposed else out, groups=groups, bias=bias)
    before, after = (in_channels, *sizes), (out_channels, *out)
    plain = not transposed and groups == 1
    return ConvolutionFacts(
        axes=axes, in_channels=in_channels, out_channels=out_channels, groups=groups,
        padding=padding, transposed=transposed, bias=bias, batch=batch, dtype=dtype, cost=cost,
        input_bytes=memory_bytes((batch, *before), dtype),
        output_bytes=memory_bytes((batch, *after), dtype),
        parameter_bytes=memory_bytes((cost.parameters,), dtype),
        connections=None if transposed else connections(before, after, taps, groups=groups),
        separable=separable_against_full(*channels, taps, out, bias=bias) if plain else None,
        stacked=_stacked(axes, channels, bias) if plain else None,
    )  # fmt: skip


def _axes(
    sizes: tuple[int, ...],
    kernel_size: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
    extras: tuple[int, ...],
    transposed: bool,
) -> tuple[AxisFacts, ...]:
    count = len(sizes)
    words = isinstance(padding, str)  # a word is for all axes; numbers become a pair for each
    windows = [
        Window(*numbers)
        for numbers in zip(
            per_axis(kernel_size, count, "kernel_size"),
            per_axis(stride, count, "stride"),
            (padding,) * count if words else padding_pairs(padding, sizes, kernel_size),
            per_axis(dilation, count, "dilation"),
            strict=True,
        )
    ]
    names = AXIS_NAMES.get(count) or tuple(f"axis {number}" for number in range(1, count + 1))
    # The axis with least room first: the padding that its error names fits the others too.
    if transposed:
        room = [(n - 1) * w.stride + w.span for n, w in zip(sizes, windows, strict=True)]
    else:
        room = [n - w.span for n, w in zip(sizes, windows, strict=True)]
    found: dict[int, AxisFacts] = {}
    for axis in sorted(range(count), key=room.__getitem__):
        each = names[axis], sizes[axis], windows[axis]
        if transposed:
            found[axis] = transposed_axis_facts(*each, output_padding=extras[axis])
        else:
            found[axis] = axis_facts(*each)
    return tuple(found[axis] for axis in range(count))


def _stacked(
    axes: tuple[AxisFacts, ...], channels: tuple[int, int], bias: bool
) -> StackComparison | None:
    """Return a stack of 3-tap convolutions that sees as much, where one keeps size and channels."""
    taps = {(a.kernel_size, a.stride, a.dilation) for a in axes}
    kernel_size, stride, dilation = next(iter(taps))
    odd = kernel_size > 3 and kernel_size % 2 == 1
    if len(taps) > 1 or not odd or (stride, dilation) != (1, 1) or channels[0] != channels[1]:
        return None
    out = tuple(a.output for a in axes)
    if out != tuple(a.size for a in axes):
        return None
    return stacked_against_single(channels[0], out, count=(kernel_size - 1) // 2, bias=bias)
