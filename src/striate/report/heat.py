"""Colour maps: numbers to colours that read the same to everyone, and in grey."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

__all__ = ["BLUE_ORANGE", "EMBER", "INFERNO", "VIRIDIS", "colours", "hexes", "log_levels"]

VIRIDIS = (
    *("440154", "481a6c", "472f7d", "414487", "39568c", "31688e", "2a788e", "23888e"),
    *("1f988b", "22a884", "35b779", "54c568", "7ad151", "a5db36", "d2e21b", "fde725"),
)
"""Sequential, dark to bright: 16 samples of Matplotlib's viridis (CC0)."""

INFERNO = (
    *("000004", "0c0826", "240c4f", "420a68", "5d126e", "781c6d", "932667", "ae305c"),
    *("c73e4c", "dd513a", "ed6925", "f8850f", "fca50a", "fac62d", "f2e661", "fcffa4"),
)
"""Sequential, dark to bright and warm: 16 samples of Matplotlib's inferno (CC0)."""

EMBER = INFERNO[4:]
"""Inferno without its dark end: laid over a photo it colours and does not darken."""

BLUE_ORANGE = (
    *("0a3d7c", "2065ab", "5a97cb", "a6c8e4", "f4f4f2", "f3c48d", "e08a35", "b4560a", "6f2f00"),
)
"""Diverging about its middle: blue below, orange above, so that no red meets a green."""


def colours(
    stops: Sequence[str], values: Float[np.ndarray, "*axes"]
) -> UInt8[np.ndarray, "*axes 3"]:
    """Return the red, green and blue of `values` in 0..1, linear between the `stops`.

    Values outside are taken as 0 or 1, and what is no number as 0.

    >>> colours(["000000", "ff8000"], np.array([0.0, 0.5, 1.0])).tolist()
    [[0, 0, 0], [128, 64, 0], [255, 128, 0]]
    """
    table = np.array([[int(stop[i : i + 2], 16) for i in (0, 2, 4)] for stop in stops])
    place = np.clip(np.nan_to_num(values, nan=0.0), 0, 1) * (len(stops) - 1)
    channels = [np.interp(place, np.arange(len(stops)), table[:, i]) for i in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def hexes(stops: Sequence[str], n: int) -> list[str]:
    """Return `n` colours from the first stop to the last, as CSS writes them.

    >>> hexes(["000000", "ff8000"], 3)
    ['#000000', '#804000', '#ff8000']
    """
    rows = colours(stops, np.linspace(0.0, 1.0, n))
    return ["#" + bytes(row).hex() for row in rows]


def log_levels(
    shares: Float[np.ndarray, "*axes"], *, least: float = 1e-3
) -> Float[np.ndarray, "*axes"]:
    """Return shares of a whole on a logarithmic scale: 0 for none, 1 for the largest there is.

    `level = log(1 + share / least) / log(1 + largest / least)`, so a share of `least` is already
    seen beside one of a half.

    >>> log_levels(np.array([0.0, 0.007, 0.999]), least=0.001).round(3).tolist()
    [0.0, 0.301, 1.0]
    """
    shares = np.maximum(np.nan_to_num(shares, nan=0.0), 0.0)
    largest = float(shares.max(initial=0.0))
    if largest == 0:
        return np.zeros_like(shares)
    return np.log1p(shares / least) / np.log1p(largest / least)
