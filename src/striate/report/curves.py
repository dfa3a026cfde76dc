"""From the rows of `history.csv` and `steps.csv` to the lines of a chart."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from striate.runs.record import Columns, RunRecord

__all__ = ["column", "envelope", "epoch_places", "every", "quantile", "smoothed"]


def column(table: Columns, name: str) -> list[float | None]:
    """Return a column, or nothing where the table has none of that name."""
    return table.get(name, [])


def epoch_places(record: RunRecord) -> list[float]:
    """Return where each optimiser step lies on the axis of epochs; step s ends at its place.

    The steps of epoch e lie evenly in `e - 1 .. e`. The last epoch may have been broken off: its
    steps are laid at the pace of the one before.
    """
    epochs = [int(e or 0) for e in column(record.steps, "epoch")]
    counts: dict[int, int] = {}
    for epoch in epochs:
        counts[epoch] = counts.get(epoch, 0) + 1
    if not counts:
        return []
    last = max(counts)
    done = {int(e or 0) for e in column(record.history, "epoch")}
    if last not in done and last - 1 in counts:
        counts[last] = max(counts[last], counts[last - 1])
    places: list[float] = []
    seen: dict[int, int] = {}
    for epoch in epochs:
        seen[epoch] = seen.get(epoch, 0) + 1
        places.append(epoch - 1 + seen[epoch] / counts[epoch])
    return places


def smoothed(values: Sequence[float | None], window: int | float) -> list[float | None]:
    """Return the exponential mean over about the last `window` values, free of its start's bias.

    `m = keep * m + (1 - keep) * v`, divided by the sum of the weights so far, with
    `keep = 1 - 1 / window`; the first result is the first value itself.

    >>> smoothed([1.0, 3.0, None], window=2)
    [1.0, 2.3333333333333335, 2.3333333333333335]
    """
    keep = 1 - 1 / max(window, 1)
    mean = weight = 0.0
    result: list[float | None] = []
    for value in values:
        if value is not None:
            mean = keep * mean + (1 - keep) * value
            weight = keep * weight + (1 - keep)
        result.append(mean / weight if weight else None)
    return result


def every(n: int, most: int) -> list[int]:
    """Return at most `most` of the numbers `0..n-1`, evenly apart, with the first and the last.

    >>> every(9, 5)
    [0, 2, 4, 6, 8]
    """
    if n <= most:
        return list(range(n))
    return [round(i * (n - 1) / (most - 1)) for i in range(most)]


def envelope(
    x: Sequence[float], y: Sequence[float | None], most: int = 300
) -> tuple[list[float], list[float | None]]:
    """Return a line that fills what `y` covers with at most `2 * most` points.

    Where there are more values, each of `most` stretches gives its least and its largest.

    >>> envelope([0.0, 1.0, 2.0, 3.0], [5.0, 1.0, 2.0, 9.0], most=1)
    ([0.0, 0.0], [1.0, 9.0])
    """
    if len(x) <= 2 * most:
        return list(x), list(y)
    bounds = np.linspace(0, len(x), most + 1).astype(int)
    places: list[float] = []
    values: list[float | None] = []
    for first, last in pairwise(bounds.tolist()):
        part = [v for v in y[first:last] if v is not None]
        if part:
            places += [x[first], x[first]]
            values += [min(part), max(part)]
    return places, values


def quantile(values: Sequence[float | None], share: float = 0.98) -> float | None:
    """Return the value that the given share of `values` does not pass, None if there are none.

    >>> quantile([4.0, 1.0, 9.0, None], share=0.5)
    4.0
    """
    finite = sorted(v for v in values if v is not None and math.isfinite(v))
    return finite[min(len(finite) - 1, math.floor(share * len(finite)))] if finite else None
