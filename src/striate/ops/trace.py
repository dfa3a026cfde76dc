"""A convolution or a pooling taken apart: how an output cell comes about, where an input cell goes.

Everything is computed in float64 from the numbers as they are, so the products of float32 values
are exact; the sum differs from what float32 arithmetic gives by its rounding.
"""

import math
from collections.abc import Sequence
from itertools import product

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from striate._errors import ShapeError
from striate.ops.borders import AXIS_NAMES
from striate.ops.operations import Convolution, Operation, Pooling, operation_of
from striate.ops.trace_axis import Tap, readers
from striate.ops.trace_binding import Bound, bind
from striate.ops.trace_records import Feed, InputTrace, OutputTrace

__all__ = ["Traceable", "as_operation", "bound_output", "trace_input", "trace_output"]

Traceable = Operation | Tensor | nn.Module
"""An operation; the kernel or the weights of a convolution with default settings; or a layer."""


def trace_output(
    images: Shaped[Tensor, "*shape"],
    operation: Traceable,
    at: int | Sequence[int],
    *,
    channel: int = 0,
    image: int = 0,
) -> OutputTrace:
    """Return how one output cell comes about: window, weights, products, sum and bias.

    Args:
        images: A map, a map with channels before it, or a batch of those.
        operation: A `Convolution` or `Pooling`; a layer, as `operation_of` takes it; or a tensor,
            which is `Convolution(tensor)`: a bare kernel, or weights in PyTorch's layout.
        at: Place of the output cell, counted from 0; one number for each axis of the map. How many
            there are says how many axes of `images` and weights are those of the map.
        channel: Output channel.
        image: Which image of a batch.

    Raises:
        ShapeError: The cell is outside the map, or images, weights and settings do not fit.
        NetworkError: The layer is of another kind.

    >>> board = torch.arange(16.0).view(4, 4)
    >>> trace = trace_output(board, torch.tensor([[1.0, 0.0], [0.0, -1.0]]), (1, 2))
    >>> trace.values.tolist(), trace.products.tolist(), trace.output
    ([[[6.0, 7.0], [10.0, 11.0]]], [[[6.0, 0.0], [0.0, -11.0]]], -5.0)
    >>> trace_output(board, nn.MaxPool2d(2), (0, 0)).winner
    (1, 1)
    """
    place = _place(at)
    bound = bind(images, as_operation(operation), len(place), image)
    return bound_output(bound, place, channel, image)


def trace_input(
    images: Shaped[Tensor, "*shape"],
    operation: Traceable,
    at: int | Sequence[int],
    *,
    channel: int = 0,
    image: int = 0,
) -> InputTrace:
    """Return all output cells that one input cell feeds, each with the weight it goes there by.

    Args:
        images: As in `trace_output`.
        operation: As in `trace_output`.
        at: Place of the input cell, counted from 0.
        channel: Input channel.
        image: Which image of a batch.

    Raises:
        ShapeError: The cell is outside the map, or images, weights and settings do not fit.
        NetworkError: The layer is of another kind.

    >>> kernel = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> [(f.at, f.weight) for f in trace_input(torch.ones(3, 3), kernel, (1, 0)).feeds]
    [((0, 0), 3.0), ((1, 0), 1.0)]
    """
    place = _place(at)
    bound = bind(images, as_operation(operation), len(place), image)
    _check("input", place, bound.input_size, channel, bound.images.shape[0])
    return InputTrace(
        kind=bound.operation.kind,
        at=place,
        channel=channel,
        image=image,
        value=float(bound.images[(channel, *place)]),
        input_size=bound.input_size,
        output_size=bound.output_size,
        feeds=tuple(_feeds(bound, place, channel)),
    )


def bound_output(bound: Bound, at: tuple[int, ...], channel: int, image: int = 0) -> OutputTrace:
    """Return the trace of an output cell of an operation that is bound already.

    Raises:
        ShapeError: The cell is outside the map.
    """
    _check("output", at, bound.output_size, channel, bound.out_channels)
    windows = [axis.window(place) for axis, place in zip(bound.axes, at, strict=True)]
    values = _values(bound, windows, channel)
    bias = bound.bias_at(channel, at)
    winner = divisor = None
    if isinstance(bound.operation, Pooling):
        weights, winner, divisor = _pool(bound.operation, windows, values[0])
        # Not a plain product: 0 times infinity would hide the cell that wins.
        products = torch.where(weights == 0, weights, values * weights)
    else:
        weights = _weights(bound, windows, channel, at)
        products = values * weights
    total = (
        float(products.sum()) if divisor is None else float(values.sum()) / (divisor or math.nan)
    )
    if winner is None and bound.operation.kind in ("max pooling", "min pooling"):
        total = -math.inf if bound.operation.kind == "max pooling" else math.inf
    return OutputTrace(
        kind=bound.operation.kind, settings=bound.operation.settings,
        at=at, channel=channel, image=image,
        channels=tuple(bound.inputs_of(channel)),
        positions=tuple(tuple(tap.position for tap in taps) for taps in windows),
        sources=tuple(tuple(tap.source for tap in taps) for taps in windows),
        stretch=tuple(axis.stretch for axis in bound.axes),
        input_size=bound.input_size, output_size=bound.output_size,
        values=values, weights=weights, products=products,
        sum=total, bias=bias, output=total + (bias or 0.0), winner=winner, divisor=divisor,
    )  # fmt: skip


def as_operation(operation: Traceable) -> Operation:
    """Return what `trace_output` takes as an operation.

    Raises:
        NetworkError: It is a layer of another kind.
    """
    if isinstance(operation, nn.Module):
        return operation_of(operation)
    return Convolution(operation) if isinstance(operation, Tensor) else operation


def _place(at: int | Sequence[int]) -> tuple[int, ...]:
    return (at,) if isinstance(at, int) else tuple(at)


def _check(
    what: str, at: tuple[int, ...], sizes: tuple[int, ...], channel: int, channels: int
) -> None:
    """Refuse a cell outside the map; the text says how far it goes."""
    if not 0 <= channel < channels:
        raise ShapeError(
            f"{what} channel {channel} is not there; channels run from 0 to {channels - 1}"
        )
    for name, number, size in zip(AXIS_NAMES[len(sizes)], at, sizes, strict=True):
        if not 0 <= number < size:
            what_size = " x ".join(map(str, sizes))
            word = {"height": "row", "width": "column", "depth": "slice"}.get(name, "cell")
            raise ShapeError(
                f"{what} cell {', '.join(map(str, at))} is outside the map of {what_size}; "
                f"its {word} may be 0 to {size - 1}"
            )


def _values(bound: Bound, windows: list[tuple[Tap, ...]], channel: int) -> Tensor:
    """Return what the window reads, zeros where there is nothing to read."""
    inputs = bound.inputs_of(channel)
    values = bound.images[inputs.start : inputs.stop]
    for axis, taps in enumerate(windows, start=1):
        cells = torch.tensor([tap.source or 0 for tap in taps])
        read = torch.tensor([tap.source is not None for tap in taps])
        shape = [-1 if a == axis else 1 for a in range(values.ndim)]
        # Not a product: what stands at cell 0 may be infinite.
        values = values.index_select(axis, cells).where(read.view(shape), 0.0)
    return values


def _weights(
    bound: Bound, windows: list[tuple[Tap, ...]], channel: int, at: tuple[int, ...]
) -> Tensor:
    weights = bound.kernels(channel, at)
    for axis, taps in enumerate(windows, start=1):
        weights = weights.index_select(axis, torch.tensor([tap.index for tap in taps]))
    return weights


def _pool(
    operation: Pooling, windows: list[tuple[Tap, ...]], values: Tensor
) -> tuple[Tensor, tuple[int, ...] | None, float | None]:
    """Return what a pooling multiplies its window by, the cell that wins, and the divisor."""
    places = list(product(*windows))
    sources = [tuple(tap.source for tap in taps if tap.source is not None) for taps in places]
    real = [len(source) == len(windows) for source in sources]
    if operation.which == "average":
        counted = len(places) if operation.count_padding else sum(real)
        divisor = float(counted if operation.divisor is None else operation.divisor)
        share = 1 / divisor if divisor else math.nan
        return torch.full_like(values, share)[None], None, divisor
    weights = torch.zeros(len(places), dtype=values.dtype)
    if not any(real):
        return weights.view(1, *values.shape), None, None
    sign = 1 if operation.which == "max" else -1
    ranked = [sign * v if r else -math.inf for v, r in zip(values.flatten().tolist(), real,
                                                           strict=True)]  # fmt: skip
    best = _first_best(ranked, real)
    weights[best] = 1.0
    return weights.view(1, *values.shape), sources[best], None


def _first_best(ranked: list[float], real: list[bool]) -> int:
    """Return the first of the largest; what is no number wins, as in PyTorch."""
    for place, number in enumerate(ranked):
        if real[place] and math.isnan(number):
            return place
    return max((place for place, there in enumerate(real) if there), key=ranked.__getitem__)


def _feeds(bound: Bound, at: tuple[int, ...], channel: int) -> list[Feed]:
    """Return every way from an input cell to an output cell."""
    ways = [readers(axis, cell) for axis, cell in zip(bound.axes, at, strict=True)]
    value = float(bound.images[(channel, *at)])
    feeds: list[Feed] = []
    for out in bound.outputs_of(channel):
        for way in product(*ways):
            place = tuple(p for p, _ in way)
            windows = [axis.window(p) for axis, p in zip(bound.axes, place, strict=True)]
            taps = [window[tap] for window, (_, tap) in zip(windows, way, strict=True)]
            if bound.weight is None:
                trace = bound_output(bound, place, out)
                weight = float(trace.weights[(0, *(tap for _, tap in way))])
            else:
                plane = channel - bound.inputs_of(out).start
                weight = float(bound.kernels(out, place)[(plane, *(tap.index for tap in taps))])
            times = 0.0 if weight == 0 and bound.weight is None else value * weight
            feeds.append(
                Feed(channel=out, at=place, position=tuple(tap.position for tap in taps),
                     weight=weight, product=times)
            )  # fmt: skip
    return sorted(feeds, key=lambda feed: (feed.channel, feed.at))
