"""Axes: round numbers to mark, and the way from values to places."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Scale", "labels", "span", "tick_step", "ticks", "widened"]


def tick_step(extent: float, most: int = 5) -> tuple[int, int]:
    """Return the least `m * 10**e`, m one of 1, 2, 5, that fits `extent` up to `most` times.

    It comes as `(m, e)`.

    >>> tick_step(0.83, most=5)
    (2, -1)
    """
    if not (0 < extent < math.inf) or most < 1:
        raise ValueError(
            f"an axis needs an extent above 0 and a tick or more, not {extent}, {most}"
        )
    exponent = math.floor(math.log10(extent / most)) - 1
    while True:
        for mantissa in (1, 2, 5):
            if extent / _power(mantissa, exponent) <= most * (1 + 1e-9):
                return mantissa, exponent
        exponent += 1


def ticks(low: float, high: float, most: int = 5, *, whole: bool = False) -> tuple[float, ...]:
    """Return the round numbers within `low..high`, evenly apart, at most `most + 1`.

    Args:
        low: Least value of the axis.
        high: Largest value of the axis, above `low`.
        most: Steps that fit at most.
        whole: Whether only whole numbers are marked, as for epochs.

    >>> ticks(0.13, 0.96)
    (0.2, 0.4, 0.6, 0.8)
    """
    mantissa, exponent = tick_step(high - low, most)
    if whole and exponent < 0:
        mantissa, exponent = 1, 0
    step = _power(mantissa, exponent)
    slack = 1e-9
    first, last = math.ceil(low / step - slack), math.floor(high / step + slack)
    return tuple(_power(k * mantissa, exponent) for k in range(first, last + 1))


def labels(values: Sequence[float], kind: str = "number") -> list[str]:
    """Return ticks as text, all with as many decimals as the finest of them needs.

    Args:
        values: Ticks, evenly apart.
        kind: `percent` writes fractions in percent, `number` all as it is.

    >>> labels([0.0, 0.05, 0.1]), labels([-1000.0, 0.0, 1000.0])
    (['0.00', '0.05', '0.10'], ['−1,000', '0', '1,000'])
    """
    unit = "\u202f%" if kind == "percent" else ""
    shown = [100 * value if unit else value for value in values]
    gap = min((b - a for a, b in pairwise(shown)), default=abs(shown[0]) if shown else 1.0) or 1.0
    decimals = max(0, -math.floor(math.log10(gap) + 1e-9))
    return [f"{value:,.{decimals}f}".replace("-", "−") + unit for value in shown]


def _power(mantissa: int, exponent: int) -> float:
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent


def span(values: Iterable[float | None]) -> tuple[float, float] | None:
    """Return the least and the largest of the finite `values`, None if there are none.

    >>> span([3.0, None, float("nan"), 1.0])
    (1.0, 3.0)
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return (min(finite), max(finite)) if finite else None


def widened(
    low: float, high: float, *, floor: float | None = None, ceiling: float | None = None
) -> tuple[float, float]:
    """Return `low..high` out to the next ticks, but not past `floor` and `ceiling`.

    A single value gets room on both sides.

    >>> widened(0.13, 0.96, ceiling=1.0)
    (0.0, 1.0)
    """
    if not high > low:
        room = max(abs(low) / 2, 1e-9) if low else 0.5
        low, high = low - room, high + room
    mantissa, exponent = tick_step(high - low)
    step = _power(mantissa, exponent)
    out_low = _power(math.floor(low / step + 1e-9) * mantissa, exponent)
    out_high = _power(math.ceil(high / step - 1e-9) * mantissa, exponent)
    if floor is not None:
        out_low = max(out_low, floor)
    if ceiling is not None:
        out_high = min(out_high, ceiling)
    return (out_low, out_high) if out_high > out_low else (low, high)


@dataclass(frozen=True)
class Scale:
    """Values `low..high` laid evenly on the places `start..end`.

    >>> Scale(0.0, 10.0, 100.0, 0.0)(2.5)
    75.0
    """

    low: int | float
    high: int | float
    start: int | float
    end: int | float

    def __call__(self, value: int | float) -> float:
        """Return the place of `value`, which may lie outside."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)
