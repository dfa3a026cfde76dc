"""Mean, deviation, share near zero and histogram of many samples at once, in NumPy.

NumPy because it works in the calling thread: PyTorch would wake its thread pool for each of these
small operations, which costs more than the arithmetic.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

__all__ = ["LEAST_EXPONENT", "Summary", "summarise", "widen"]

LEAST_EXPONENT = -24  # the narrowest range of a histogram is 2 ** -24: a dead layer has no range


class Summary(NamedTuple):
    """Statistics of `l` samples; the range of histogram i is -2 ** exponents[i] to its negative."""

    mean: Float64[np.ndarray, " l"]
    deviation: Float64[np.ndarray, " l"]
    near_zero: Float64[np.ndarray, " l"]
    exponents: Int64[np.ndarray, " l"]
    counts: Int32[np.ndarray, "l bins"]


def summarise(
    values: Float32[np.ndarray, " n"],
    lengths: Int64[np.ndarray, " l"],
    *,
    bins: int,
    near_zero: float,
) -> Summary:
    """Return the statistics of samples that lie one behind the other in `values`.

    Near zero is a value whose size is at most `near_zero` times the sample's deviation. The range
    is the least power of two above every size in the sample, so that the bins of one range are
    made of whole bins of a narrower one.

    Args:
        values: All samples in a row.
        lengths: Their lengths, each above 0; they add up to n.
        bins: Bins of a histogram; a power of two.
        near_zero: See above.

    >>> one = summarise(np.float32([1, -1, 0, 0]), np.array([4]), bins=4, near_zero=0.05)
    >>> one.mean[0], one.near_zero[0], 2.0 ** one.exponents[0], one.counts[0].tolist()
    (np.float64(0.0), np.float64(0.5), np.float64(2.0), [0, 1, 2, 1])
    """
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    broken = np.zeros(len(lengths), np.int64)
    if not (finite := np.isfinite(values)).all():
        broken = np.add.reduceat(~finite, starts, dtype=np.int64)
        values = np.where(finite, values, np.float32(0))
    mean = np.add.reduceat(values, starts, dtype=np.float64) / lengths
    centred = values - np.repeat(mean.astype(np.float32), lengths)
    centred *= centred
    deviation = np.sqrt(np.add.reduceat(centred, starts, dtype=np.float64) / lengths)
    sizes = np.abs(values)
    near = np.repeat((near_zero * deviation).astype(np.float32), lengths)
    share = np.add.reduceat(sizes <= near, starts, dtype=np.int64) / lengths
    exponents = _exponents(np.maximum.reduceat(sizes, starts))
    counts = _counts(values, lengths, exponents, bins)
    if broken.any():
        counts[:, bins // 2] -= broken.astype(np.int32)  # they stood in as zeros
        mean, deviation, share = (np.where(broken, np.nan, a) for a in (mean, deviation, share))
    return Summary(mean, deviation, share, exponents, counts)


def _exponents(peaks: Float32[np.ndarray, " l"]) -> Int64[np.ndarray, " l"]:
    """Return the least e with peak < 2 ** e, but not less than `LEAST_EXPONENT`."""
    fraction, exponents = np.frexp(peaks)  # peak = fraction * 2 ** e, .5 <= fraction < 1
    exponents = np.where(fraction == 0, LEAST_EXPONENT, exponents)
    return np.maximum(exponents, LEAST_EXPONENT).astype(np.int64)


def _counts(
    values: Float32[np.ndarray, " n"],
    lengths: Int64[np.ndarray, " l"],
    exponents: Int64[np.ndarray, " l"],
    bins: int,
) -> Int32[np.ndarray, "l bins"]:
    rows = len(lengths)
    # Powers of two scale without rounding, so no value lands on the wrong side of an edge.
    scale = np.ldexp(np.float32(bins // 2), -exponents).astype(np.float32)
    places = np.floor(values * np.repeat(scale, lengths)).astype(np.int64)
    places += np.repeat(np.arange(rows) * bins + bins // 2, lengths)
    return np.bincount(places, minlength=rows * bins).reshape(rows, bins).astype(np.int32)


def widen(counts: Int32[np.ndarray, "*l bins"], doublings: int) -> Int32[np.ndarray, "*l bins"]:
    """Return the histogram over a range 2 ** doublings times as wide; no count is lost or moved.

    >>> widen(np.int32([1, 2, 3, 4, 5, 6, 7, 8]), 1).tolist()
    [0, 0, 3, 7, 11, 15, 0, 0]
    """
    quarter = counts.shape[-1] // 4
    for _ in range(doublings):
        pairs = counts[..., 0::2] + counts[..., 1::2]
        counts = np.zeros_like(counts)
        counts[..., quarter : 3 * quarter] = pairs
    return counts
