"""Along one axis: which cells of the input each place of the output reads, as plain integers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from striate._errors import ShapeError

__all__ = ["AdaptiveAxis", "Axis", "SlidingAxis", "StretchedAxis", "Tap", "reach", "readers"]


@dataclass(frozen=True, slots=True)
class Tap:
    """One number of the kernel, laid on one cell of an axis.

    Attributes:
        position: Where it lies, counted from the first real cell; before that it is negative. For
            a transposed convolution it is a place of the stretched axis, see `StretchedAxis`.
        source: The real cell that is read there; None where a zero is.
        index: Which number of the kernel it is, as the weights are stored.
    """

    position: int
    source: int | None
    index: int


def _reflect(position: int, size: int) -> int:
    return (size - 1) - abs((size - 1) - abs(position))


_SOURCES: dict[str, Callable[[int, int], int | None]] = {
    "zeros": lambda _position, _size: None,
    "reflect": _reflect,  # the edge is not repeated: 2 1 | 0 1 2
    "replicate": lambda position, size: min(max(position, 0), size - 1),
    "circular": lambda position, size: position % size,
}
"""From a place outside the axis, and its size, to the real cell that is read there."""


@dataclass(frozen=True, kw_only=True)
class SlidingAxis:
    """A kernel laid at every `stride`-th place of a padded axis: convolution and pooling.

    Tap `t` of output cell `o` lies at `o * stride - before + t * dilation`.

    Attributes:
        size: Cells of the input.
        kernel_size: Taps.
        stride: Cells between two neighbouring places.
        before: Cells added before.
        after: Cells added after.
        dilation: Cells between two neighbouring taps.
        padding_mode: `zeros`, `reflect`, `replicate` or `circular`.
        flip: Whether the kernel is laid down back to front.
        ceil: Whether a last place that hangs over the end counts, as long as it begins before the
            padding after; what lies beyond that padding is no part of its window.

    >>> axis = SlidingAxis(size=5, kernel_size=3, stride=2, before=1, padding_mode="reflect")
    >>> axis.output_size, [(tap.position, tap.source) for tap in axis.window(0)]
    (2, [(-1, 1), (0, 0), (1, 1)])
    """

    size: int
    kernel_size: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    padding_mode: str = "zeros"
    flip: bool = False
    ceil: bool = False
    stretch: ClassVar[int] = 1

    def __post_init__(self) -> None:
        most = {"reflect": self.size - 1, "circular": self.size}.get(self.padding_mode)
        if most is not None and max(self.before, self.after) > most:
            raise ShapeError(
                f"{self.padding_mode} padding is {(self.before, self.after)} on an axis of "
                f"{self.size}; {most} is the most at either end "
                "(padding_mode='replicate' has no such bound)"
            )

    @property
    def output_size(self) -> int:
        """Cells of the output."""
        over = self.size + self.before + self.after - _span(self.kernel_size, self.dilation)
        places = over // self.stride + 1
        if self.ceil and over % self.stride and places * self.stride < self.size + self.before:
            places += 1
        return places

    def window(self, place: int) -> tuple[Tap, ...]:
        """Return what the output cell `place` reads, by rising position."""
        first, last = place * self.stride - self.before, self.kernel_size - 1
        return tuple(
            Tap(position, self.source(position), last - t if self.flip else t)
            for t in range(self.kernel_size)
            if (position := first + t * self.dilation) < self.size + self.after
        )

    def source(self, position: int) -> int | None:
        """Return the real cell that is read at `position`; None where a zero is."""
        if 0 <= position < self.size:
            return position
        return _SOURCES[self.padding_mode](position, self.size)


@dataclass(frozen=True, kw_only=True)
class StretchedAxis:
    """A transposed convolution, seen as a convolution over a stretched axis.

    Cell `i` of the input adds tap `t` to output cell `i * stride - before + t * dilation`. Read
    from the output: put `stride - 1` zeros between the cells, so that cell `i` lies at place
    `i * stride`, and lay the kernel back to front: tap `t` of output cell `o` lies at
    `o + before - t * dilation`.

    Attributes:
        size: Cells of the input.
        output_size: Cells of the output; past the last that a kernel reaches, all read zeros.
        kernel_size: Taps.
        stretch: The stride of the transposed convolution.
        before: Cells cut off the output's beginning.
        dilation: Cells between two neighbouring taps.
        flip: Whether the kernel is turned round once more, so that it lies as it is stored.

    Source:
        Dumoulin and Visin, arXiv:1603.07285, section 4.

    >>> axis = StretchedAxis(size=2, output_size=5, kernel_size=3, stretch=2)
    >>> [(tap.position, tap.source, tap.index) for tap in axis.window(2)]
    [(0, 0, 2), (1, None, 1), (2, 1, 0)]
    """

    size: int
    output_size: int
    kernel_size: int
    stretch: int = 1
    before: int = 0
    dilation: int = 1
    flip: bool = False

    def window(self, place: int) -> tuple[Tap, ...]:
        """Return what the output cell `place` reads, by rising position."""
        last = self.kernel_size - 1
        taps = [
            (place + self.before - t * self.dilation, last - t if self.flip else t)
            for t in reversed(range(self.kernel_size))
        ]
        return tuple(Tap(position, self.source(position), index) for position, index in taps)

    def source(self, position: int) -> int | None:
        """Return the real cell that is read at `position`; None where a zero is."""
        cell, between = divmod(position, self.stretch)
        return cell if not between and 0 <= cell < self.size else None


@dataclass(frozen=True, kw_only=True)
class AdaptiveAxis:
    """A pooling whose windows share an axis out: `output_size` of them, as even as they get.

    The window of output cell `o` begins at `floor(o * size / output_size)` and ends before
    `ceil((o + 1) * size / output_size)`, as in PyTorch. Global pooling is the case of one.

    >>> axis = AdaptiveAxis(size=5, output_size=2)
    >>> [[tap.position for tap in axis.window(o)] for o in (0, 1)]
    [[0, 1, 2], [2, 3, 4]]
    """

    size: int
    output_size: int
    stretch: ClassVar[int] = 1

    def window(self, place: int) -> tuple[Tap, ...]:
        """Return what the output cell `place` reads, by rising position."""
        first = place * self.size // self.output_size
        end = -(-(place + 1) * self.size // self.output_size)
        return tuple(Tap(cell, cell, cell - first) for cell in range(first, end))

    def source(self, position: int) -> int | None:
        """Return the real cell that is read at `position`."""
        return position


Axis = SlidingAxis | StretchedAxis | AdaptiveAxis
"""How one axis is read. Each has `size`, `output_size`, `window(place)`, `source(position)`, and
`stretch`: places from one real cell to the next, which is 1 but for a transposed convolution."""


def reach(axis: Axis) -> range:
    """Return the positions of all real cells and of all that is read.

    >>> reach(SlidingAxis(size=4, kernel_size=3, before=1))
    range(-1, 4)
    """
    first, last = axis.window(0), axis.window(axis.output_size - 1)
    return range(
        min(0, first[0].position),
        max((axis.size - 1) * axis.stretch, last[-1].position) + 1,
    )


def readers(axis: Axis, cell: int) -> tuple[tuple[int, int], ...]:
    """Return pairs (place, tap): the output cells that read `cell`, and which tap of theirs does.

    A border that repeats cells makes one output cell read a cell several times. The tap is counted
    within the window, by rising position.

    >>> readers(SlidingAxis(size=3, kernel_size=3, before=1, after=1, padding_mode="replicate"), 0)
    ((0, 0), (0, 1), (1, 0))
    """
    return tuple(
        (place, tap)
        for place in range(axis.output_size)
        for tap, read in enumerate(axis.window(place))
        if read.source == cell
    )


def _span(kernel_size: int, dilation: int) -> int:
    return dilation * (kernel_size - 1) + 1
