"""Mean, deviation, share near zero and histogram of a sample, in NumPy.

NumPy because it works in the calling thread: PyTorch may wake its thread pool for each of these
small operations, which costs more than the arithmetic.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

__all__ = ["LEAST_EXPONENT", "Summary", "summarise", "widen"]

LEAST_EXPONENT = -24  # the narrowest range of a histogram is 2 ** -24: a dead layer has no range
_SQUARABLE = 1e15  # the sum of so many squares as a sample has stays far below the largest float32


class Summary(NamedTuple):
    """Statistics of a sample; the histogram reaches from -2 ** exponent to 2 ** exponent."""

    mean: float
    deviation: float
    near_zero: float
    exponent: int
    counts: Int32[np.ndarray, " bins"]


def summarise(values: Float32[np.ndarray, " n"], *, bins: int, near_zero: float) -> Summary:
    """Return the statistics of `values`.

    Near zero is a value whose size is at most `near_zero` times the deviation. The range is the
    least power of two above every size, so that the bins of one range are made of whole bins of a
    narrower one. If infinities or NaNs are among the values, mean, deviation and share are NaN and
    the histogram is that of the others.

    Args:
        values: The sample, n > 0.
        bins: Bins of the histogram; a power of two, so that scaling to bins never rounds.
        near_zero: See above.

    >>> one = summarise(np.float32([1, -1, 0, 0]), bins=4, near_zero=0.05)
    >>> one.mean, one.near_zero, 2**one.exponent, one.counts.tolist()
    (0.0, 0.5, 2, [0, 1, 2, 1])
    """
    sizes = np.abs(values)
    peak = float(sizes.max(initial=0.0))
    if not math.isfinite(peak):
        others = values[np.isfinite(values)]
        exponent, counts = _histogram(others, float(np.abs(others).max(initial=0.0)), bins)
        return Summary(math.nan, math.nan, math.nan, exponent, counts)
    # Squares of values that a diverging network puts out overflow float32.
    exact = values if peak < _SQUARABLE else values.astype(np.float64)
    mean = exact.dtype.type(np.add.reduce(exact) / len(values))
    centred = exact - mean
    np.multiply(centred, centred, out=centred)
    deviation = math.sqrt(np.add.reduce(centred) / len(values))
    near = int(np.count_nonzero(sizes <= np.float32(near_zero * deviation)))
    exponent, counts = _histogram(values, peak, bins)
    return Summary(float(mean), deviation, near / len(values), exponent, counts)


def _histogram(
    values: Float32[np.ndarray, " n"], peak: float, bins: int
) -> tuple[int, Int32[np.ndarray, " bins"]]:
    """Return the exponent of the range, and how many values lie in each bin, left edge included."""
    fraction, exponent = math.frexp(peak)  # peak = fraction * 2 ** exponent, fraction < 1
    exponent = max(exponent, LEAST_EXPONENT) if fraction else LEAST_EXPONENT
    places = values * np.float32(math.ldexp(bins // 2, -exponent))
    np.floor(places, out=places)
    places += np.float32(bins // 2)
    counts = np.bincount(places.astype(np.intp), minlength=bins)
    return exponent, counts.astype(np.int32)


def widen(counts: Int32[np.ndarray, " bins"], doublings: int) -> Int32[np.ndarray, " bins"]:
    """Return the histogram over a range 2 ** doublings times as wide; no count is lost or moved.

    >>> widen(np.int32([1, 2, 3, 4, 5, 6, 7, 8]), 1).tolist()
    [0, 0, 3, 7, 11, 15, 0, 0]
    """
    quarter = len(counts) // 4
    for _ in range(doublings):
        pairs = counts[0::2] + counts[1::2]
        counts = np.zeros_like(counts)
        counts[quarter : 3 * quarter] = pairs
    return counts
