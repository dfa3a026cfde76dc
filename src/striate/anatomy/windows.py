"""Which cells the operations with a geometry read: convolution, pooling, upsampling."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, gcd

from striate.anatomy.spans import Run, Window, hull

__all__ = ["adaptive", "interpolated", "shift", "sliding", "turned"]


def sliding(kernel_size: int, stride: int, padding: int, dilation: int = 1) -> Run:
    """Return what a convolution or a pooling reads."""
    return Run(stride, ((-padding, dilation * (kernel_size - 1) - padding),))


def turned(kernel_size: int, stride: int, padding: int, dilation: int = 1) -> Run:
    """Return what a transposed convolution reads: those places whose window holds the cell.

    >>> turned(4, 2, 1)  # each cell reads two places
    Run(stride=1, windows=((-1, 0), (0, 1)))
    >>> turned(1, 2, 0)  # every other cell reads none
    Run(stride=1, windows=((0, 0), None))
    """
    windows: list[Window] = []
    for phase in range(stride):
        places = [phase + padding - tap * dilation for tap in range(kernel_size)]
        whole = [place // stride for place in places if place % stride == 0]
        windows.append(hull([(place, place) for place in whole]))
    return Run(1, tuple(windows))


def adaptive(before: int, after: int) -> Run:
    """Return what an adaptive pooling from `before` to `after` cells reads."""
    if after == 1:
        return Run(0, ((0, before - 1),))
    common = gcd(before, after)
    stride, period = before // common, after // common
    windows = tuple(
        (phase * stride // period, -(-(phase + 1) * stride // period) - 1)
        for phase in range(period)
    )
    return Run(stride, windows)


def interpolated(before: int, after: int, reach: int, *, corners: bool = False) -> Run:
    """Return what a resize from `before` to `after` cells reads.

    Args:
        before: Length before.
        after: Length after.
        reach: Cells to each side that count: 0 for the nearest, 1 linear, 2 cubic.
        corners: Whether the outermost cells lie on one another.
    """
    if corners:
        step = Fraction(before - 1, after - 1) if after > 1 else Fraction(0)
    else:
        step = Fraction(before, after)
    start = Fraction(0) if corners or reach == 0 else (step - 1) / 2
    windows: list[Window] = []
    for phase in range(step.denominator):
        middle = start + phase * step
        if reach == 0:
            windows.append((floor(middle), floor(middle)))
        else:  # a cell at distance `reach` has weight 0
            windows.append((floor(middle - reach) + 1, ceil(middle + reach) - 1))
    return Run(step.numerator, tuple(windows))


def shift(start: int, step: int = 1) -> Run:
    """Return what a slice reads, or a padding with a negative `start`."""
    return Run(step, ((start, start),))


def each(value: Sequence[int] | int, axes: int) -> list[int]:
    """Return `value` for each of `axes` axes; one number stands for all."""
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values
