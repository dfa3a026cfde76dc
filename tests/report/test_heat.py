"""Colour maps: ends, middles, order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.report.heat import BLUE_ORANGE, EMBER, INFERNO, VIRIDIS, colours, hexes, log_levels


@pytest.mark.parametrize(
    ("stops", "low", "high"),
    [
        (VIRIDIS, (68, 1, 84), (253, 231, 37)),
        (INFERNO, (0, 0, 4), (252, 255, 164)),
        (EMBER, (93, 18, 110), (252, 255, 164)),
        (BLUE_ORANGE, (10, 61, 124), (111, 47, 0)),
    ],
)
def test_ends(stops: tuple[str, ...], low: tuple[int, ...], high: tuple[int, ...]) -> None:
    ends = colours(stops, np.array([0.0, 1.0, -3.0, 7.0, np.nan]))
    assert [tuple(row) for row in ends.tolist()] == [low, high, low, high, low]


def test_middle_of_the_diverging_map_is_white() -> None:
    assert colours(BLUE_ORANGE, np.array([0.5])).tolist() == [[244, 244, 242]]


@pytest.mark.parametrize("stops", [VIRIDIS, INFERNO, EMBER])
def test_sequential_maps_grow_brighter_for_every_eye(stops: tuple[str, ...]) -> None:
    rows = colours(stops, np.linspace(0, 1, 64)).astype(float) / 255
    linear = np.where(rows <= 0.04045, rows / 12.92, ((rows + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()


def test_linear_between_stops() -> None:
    assert colours(("000000", "ffffff"), np.array([0.2])).tolist() == [[51, 51, 51]]
    assert hexes(("000000", "ff8000"), 2) == ["#000000", "#ff8000"]


@settings(deadline=None, derandomize=True)
@given(shares=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_log_levels_keep_order_and_range(shares: list[float]) -> None:
    levels = log_levels(np.array(shares))
    assert levels.min() >= 0
    assert np.isclose(levels.max(), 1.0) or max(shares) == 0
    order = np.argsort(shares, kind="stable")
    assert (np.diff(levels[order]) >= 0).all()


def test_log_levels_by_hand() -> None:
    # log(1 + 0.001 / 0.001) / log(1 + 0.015 / 0.001) = log 2 / log 16 = 1/4
    np.testing.assert_allclose(log_levels(np.array([0.001, 0.015])), [0.25, 1.0])
    assert log_levels(np.zeros(3)).tolist() == [0, 0, 0]
