"""Schedules, by hand at their corners and by laws between them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.train import Recipe
from striate.train.schedule import FINAL, rate_and_momentum

SHARES = st.floats(0, 1)
SCHEDULES = st.sampled_from(["one-cycle", "cosine", "constant"])


def test_one_cycle_by_hand():
    recipe = Recipe(learning_rate=2.0, warm_up=0.2, momentum=0.9, least_momentum=0.8)
    # Up from 2/25 to 2 in the first fifth, down to 2/1000 in the rest; momentum the other way.
    by_hand = {
        0.0: (0.08, 0.9),
        0.1: (1.04, 0.85),  # half way up: (.08 + 2) / 2
        0.2: (2.0, 0.8),
        0.6: (1.001, 0.85),  # half way down: (2 + .002) / 2
        1.0: (0.002, 0.9),
    }
    for done, expected in by_hand.items():
        assert rate_and_momentum(recipe, done) == pytest.approx(expected, rel=1e-12), done


def test_cosine_by_hand():
    recipe = Recipe(learning_rate=2.0, warm_up=0.2, schedule="cosine", momentum=0.9)
    by_hand = {
        0.0: 0.002,  # a thousandth, not 0: no step is lost
        0.1: 1.0,
        0.2: 2.0,
        0.4: 2 * (1 + math.cos(math.pi / 4)) / 2,  # a quarter of the way down
        0.6: 1.0,
        1.0: 0.002,
    }
    for done, expected in by_hand.items():
        rate, momentum = rate_and_momentum(recipe, done)
        assert rate == pytest.approx(expected, rel=1e-12), done
        assert momentum == 0.9


def test_constant_by_hand():
    recipe = Recipe(learning_rate=0.3, schedule="constant", momentum=0.9, least_momentum=0.1)
    assert {rate_and_momentum(recipe, done) for done in (0.0, 0.3, 1.0)} == {(0.3, 0.9)}


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
@pytest.mark.parametrize("warm_up", [0.0, 1.0])
def test_no_warm_up_and_nothing_but_warm_up(schedule: str, warm_up: float):
    recipe = Recipe(learning_rate=1.0, schedule=schedule, warm_up=warm_up)
    assert rate_and_momentum(recipe, 0.0)[0] == (
        1.0 if warm_up == 0 else pytest.approx(1 / 25 if schedule == "one-cycle" else FINAL)
    )
    nearly = rate_and_momentum(recipe, 1 - 1e-9)[0]
    assert nearly == pytest.approx(FINAL if warm_up == 0 else 1.0, rel=1e-5)
    assert rate_and_momentum(recipe, 1.0)[0] == pytest.approx(FINAL)


@given(SHARES, SHARES, st.floats(1e-6, 10), SCHEDULES)
def test_rate_and_momentum_keep_their_bounds(
    done: float, warm_up: float, rate: float, schedule: str
):
    recipe = Recipe(learning_rate=rate, schedule=schedule, warm_up=warm_up)
    found, momentum = rate_and_momentum(recipe, done)
    assert rate * FINAL * (1 - 1e-9) <= found <= rate * (1 + 1e-12)
    assert recipe.least_momentum - 1e-12 <= momentum <= recipe.momentum + 1e-12


@given(SHARES, st.floats(0.05, 0.95), SCHEDULES)
def test_a_small_move_in_time_is_a_small_move_of_the_rate(
    done: float, warm_up: float, schedule: str
):
    recipe = Recipe(learning_rate=1.0, schedule=schedule, warm_up=warm_up)
    step = 1e-7
    here = rate_and_momentum(recipe, done)
    there = rate_and_momentum(recipe, min(1.0, done + step))
    # The steepest slope is 1 / .05, or half of pi / .05 for the cosine.
    assert abs(there[0] - here[0]) <= 32 * step
    assert abs(there[1] - here[1]) <= 32 * step


@given(SHARES, st.floats(0.05, 0.95))
def test_momentum_mirrors_the_rate(done: float, warm_up: float):
    recipe = Recipe(learning_rate=1.0, warm_up=warm_up, momentum=0.95, least_momentum=0.85)
    rate, momentum = rate_and_momentum(recipe, done)
    start = 1 / 25 if done < warm_up else FINAL
    risen = (rate - start) / (1 - start)  # 0 where the rate is least, 1 where it is highest
    assert momentum == pytest.approx(0.95 - 0.1 * risen, abs=1e-9)


@given(SHARES, st.floats(0.05, 0.95), st.sampled_from(["one-cycle", "cosine"]))
def test_the_rate_rises_then_falls(done: float, warm_up: float, schedule: str):
    recipe = Recipe(learning_rate=1.0, schedule=schedule, warm_up=warm_up)
    later = min(1.0, done + 0.01)
    here, there = (rate_and_momentum(recipe, share)[0] for share in (done, later))
    if later <= warm_up:
        assert here <= there
    if done >= warm_up:
        assert here >= there


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
def test_a_share_outside_0_to_1_counts_as_the_end_it_is_beyond(schedule: str):
    recipe = Recipe(learning_rate=1.0, schedule=schedule)
    assert rate_and_momentum(recipe, -0.5) == rate_and_momentum(recipe, 0.0)
    assert rate_and_momentum(recipe, 1.5) == rate_and_momentum(recipe, 1.0)
