"""What a picture of one step shows, as plain values: grids of squares, and the sum in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from striate.ops import MapTrace, OutputTrace
from striate.report.wording import count, number

__all__ = ["LEVELS", "Board", "Grid", "Square", "board_of", "shown", "square_width"]

LEVELS = 8
"""Steps of brightness above the darkest, which is 0."""

_NARROWEST, _DIGIT = 30, 7.7  # pixels: a square, and a digit in it
_PLANES = 3  # planes of the input that are drawn; the sum tells the others
_WIDEST = 1300  # pixels that they take side by side; else fewer are drawn
# Rows and columns up to which a map is drawn whole, and of a larger one what is drawn around the
# windows; less where several planes stand side by side.
_WHOLE, _PART = (16, 20), (10, 12)
_WHOLE_OF_MANY, _PART_OF_MANY = (10, 10), (7, 8)


@dataclass(frozen=True, slots=True)
class Square:
    """One square of a grid.

    Attributes:
        text: The number in it.
        look: `cell`, `padding` (outside the map), or `between` (a zero that a transposed
            convolution puts between the cells).
        level: Brightness of a real cell, 0 to `LEVELS`.
    """

    text: str
    look: str = "cell"
    level: int = LEVELS


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A map, or the part of it that is drawn.

    Attributes:
        name: What it is.
        rows: Coordinates of its rows.
        columns: Coordinates of its columns.
        squares: Row by row.
        whole: Whether it is all of the map.
        flat: Whether the map has one axis, so that rows have no coordinate.
    """

    name: str
    rows: range
    columns: range
    squares: tuple[tuple[Square, ...], ...]
    whole: bool
    flat: bool = False

    @property
    def square(self) -> float:
        """Width of a square, in pixels."""
        return square_width(max(len(square.text) for row in self.squares for square in row))


@dataclass(frozen=True, kw_only=True)
class Board:
    """All that stays where it is while the window slides.

    Attributes:
        trace: What is drawn.
        inputs: The first planes of the input that the windows read.
        output: The map of the output channel.
        planes: Planes that the window reads in all: channels, times the slices of a volume.
    """

    trace: MapTrace
    inputs: tuple[Grid, ...]
    output: Grid
    planes: int

    def window(self, step: OutputTrace) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return rows and columns of the window in an input grid."""
        return _flat(step.positions, (0,))

    def place(self, step: OutputTrace) -> tuple[int, int]:
        """Return row and column of the output cell."""
        row, column = _flat(step.at, 0)
        return row, column


def board_of(trace: MapTrace) -> Board:
    """Return the grids of a trace of a map, cut to what can be read.

    >>> import torch
    >>> from striate.ops import trace_map
    >>> board = board_of(trace_map(torch.eye(3), torch.ones(2, 2)))
    >>> [square.text for square in board.output.squares[0]]
    ['2', '1']
    """
    steps = trace.steps
    first = steps[0]
    slices = first.sources[0] if len(first.at) == 3 else (None,)
    planes = [(channel, part) for channel in first.channels for part in slices]
    ranges = _input_ranges(trace, many=len(planes) > 1)
    inputs = [_input(trace, ranges, *plane) for plane in planes[:_PLANES]]
    while len(inputs) > 1 and sum(len(g.columns) * g.square for g in inputs) > _WIDEST:
        inputs.pop()
    outputs = trace.outputs[first.at[0]] if len(first.at) == 3 else trace.outputs
    return Board(
        trace=trace,
        inputs=tuple(inputs),
        output=_output(trace, outputs, many=len(planes) > 1),
        planes=len(planes),
    )


def square_width(longest: int) -> float:
    """Return how wide squares are whose longest number has so many letters.

    >>> square_width(2), square_width(6)
    (30.0, 56.2)
    """
    return max(float(_NARROWEST), round(_DIGIT * longest + 10, 1))


def shown(value: float) -> str:
    """Return a number as it stands in a square: whole ones whole, others with three digits.

    >>> shown(-8.0), shown(0.12345), shown(-0.00456), shown(float("-inf"))
    ('−8', '0.123', '−0.0046', '−∞')
    """
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    if value == round(value) and abs(value) < 1e6:
        return f"{value:.0f}".replace("-", "−") if value else "0"
    if 1e-4 <= abs(value) < 1e-2:  # four places are enough, and fit into a square
        return f"{value:.4f}".rstrip("0").replace("-", "−")
    return number(value) if 1e-2 <= abs(value) < 1e6 else f"{value:.0e}".replace("-", "−")


def _flat(pair: Sequence, missing: object) -> tuple:
    """Return what is said of rows and columns; a map of one axis has one row."""
    return (missing, pair[-1]) if len(pair) == 1 else (pair[-2], pair[-1])


def _input_ranges(trace: MapTrace, *, many: bool) -> tuple[range, range]:
    """Return the rows and columns of the input grid that are drawn."""
    first, sources = _flat(trace.first, 0), _flat(trace.sources, (0,))
    found: list[range] = []
    for axis in (0, 1):
        whole = range(first[axis], first[axis] + len(sources[axis]))
        windows = [_flat(step.positions, (0,))[axis] for step in trace.steps]
        need = range(min(w[0] for w in windows), max(w[-1] for w in windows) + 1)
        found.append(_cut(whole, need, axis, many=many))
    return found[0], found[1]


def _cut(whole: range, need: range, axis: int, *, many: bool) -> range:
    """Return `whole` if there is room for it, else `need` with something around it."""
    most = (_WHOLE_OF_MANY if many else _WHOLE)[axis]
    if len(whole) <= most or len(need) >= len(whole):
        return whole
    spare = max((_PART_OF_MANY if many else _PART)[axis] - len(need), 2)
    start = max(min(need.start - spare // 2, whole.stop - len(need) - spare), whole.start)
    return range(start, min(start + len(need) + spare, whole.stop))


def _input(trace: MapTrace, ranges: tuple[range, range], channel: int, part: int | None) -> Grid:
    step, volume = trace.steps[0], len(trace.first) == 3
    plane: Tensor | None = trace.images[channel]
    if volume:
        plane = None if part is None else trace.images[channel, part]
    first, sources = _flat(trace.first, 0), _flat(trace.sources, (0,))
    stretch, sizes = _flat(step.stretch, 1), _flat(step.input_size, 1)
    levels = _Levels(plane)

    def square(row: int, column: int) -> Square:
        read = [sources[a][p - first[a]] for a, p in enumerate((row, column))]
        look = _look((row, column), stretch, sizes) if plane is not None else "padding"
        if plane is None or None in read:
            return Square("" if step.kind.endswith("pooling") else "0", look)
        value = float(plane.view(-1, plane.shape[-1])[read[0], read[1]])
        return Square(shown(value), look, levels.of(value) if look == "cell" else LEVELS)

    rows, columns = ranges
    squares = tuple(tuple(square(row, column) for column in columns) for row in rows)
    whole = all(len(r) == len(s) for r, s in zip(ranges, sources, strict=True))
    flat = len(trace.first) == 1
    return Grid(name=_plane_name(trace, channel, part), rows=rows, columns=columns,
                squares=squares, whole=whole, flat=flat)  # fmt: skip


def _look(position: tuple[int, int], stretch: Sequence[int], sizes: Sequence[int]) -> str:
    inside = [0 <= p <= (n - 1) * s for p, s, n in zip(position, stretch, sizes, strict=True)]
    if not all(inside):
        return "padding"
    return "between" if any(p % s for p, s in zip(position, stretch, strict=True)) else "cell"


def _plane_name(trace: MapTrace, channel: int, part: int | None) -> str:
    channels, words = trace.images.shape[0], []
    if channels > 1:
        words.append(f"channel {channel} of {count(channels)}")
    if len(trace.first) == 3:
        words.append("padding" if part is None else f"slice {part}")
    return ", ".join(["Input", *words])


def _output(trace: MapTrace, outputs: Tensor, *, many: bool) -> Grid:
    plane = outputs.reshape(-1, outputs.shape[-1])
    whole = (range(plane.shape[0]), range(plane.shape[1]))
    places = [_flat(step.at, 0) for step in trace.steps]
    needs = [range(min(p[a] for p in places), max(p[a] for p in places) + 1) for a in (0, 1)]
    rows, columns = (_cut(whole[a], needs[a], a, many=many) for a in (0, 1))
    levels = _Levels(plane)
    squares = tuple(
        tuple(
            Square(shown(value), "cell", levels.of(value))
            for value in plane[row, columns.start : columns.stop].tolist()
        )
        for row in rows
    )
    step = trace.steps[0]
    words = ["Output"]
    if len(step.at) == 3:
        words.append(f"slice {step.at[0]}")
    if step.channel or step.settings.get("groups") or len(step.channels) > 1:
        words.append(f"channel {step.channel}")
    return Grid(name=", ".join(words), rows=rows, columns=columns, squares=squares,
                whole=(rows, columns) == whole, flat=len(trace.first) == 1)  # fmt: skip


class _Levels:
    """Brightness of values among those of a map."""

    def __init__(self, plane: Tensor | None) -> None:
        finite = plane[plane.isfinite()] if plane is not None else None
        self.low = self.high = 0.0
        if finite is not None and finite.numel():
            self.low, self.high = float(finite.min()), float(finite.max())

    def of(self, value: float) -> int:
        if not math.isfinite(value) or self.high <= self.low:
            return LEVELS
        return round(LEVELS * (value - self.low) / (self.high - self.low))
