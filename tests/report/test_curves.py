"""Smoothing, thinning and the axis of epochs."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.report.curves import envelope, epoch_places, every, quantile, smoothed
from striate.report.training import best_row, cut_off, raw_and_smooth
from striate.runs.record import RunRecord

QUIET = settings(deadline=None, derandomize=True)
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@QUIET
@given(values=NUMBERS, window=st.integers(1, 20))
def test_smoothing_is_the_weighted_mean(values: list[float], window: int) -> None:
    keep = 1 - 1 / window
    for n, actual in enumerate(smoothed(values, window), start=1):
        weights = keep ** np.arange(n)[::-1]
        expected = (weights * values[:n]).sum() / weights.sum()
        assert actual is not None
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-6)


def test_smoothing_goes_on_over_a_gap() -> None:
    assert smoothed([None, 2.0, None, 2.0], 4) == [None, 2.0, 2.0, 2.0]


@QUIET
@given(n=st.integers(1, 500), most=st.integers(2, 60))
def test_every_keeps_both_ends(n: int, most: int) -> None:
    kept = every(n, most)
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert len(kept) == min(n, most)
    assert sorted(set(kept)) == kept


@QUIET
@given(values=NUMBERS, most=st.integers(1, 20))
def test_envelope_keeps_the_extremes(values: list[float], most: int) -> None:
    x, y = envelope([float(i) for i in range(len(values))], list(values), most)
    known = [v for v in y if v is not None]
    assert (min(known), max(known)) == (min(values), max(values))
    assert len(x) == len(y) <= 2 * max(most, len(values) if len(values) <= 2 * most else most)


def test_quantile_by_hand() -> None:
    assert quantile([float(v) for v in range(100)], 0.98) == 98.0
    assert quantile([5.0], 0.98) == 5.0
    assert quantile([None]) is None


def test_steps_lie_evenly_in_their_epoch(record: RunRecord) -> None:
    # 20 steps an epoch: step 1 at 1/20, step 20 at 1, step 30 at 1.5.
    places = epoch_places(record)
    assert (places[0], places[19], places[29], places[-1]) == (0.05, 1.0, 1.5, 6.0)


def test_a_broken_epoch_keeps_the_pace_of_the_one_before(record: RunRecord) -> None:
    steps = {name: values[:25] for name, values in record.steps.items()}
    history = {name: values[:1] for name, values in record.history.items()}
    assert epoch_places(replace(record, steps=steps, history=history))[-1] == 1.25


def test_training_lines_without_steps_are_epoch_means(record: RunRecord) -> None:
    (line,) = raw_and_smooth(replace(record, steps={}), "loss")
    assert line.y == record.history["train_loss"]
    assert line.x == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_best_is_the_last_one_marked(record: RunRecord) -> None:
    history = record.history | {"best": [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]}
    assert best_row(replace(record, history=history)) == 2
    assert best_row(replace(record, history={})) is None


def test_a_wild_start_is_cut_and_a_usual_one_is_not(record: RunRecord) -> None:
    lines = raw_and_smooth(record, "loss")
    assert cut_off(lines) is None
    wild = replace(lines[1], y=[400.0, *lines[1].y[1:]])
    high = cut_off([wild])
    assert high is not None
    assert high < 3
