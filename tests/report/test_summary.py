"""What the head of a report says."""

from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import binomtest

from striate.report import wording
from striate.report.matrix import level
from striate.report.summary import headline, interval, pairs, standing_out, state, status
from striate.runs.record import RunRecord


@pytest.mark.parametrize(("right", "n"), [(0, 7), (7, 7), (900, 1000), (1, 3)])
def test_interval_against_scipy(right: int, n: int) -> None:
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert interval(right / n, n) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_pairs_by_hand() -> None:
    assert pairs([[5, 0, 2], [2, 6, 0], [0, 1, 9]], 2) == [(0, 2, 2, 2 / 7), (1, 0, 2, 0.25)]
    assert pairs(None, 3) == []


def test_what_stands_out_by_hand(record: RunRecord) -> None:
    assert record.metrics is not None
    rows = [{"name": "a", "f1": 0.5, "support": 1}, {"name": "b", "f1": 0.75, "support": 1}]
    bins = [{"low": 0, "high": 1, "count": 10, "confidence": 0.9, "accuracy": 0.6}]
    changed = replace(
        record,
        data={"classes": ["a", "b"], "doctor": {"broken": [{}], "leaks": [{}, {}]}},
        metrics={
            "classes": rows,
            "confusion": [[7, 3], [1, 9]],
            "calibration": {"bins": bins},
            "test": {"ece": 0.3, "ece_scaled": 0.05},
        },
    )
    assert standing_out(changed) == [
        "Told apart best: “b” (F1 0.750). Hardest: “a” (F1 0.500).",
        "Most frequent mistake: “a” taken for “b”, 3 times (30.0\u202f% of that class).",
        "Its probabilities are off by 30.0 points on average (too sure of itself); "
        "by 5.0 points once scaled by temperature.",
        "The data: 1 broken file left out and 2 images that are in two splits.",
    ]


def test_headline_is_test_then_validation_then_history(record: RunRecord) -> None:
    assert record.metrics is not None
    first = headline(record)
    assert first is not None
    assert (first.split, first.images) == ("test", 600)
    second = headline(replace(record, metrics=record.metrics | {"test": None}))
    assert second is not None
    assert (second.split, second.accuracy, second.provisional) == ("validation", 0.8123, False)
    third = headline(replace(record, metrics=None))
    assert third is not None
    assert (third.accuracy, third.provisional) == (record.history["validation_accuracy"][-1], True)
    assert headline(replace(record, metrics=None, history={})) is None


def test_a_run_by_the_clock_has_no_planned_epochs(record: RunRecord) -> None:
    recipe = record.recipe | {"recipe": {"epochs": 50, "minutes": 2.0}}
    stopped = replace(record, recipe=recipe, environment={"interrupted": True})
    said = status(stopped)
    assert said is not None
    assert "was stopped after 6 epochs." in said
    epochs = next(fact for fact in state(stopped) if fact.name == "Epochs")
    assert epochs.remark == "best: epoch 5"


@pytest.mark.parametrize(
    ("epochs", "metrics", "said"),
    [
        (0, None, "before its first epoch ended, and it was not evaluated. To go on with it: "),
        (2, None, "after 2 of 6 epochs, and it was not evaluated. To go on with it: "),
        (
            1,
            {"weights": "best", "best_epoch": 1, "validation": {}, "classes_split": "validation"},
            "after 1 of 6 epochs. What follows is of the best weights so far, of epoch 1, judged "
            "on the validation images; the test images were not read. To go on with it: ",
        ),
        (
            0,
            {"weights": "last", "best_epoch": 0, "validation": {}, "classes_split": "validation"},
            "before its first epoch ended. What follows is of the weights as they stood, judged on "
            "the validation images; the test images were not read. To go on with it: ",
        ),
        (
            6,  # killed when it had read the test images
            {"weights": "ema", "best_epoch": 4, "test": {"images": 9}, "classes_split": "test"},
            "after 6 of 6 epochs. What follows is of the moving average of the weights, judged on "
            "the test images. To go on with it: ",
        ),
    ],
)
def test_what_is_said_of_a_run_that_was_stopped(
    record: RunRecord, epochs: int, metrics: dict[str, Any] | None, said: str
) -> None:
    history = {name: values[:epochs] for name, values in record.history.items()}
    stopped = replace(record, history=history, metrics=metrics, environment={"finished": False})
    advice = "striate train --resume and its folder."
    assert status(stopped) == f"This run was stopped {said}{advice}"
    assert status(record) is None


def test_a_split_without_a_loss_says_why(record: RunRecord) -> None:
    assert record.metrics is not None
    part = record.metrics["test"] | {"loss": None, "not_finite": 1}
    (said,) = [s for s in standing_out(replace(record, metrics={"test": part})) if "finite" in s]
    assert said == "1 test image has scores that are not finite, so there is no loss."
    part["not_finite"] = 1200
    assert standing_out(replace(record, metrics={"test": part}))[0].startswith("1,200 test images ")


@pytest.mark.parametrize(
    ("share", "right", "expected"),
    [
        (0.0, True, 0),
        (1.0, True, 8),
        (0.13, True, 2),
        (0.0, False, 0),
        (1e-9, False, 1),
        (0.04, False, 2),
        (1.0, False, 8),
    ],
)
def test_heat_levels_by_hand(share: float, right: bool, expected: int) -> None:
    assert level(share, right=right) == expected


def test_wording_by_hand() -> None:
    space = "\u202f"
    assert wording.percent(None) == wording.percent(float("nan")) == "n/a"
    assert wording.duration(59.97) == f"1{space}min 00{space}s"
    assert wording.duration(3599.7) == f"1{space}h 00{space}min"
    assert wording.compact(999) == "999"
    assert wording.compact(2_500_000) == f"2.5{space}M"
    assert wording.number(-0.25) == "−0.25"
    assert wording.number(1234567.0) == "1234567"
    assert wording.decimal(150.0) == "150"
    assert wording.date("2026-12-31T23:59:00") == "31 December 2026, 23:59"
    assert wording.date("soon") == "soon"
    assert wording.plain({}) == "none"
    assert wording.plain([1, 0.5, "a"]) == "1, 0.5, a"
    assert wording.join([]) == ""
