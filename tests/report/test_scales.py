"""Ticks and scales: by hand, and what holds for all of them."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from striate.report.scales import Scale, labels, span, tick_step, ticks, widened

ENDS = st.floats(-1e9, 1e9, allow_nan=False)
QUIET = settings(deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0.0, 10.0, (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)),
        (-0.07, 0.11, (-0.05, 0.0, 0.05, 0.1)),
        (12.0, 17.0, (12.0, 13.0, 14.0, 15.0, 16.0, 17.0)),
        (0.0, 1e-6, (0.0, 2e-7, 4e-7, 6e-7, 8e-7, 1e-6)),
    ],
)
def test_ticks_by_hand(low: float, high: float, expected: tuple[float, ...]) -> None:
    assert ticks(low, high) == expected


def test_whole_ticks_are_whole() -> None:
    assert ticks(1.0, 3.0, 6, whole=True) == (1.0, 2.0, 3.0)
    assert ticks(1.0, 3.0, 6) == (1.0, 1.5, 2.0, 2.5, 3.0)


@QUIET
@given(low=ENDS, high=ENDS, most=st.integers(2, 12))
def test_ticks_are_round_even_within_and_few(low: float, high: float, most: int) -> None:
    assume(high - low > 1e-6 * max(abs(low), abs(high), 1e-6))
    marks = ticks(low, high, most)
    mantissa, exponent = tick_step(high - low, most)
    step = mantissa * 10.0**exponent
    slack = 1e-6 * step
    assert mantissa in (1, 2, 5)
    assert 1 <= len(marks) <= most + 1
    assert all(low - slack <= mark <= high + slack for mark in marks)
    assert all(math.isclose(b - a, step, rel_tol=1e-4) for a, b in pairwise(marks))
    # None is left out at an end: the next one would lie outside.
    assert marks[0] - step < low + slack
    assert marks[-1] + step > high - slack


@QUIET
@given(low=ENDS, high=ENDS, most=st.integers(2, 12))
def test_step_is_the_least_that_fits(low: float, high: float, most: int) -> None:
    assume(high - low > 1e-6)
    mantissa, exponent = tick_step(high - low, most)
    smaller = {1: 0.5, 2: 1, 5: 2}[mantissa] * 10.0**exponent
    assert (high - low) / (mantissa * 10.0**exponent) <= most * (1 + 1e-6)
    assert (high - low) / smaller > most * (1 - 1e-6)


@QUIET
@given(low=ENDS, high=ENDS)
def test_widened_holds_what_it_widens(low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    out_low, out_high = widened(low, high)
    slack = 1e-6 * (out_high - out_low)
    assert out_low - slack <= low <= high <= out_high + slack
    assert out_high > out_low


def test_widened_stops_at_its_bounds() -> None:
    assert widened(0.01, 0.97, floor=0.0, ceiling=1.0) == (0.0, 1.0)
    assert widened(-3.0, 0.5, floor=0.0) == (0.0, 1.0)


@pytest.mark.parametrize("extent", [0.0, -1.0, math.inf, math.nan])
def test_no_step_without_an_extent(extent: float) -> None:
    with pytest.raises(ValueError, match="an axis needs an extent above 0"):
        tick_step(extent)


def test_scale_by_hand() -> None:
    up = Scale(0.0, 4.0, 200.0, 20.0)  # 45 places a unit, upwards
    assert (up(0.0), up(1.0), up(4.0), up(5.0)) == (200.0, 155.0, 20.0, -25.0)


def test_span_knows_only_numbers() -> None:
    assert span([None, math.nan, math.inf]) is None
    assert span([2.0, -1.0, None]) == (-1.0, 2.0)


def test_labels_have_the_decimals_of_the_finest() -> None:
    assert labels((0.0, 0.5, 1.0)) == ["0.0", "0.5", "1.0"]
    assert labels((0.0, 20.0, 40.0)) == ["0", "20", "40"]
    assert labels((0.0, 0.25), "percent") == ["0\u202f%", "25\u202f%"]
    assert labels((0.984, 0.986, 0.988), "percent") == ["98.4\u202f%", "98.6\u202f%", "98.8\u202f%"]
    assert labels((-0.002, 0.0)) == ["−0.002", "0.000"]
