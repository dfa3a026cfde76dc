"""Counts of right and wrong answers: by hand and against scikit-learn."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from striate._errors import DataError
from striate.metrics import accuracy, class_scores, confusion

CLASSES = 4
answers = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=40
)


def tensors(pairs: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    both = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def test_by_hand() -> None:
    labels, predictions = torch.tensor([0, 0, 1, 1, 1, 2]), torch.tensor([0, 1, 1, 1, 0, 1])
    counts = confusion(labels, predictions, 3)
    assert counts.tolist() == [[1, 1, 0], [1, 2, 0], [0, 1, 0]]
    assert accuracy(labels, predictions) == 0.5
    scores = class_scores(counts)
    assert scores.precision.tolist() == [1 / 2, 2 / 4, 0]  # nothing was said to be of class 2
    assert scores.recall.tolist() == [1 / 2, 2 / 3, 0]
    assert scores.f1.tolist() == [1 / 2, 4 / 7, 0]
    assert scores.support.tolist() == [2, 3, 1]


@given(pairs=answers)
def test_against_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predictions = tensors(pairs)
    counts = confusion(labels, predictions, CLASSES)
    everyone = range(CLASSES)
    expected = oracle.confusion_matrix(labels, predictions, labels=everyone)
    np.testing.assert_array_equal(counts.numpy(), expected)
    options: Any = {"labels": everyone, "zero_division": 0}
    precision, recall, f1, support = oracle.precision_recall_fscore_support(
        labels, predictions, **options
    )
    scores = class_scores(counts)
    np.testing.assert_allclose(scores.precision, precision)
    np.testing.assert_allclose(scores.recall, recall)
    np.testing.assert_allclose(scores.f1, f1)
    np.testing.assert_array_equal(scores.support, support)
    assert accuracy(labels, predictions) == pytest.approx(
        oracle.accuracy_score(labels, predictions)
    )


@given(first=answers, second=answers)
def test_confusions_add_and_transpose(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    apart = confusion(*tensors(first), CLASSES) + confusion(*tensors(second), CLASSES)
    assert torch.equal(confusion(*tensors(first + second), CLASSES), apart)
    labels, predictions = tensors(first)
    swapped = confusion(predictions, labels, CLASSES)
    assert torch.equal(swapped, confusion(*tensors(first), CLASSES).T)


def test_no_images() -> None:
    empty = torch.zeros(0, dtype=torch.int64)
    assert confusion(empty, empty, 2).tolist() == [[0, 0], [0, 0]]
    assert class_scores(confusion(empty, empty, 2)).f1.tolist() == [0, 0]
    with pytest.raises(DataError, match="accuracy of 0 images is not defined"):
        accuracy(empty, empty)


def test_numbers_that_are_no_class() -> None:
    fine, wrong = torch.tensor([0, 1]), torch.tensor([0, 2])
    with pytest.raises(DataError, match="a prediction is 2, but the 2 classes are 0 to 1"):
        confusion(fine, wrong, 2)
    with pytest.raises(DataError, match="a label is -2"):
        confusion(-wrong, fine, 2)
