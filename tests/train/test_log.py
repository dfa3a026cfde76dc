"""Rows of steps and epochs: fetched late, averaged, read back to the same bits."""

import csv
import io
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import DivergedError
from striate.train.log import EPOCH_COLUMNS, STEP_COLUMNS, TIMING_COLUMNS, TrainingLog

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def noted(*losses: float, epoch: int = 1) -> TrainingLog:
    log = TrainingLog()
    for step, loss in enumerate(losses, 1):
        log.add_step((step, epoch, 0.1, 0.9), torch.tensor([loss, 0.5]))
    return log


def test_steps_wait_until_they_are_fetched():
    log = noted(2.0, 1.0)
    assert (log.pending, log.steps) == (2, [])
    log.flush()
    assert log.pending == 0
    assert log.steps == [(1, 1, 0.1, 0.9, 2.0, 0.5), (2, 1, 0.1, 0.9, 1.0, 0.5)]
    log.flush()  # nothing more to fetch
    assert len(log.steps) == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_loss_that_is_not_finite_is_named(bad: float):
    log = noted(2.0, bad, bad, epoch=3)
    with pytest.raises(
        DivergedError, match=rf"the loss is {bad} at epoch 3, step 2 \(learning rate 0\.1\)"
    ):
        log.flush()
    assert [row[0] for row in log.steps] == [1]


def test_means_are_over_one_epoch():
    log = noted(9.0, epoch=1)
    for step, (loss, accuracy) in enumerate([(2.0, 0.25), (1.0, 0.75), (0.0, 0.5)], 2):
        log.add_step((step, 2, 0.1, 0.9), torch.tensor([loss, accuracy]))
    log.flush()
    assert log.means(2) == (1.0, 0.5)
    assert log.means(3) == (0.0, 0.0)  # nothing yet


def test_csv_by_hand():
    log = noted(0.1)  # in float32, the nearest to .1 is this:
    log.flush()
    assert log.csv("steps") == (
        "step,epoch,learning_rate,momentum,loss,accuracy\n1,1,0.1,0.9,0.10000000149011612,0.5\n"
    )
    log.epochs.append((1, 4, 0.1, 0.9, 2.0, 0.5, None, None, 1))
    log.timings.append((1, 0.5, 64.0, 0.25, None))
    assert log.csv("epochs") == f"{','.join(EPOCH_COLUMNS)}\n1,4,0.1,0.9,2.0,0.5,,,1\n"
    assert log.csv("timings") == f"{','.join(TIMING_COLUMNS)}\n1,0.5,64.0,0.25,\n"


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5))
def test_csv_reads_back_to_the_same_numbers(pairs: list[tuple[float, float]]):
    rows = [(i, 1, 0.1, 0.9, *pair) for i, pair in enumerate(pairs, 1)]
    text = TrainingLog(steps=list(rows)).csv("steps")
    read = list(csv.reader(io.StringIO(text)))
    assert tuple(read[0]) == STEP_COLUMNS
    assert [tuple(float(cell) for cell in row) for row in read[1:]] == rows


@given(st.lists(st.tuples(NUMBERS, st.none() | NUMBERS), max_size=5))
def test_the_state_keeps_every_row_and_every_kind(pairs: list[tuple[float, float | None]]):
    log = TrainingLog(
        steps=[(i, 1, 0.1, 0.9, loss, 0.5) for i, (loss, _) in enumerate(pairs, 1)],
        epochs=[(i, 4, 0.1, 0.9, a, 0.5, b, b, i % 2) for i, (a, b) in enumerate(pairs, 1)],
        timings=[(i, a, 3.5, 0.25, b) for i, (a, b) in enumerate(pairs, 1)],
    )
    again = TrainingLog.from_state(log.to_state())
    assert again == log
    for name in ("steps", "epochs", "timings"):
        assert again.csv(name) == log.csv(name)  # 3 and 3.0 are equal, but not in the file
