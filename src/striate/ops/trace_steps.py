"""Several output cells of one map, one behind the other, with the maps around them."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from jaxtyping import Float, Shaped
from torch import Tensor

from striate._errors import ShapeError
from striate.files import write_text
from striate.ops.trace import Traceable, as_operation, bound_output
from striate.ops.trace_axis import reach
from striate.ops.trace_binding import Bound, bind
from striate.ops.trace_maps import output_map
from striate.ops.trace_records import OutputTrace, plain_numbers

__all__ = ["MapTrace", "bound_map", "trace_map"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MapTrace:
    """A window that slides over a map.

    Attributes:
        images: The image that is read, channels first.
        outputs: The whole map of the output channel.
        steps: One trace an output cell, in reading order.
        first: The first position along each axis: 0, or below it where padding is read.
        sources: For each position from there on, along each axis, the real cell that is read
            there, or None where a zero is.
    """

    images: Float[Tensor, "c *sizes"]
    outputs: Float[Tensor, "*places"]
    steps: tuple[OutputTrace, ...]
    first: tuple[int, ...]
    sources: tuple[tuple[int | None, ...], ...]

    @property
    def whole(self) -> bool:
        """Whether it comes by every cell of the map."""
        return len(self.steps) == self.outputs.numel()

    def to_json(self) -> dict[str, Any]:
        """Return plain values; a number that is not finite is None."""
        maps = {"images": self.images.tolist(), "outputs": self.outputs.tolist()}
        maps |= {"first": self.first, "sources": self.sources}
        return plain_numbers(maps) | {"steps": [step.to_json() for step in self.steps]}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to `path`, atomically.

        Raises:
            StorageError: The file cannot be written.
        """
        write_text(path, json.dumps(self.to_json(), allow_nan=False, indent=1) + "\n")


def trace_map(
    images: Shaped[Tensor, "*shape"],
    operation: Traceable,
    axes: int = 2,
    *,
    at: Sequence[int] | None = None,
    most: int = 100,
    channel: int = 0,
    image: int = 0,
) -> MapTrace:
    """Return the traces of a block of output cells, row by row.

    Args:
        images: As in `trace_output`.
        operation: As in `trace_output`.
        axes: Axes of the map, one to three.
        at: A cell that the block has in it, near its middle where there is room; None begins at
            the first cell. Of a volume the block lies in one slice, that of `at`.
        most: Cells it has at most. The block is the whole map if that has no more; else it is as
            square as it gets.
        channel: Output channel.
        image: Which image of a batch.

    Raises:
        ShapeError: As `trace_output`, or `most` is below 1.
        NetworkError: The layer is of another kind.

    >>> import torch
    >>> path = trace_map(torch.ones(4, 4), torch.ones(3, 3))
    >>> [step.at for step in path.steps], path.whole
    ([(0, 0), (0, 1), (1, 0), (1, 1)], True)
    """
    bound = bind(images, as_operation(operation), axes, image)
    return bound_map(bound, at=at, most=most, channel=channel, image=image)


def bound_map(
    bound: Bound,
    *,
    at: Sequence[int] | None = None,
    most: int = 100,
    channel: int = 0,
    image: int = 0,
) -> MapTrace:
    """As `trace_map`, of an operation that is bound already."""
    if most < 1:
        raise ShapeError(f"most is {most}; a trace of a map has 1 cell or more")
    sizes = bound.output_size
    first = (0,) * len(sizes) if at is None else tuple(at)
    if len(first) != len(sizes):
        raise ShapeError(f"at is {first}; the map has {len(sizes)} axes")
    seen = bound_output(bound, first, channel, image)  # refuses a cell outside the map
    if most == 1:
        steps = (seen,)
    else:
        places = product(*_block(sizes, first, most))
        steps = tuple(bound_output(bound, place, channel, image) for place in places)
    spans = [(axis, reach(axis)) for axis in bound.axes]
    return MapTrace(
        images=bound.images,
        outputs=output_map(bound, channel),
        steps=steps,
        first=tuple(span.start for _, span in spans),
        sources=tuple(tuple(axis.source(p) for p in span) for axis, span in spans),
    )


def _block(sizes: tuple[int, ...], at: tuple[int, ...], most: int) -> list[range]:
    """Return the cells of each axis: one slice of a volume, of a plane as much as `most` allows."""
    if math.prod(sizes) <= most:
        return [range(size) for size in sizes]
    *slices, (columns, column) = zip(sizes, at, strict=True)
    alone, rows, row = [range(place, place + 1) for _, place in slices[:-1]], 1, 0
    if slices:
        rows, row = slices[-1]
    high = min(rows, max(math.isqrt(most), most // columns))
    wide = min(columns, most // high)
    along = [_around(columns, column, wide)]
    return [*alone, _around(rows, row, high), *along] if slices else along


def _around(size: int, place: int, count: int) -> range:
    """Return `count` neighbours in 0..size with `place` among them, in the middle if they can."""
    first = min(max(place - count // 2, 0), size - count)
    return range(first, first + count)
