"""Statistics of a sample: by hand, against NumPy, and the laws of the nested histograms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.anatomy.summary import LEAST_EXPONENT, summarise, widen


def floats(values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


samples = st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=50).map(floats)


def test_by_hand() -> None:
    found = summarise(floats([0, 0, 0, 4]), bins=64, near_zero=0.05)
    assert found.mean == 1
    assert found.deviation == pytest.approx(math.sqrt(3))  # (3 * 1 + 9) / 4
    assert found.near_zero == 0.75
    assert found.exponent == 3  # 4 is not below 2 ** 2
    assert {i: c for i, c in enumerate(found.counts.tolist()) if c} == {32: 3, 48: 1}


def test_what_is_near_zero_follows_the_deviation() -> None:
    sizes = floats([0.04, 0.06])  # of a deviation of 1, within and beyond a twentieth
    values = np.concatenate([sizes, np.repeat(floats([1, -1]), 500)])
    for scale in (1, 1024):
        found = summarise(values * np.float32(scale), bins=64, near_zero=0.05)
        assert found.near_zero == pytest.approx(1 / 1002)


def test_a_constant_is_near_zero_only_if_it_is_zero() -> None:
    dead = summarise(np.zeros(5, np.float32), bins=64, near_zero=0.05)
    assert (dead.near_zero, dead.exponent) == (1, LEAST_EXPONENT)
    assert dead.counts[32] == 5
    assert summarise(np.full(5, 0.5, np.float32), bins=64, near_zero=0.05).near_zero == 0


def test_infinities_and_nans_show_and_the_others_are_counted() -> None:
    values = floats([1, -2, np.inf, np.nan])
    found = summarise(values, bins=64, near_zero=0.05)
    assert all(math.isnan(number) for number in found[:3])
    assert found.counts.sum() == 2
    assert summarise(floats([np.nan]), bins=64, near_zero=0.05).counts.sum() == 0


@given(values=samples)
def test_against_numpy(values: np.ndarray) -> None:
    found = summarise(values, bins=64, near_zero=0.05)
    exact = values.astype(np.float64)
    scale = np.abs(exact).max() + 1e-30
    assert found.mean == pytest.approx(exact.mean(), rel=1e-5, abs=1e-6 * scale)
    assert found.deviation == pytest.approx(exact.std(), rel=1e-5, abs=1e-6 * scale)
    limit = 2.0**found.exponent
    assert np.abs(exact).max() < limit
    expected, _ = np.histogram(exact, bins=64, range=(-limit, limit))
    assert found.counts.tolist() == expected.tolist()


@given(values=samples, doublings=st.integers(0, 12))
def test_a_widened_histogram_is_that_of_the_wider_range(values: np.ndarray, doublings: int) -> None:
    found = summarise(values, bins=64, near_zero=0.05)
    limit = 2.0 ** (found.exponent + doublings)
    expected, _ = np.histogram(values.astype(np.float64), bins=64, range=(-limit, limit))
    assert widen(found.counts, doublings).tolist() == expected.tolist()


@given(values=samples)
def test_mirrored_values_have_the_mirrored_mean(values: np.ndarray) -> None:
    there = summarise(values, bins=64, near_zero=0.05)
    back = summarise(-values, bins=64, near_zero=0.05)
    assert (there.mean, there.deviation, there.near_zero) == (
        -back.mean,
        back.deviation,
        back.near_zero,
    )


def test_values_whose_squares_overflow_are_summarised_as_in_float64() -> None:
    """As a network puts them out on its way to a loss that is no number."""
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32) * np.float32(1e36)
    found = summarise(values, bins=64, near_zero=0.05)
    exact = values.astype(np.float64)
    assert found.mean == pytest.approx(exact.mean(), rel=1e-6)
    assert found.deviation == pytest.approx(exact.std(), rel=1e-6)
    assert found.near_zero == (np.abs(exact) <= 0.05 * exact.std()).mean()
    assert found.counts.sum() == 1000
