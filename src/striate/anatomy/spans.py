"""Which cells of an input axis the cells of a tensor axis see: exact, periodic intervals.

Along one axis a convolution, a pooling, an upsampling or a transposed convolution repeats itself:
cell `period * m + r` sees the cells `stride * m + [first[r], last[r]]`. Such a `Run` has whole
numbers only, and runs chain to runs, so that nothing is rounded on the way through a decoder. No
interval is clipped at the image's border.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd, lcm

__all__ = [
    "ALL_ALIKE",
    "EVERY",
    "Run",
    "Window",
    "chained",
    "hull",
    "merged",
    "shifted",
    "split",
    "together",
]

LONGEST = (
    4096  # a longer period is kept as one interval for all, with the remark that it is a bound
)

Window = tuple[int, int] | None
"""First and last cell; None is no cell at all."""


@dataclass(frozen=True, slots=True)
class Run:
    """Cell `p = period * m + r` sees `stride * m + windows[r]`; the period is `len(windows)`."""

    stride: int
    windows: tuple[Window, ...]

    @property
    def is_constant(self) -> bool:
        """Whether all cells see the same."""
        return self.stride == 0 and len(self.windows) == 1

    def at(self, cell: int) -> Window:
        """Return what one cell sees.

        >>> Run(1, ((0, 0), (0, 1))).at(3)  # two cells a step
        (1, 2)
        """
        turns, phase = divmod(cell, len(self.windows))
        window = self.windows[phase]
        shift = self.stride * turns
        return None if window is None else (window[0] + shift, window[1] + shift)

    def over(self, first: int, last: int) -> Window:
        """Return the hull of what the cells `first` to `last` see."""
        period = len(self.windows)
        if last - first >= 2 * period:  # what lies between the ends sees nothing beyond them
            cells = [*range(first, first + period), *range(last - period + 1, last + 1)]
        else:
            cells = list(range(first, last + 1))
        return hull([self.at(cell) for cell in cells])


EVERY = Run(1, ((0, 0),))
"""Cell p sees cell p."""
ALL_ALIKE = Run(0, ((0, 0),))
"""All cells see cell 0: what an axis says that does not matter."""


def hull(windows: Sequence[Window]) -> Window:
    """Return the least window that holds all of `windows`."""
    real = [window for window in windows if window is not None]
    if not real:
        return None
    return min(first for first, _ in real), max(last for _, last in real)


@lru_cache(maxsize=4096)
def chained(run: Run, reads: Run) -> Run:
    """Return what cells see that read, as `reads` says, cells that see what `run` says.

    >>> chained(Run(2, ((-1, 1),)), Run(2, ((0, 1),)))  # 3x3 / 2 with padding 1, then a 2x2 pooling
    Run(stride=4, windows=((-1, 3),))
    >>> half = Run(1, ((0, 0), (0, 0)))  # an upsampling by 2, then a 3x3 convolution
    >>> chained(half, Run(1, ((-1, 1),)))
    Run(stride=1, windows=((-1, 0), (0, 1)))
    """
    period, repeats = len(run.windows), len(reads.windows)
    times = period // gcd(period, reads.stride) if reads.stride else 1
    if repeats * times > LONGEST:
        return _least(Run(0, (hull(run.windows),)))
    windows: list[Window] = []
    for cell in range(repeats * times):
        window = reads.at(cell)
        windows.append(None if window is None else run.over(*window))
    return _least(Run(run.stride * reads.stride * times // period, tuple(windows)))


@lru_cache(maxsize=1024)
def merged(big: Run, small: Run, inner: int) -> Run | None:
    """Return the run of an axis made of two, the second of length `inner`: their windows add.

    None if its period would be too long.
    """
    if big.is_constant and small.is_constant:
        return Run(0, (_sum(big.windows[0], small.windows[0]),))
    period = inner * len(big.windows)
    if period > LONGEST:
        return None
    windows = tuple(_sum(big.at(p // inner), small.at(p % inner)) for p in range(period))
    return _least(Run(big.stride, windows))


@lru_cache(maxsize=1024)
def split(run: Run, inner: int) -> tuple[Run, Run] | None:
    """Return the runs of the two axes that one falls into; None if they would not add up to it."""
    period = len(run.windows)
    if inner % period == 0:
        return Run(run.stride * (inner // period), ((0, 0),)), run
    if period % inner or None in run.windows:
        return None
    small = tuple(w for w in run.windows[:inner] if w is not None)
    starts = tuple(w[0] - small[0][0] for w in run.windows[::inner] if w is not None)
    big = Run(run.stride, tuple((start, start) for start in starts))
    inside = Run(0, small)
    whole = tuple(_sum(big.at(p // inner), inside.at(p % inner)) for p in range(period))
    return (big, inside) if whole == run.windows else None


def together(runs: Sequence[Run]) -> Run | None:
    """Return the run whose every cell sees what it sees in any of `runs`.

    None if they do not keep step with one another.
    """
    period = lcm(*(len(run.windows) for run in runs))
    strides = {run.stride * (period // len(run.windows)) for run in runs}
    if len(strides) > 1 or period > LONGEST:
        return None
    windows = tuple(hull([run.at(p) for run in runs]) for p in range(period))
    return _least(Run(strides.pop(), windows))


def shifted(run: Run, by: Window) -> Run:
    """Return the run with `by` added to each of its windows."""
    return run if by == (0, 0) else Run(run.stride, tuple(_sum(w, by) for w in run.windows))


def _sum(one: Window, other: Window) -> Window:
    return None if one is None or other is None else (one[0] + other[0], one[1] + other[1])


def _least(run: Run) -> Run:
    """Return the same run with the shortest period."""
    period = len(run.windows)
    for shorter in range(1, period):
        if period % shorter or run.stride * shorter % period:
            continue
        candidate = Run(run.stride * shorter // period, run.windows[:shorter])
        if all(candidate.at(p) == run.windows[p] for p in range(shorter, period)):
            return candidate
    return run
