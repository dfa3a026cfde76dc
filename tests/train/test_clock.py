"""How much of training is done, in steps and by a clock that the test turns."""

from types import SimpleNamespace

import pytest

from striate.train import Recipe
from striate.train import clock as clock_module
from striate.train.clock import Clock


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    turned = Time()
    monkeypatch.setattr(clock_module, "time", SimpleNamespace(perf_counter=turned))
    return turned


def test_steps_by_hand(time: Time):
    clock = Clock(recipe=Recipe(epochs=2), steps_an_epoch=4)
    assert (clock.epoch, clock.step, clock.step_in_epoch) == (1, 0, 0)
    assert (clock.total_steps, clock.done, clock.over) == (8, 0.0, False)
    assert clock.seconds_left() is None
    for _ in range(4):
        time.now += 3
        clock.stepped()
    assert (clock.done, clock.elapsed) == (0.5, 12.0)
    assert clock.seconds_left() == 12.0  # half done in 12 s
    clock.next_epoch()
    assert (clock.epoch, clock.step, clock.step_in_epoch) == (2, 4, 0)
    for _ in range(4):
        clock.stepped()
    assert (clock.done, clock.over, clock.seconds_left()) == (1.0, True, 0.0)


def test_minutes_by_hand(time: Time):
    clock = Clock(recipe=Recipe(minutes=0.5), steps_an_epoch=4)
    assert clock.total_steps is None
    time.now += 15
    assert (clock.done, clock.over, clock.seconds_left()) == (0.5, False, 15.0)
    clock.validation_seconds = 10.0  # kept free at the end: 20 s are left for steps
    assert clock.done == 0.75
    time.now += 5
    assert (clock.done, clock.over) == (1.0, True)
    time.now += 60
    assert (clock.done, clock.seconds_left()) == (1.0, 0.0)


def test_a_validation_longer_than_the_time_ends_it():
    clock = Clock(recipe=Recipe(minutes=0.001), steps_an_epoch=4, validation_seconds=5.0)
    assert 0 <= clock.done <= 1


def test_stopping_early_is_the_end():
    assert Clock(recipe=Recipe(epochs=2), steps_an_epoch=4, stopped_early=True).over


def test_the_state_counts_the_time_of_all_sessions(time: Time):
    clock = Clock(recipe=Recipe(epochs=2), steps_an_epoch=4)
    clock.stepped()
    time.now += 7
    state = clock.to_state()
    time.now += 100  # the process is gone for a while
    again = Clock(recipe=Recipe(epochs=2), steps_an_epoch=4)
    for name, value in state.items():
        setattr(again, name, value)
    time.now += 2
    assert (again.step, again.step_in_epoch, again.epoch) == (1, 1, 1)
    assert again.elapsed == 9.0
    assert again.to_state() == state | {"before": 9.0}
