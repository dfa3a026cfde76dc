"""Validation cut from the training half: by hand, against scikit-learn's shares, as laws."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedShuffleSplit

from striate._errors import DataError
from striate.data.splits import stratified_validation


def of(*counts: int) -> torch.Tensor:
    """Return labels with so many images of each class."""
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


@pytest.mark.parametrize(
    ("counts", "fraction", "expected"),
    [
        # 0.1 * 100 = 10: shares 5, 3, 2.
        pytest.param((50, 30, 20), 0.1, (5, 3, 2), id="exact"),
        # 0.5 * 10 = 5: shares 2.5, 1.5, 1.0; the fifth goes to the first of the largest remainders.
        pytest.param((5, 3, 2), 0.5, (3, 1, 1), id="largest-remainder"),
        # round(0.1 * 24) = 2: shares 1.67, 0.17, 0.17, but each of two images or more gives one.
        pytest.param((20, 2, 2), 0.1, (2, 1, 1), id="at-least-one"),
        pytest.param((9, 1), 0.5, (5, 0), id="one-image-is-for-training"),
        pytest.param((2, 2), 0.99, (1, 1), id="keeps-one"),
    ],
)
def test_shares_by_hand(
    counts: tuple[int, ...], fraction: float, expected: tuple[int, ...]
) -> None:
    labels = of(*counts)
    train, validation = stratified_validation(labels, fraction, seed=0)
    assert torch.bincount(labels[validation], minlength=len(counts)).tolist() == list(expected)
    assert len(train) + len(validation) == len(labels)


def test_the_default_is_a_tenth_and_at_most_5000() -> None:
    train, validation = stratified_validation(of(*[1000] * 10), seed=0)
    assert (len(train), len(validation)) == (9000, 1000)
    labels = of(*[6000] * 10)
    train, validation = stratified_validation(labels, seed=0)
    assert (len(train), len(validation)) == (55_000, 5000)
    assert torch.bincount(labels[validation]).tolist() == [500] * 10
    assert len(stratified_validation(labels, seed=0, cap=None)[1]) == 6000


counts = st.lists(st.integers(1, 30), min_size=1, max_size=6)


@given(counts=counts, fraction=st.floats(0.05, 0.95), seed=st.integers(0, 99))
def test_the_two_sides_make_the_whole(counts: list[int], fraction: float, seed: int) -> None:
    labels = of(*counts)[torch.randperm(sum(counts))]
    train, validation = stratified_validation(labels, fraction, seed=seed)
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(len(labels)))
    assert train.tolist() == sorted(train.tolist())
    assert validation.tolist() == sorted(validation.tolist())
    shares = torch.bincount(labels[validation], minlength=len(counts)).tolist()
    for count, share in zip(counts, shares, strict=True):
        assert abs(share - round(fraction * sum(counts)) * count / sum(counts)) < 1.01
        assert (share == 0) if count == 1 else (1 <= share < count)
    again = stratified_validation(labels, fraction, seed=seed)
    assert torch.equal(train, again[0])


@given(counts=st.lists(st.integers(20, 60), min_size=2, max_size=5), seed=st.integers(0, 9))
def test_shares_are_those_of_scikit_learn(counts: list[int], seed: int) -> None:
    labels = of(*counts)
    total = round(0.25 * len(labels))
    ours = np.bincount(labels[stratified_validation(labels, 0.25, seed=seed)[1]])
    oracle = StratifiedShuffleSplit(1, test_size=total, random_state=seed)
    ((_, theirs),) = oracle.split(np.zeros(len(labels)), labels.numpy())
    assert abs(ours - np.bincount(labels.numpy()[theirs])).max() <= 1  # ties may go elsewhere
    assert ours.sum() == total


def test_the_seed_matters() -> None:
    sides = {tuple(stratified_validation(of(50, 50), seed=s)[1].tolist()) for s in range(5)}
    assert len(sides) == 5


@given(
    groups=st.lists(st.integers(0, 15), min_size=4, max_size=60),
    data=st.data(),
    fraction=st.floats(0.1, 0.9),
)
def test_groups_are_never_torn(groups: list[int], data: st.DataObject, fraction: float) -> None:
    labels = torch.tensor([data.draw(st.integers(0, 2)) for _ in groups])
    numbers = torch.tensor(groups)
    train, validation = stratified_validation(labels, fraction, seed=1, groups=numbers)
    assert not set(numbers[train].tolist()) & set(numbers[validation].tolist())
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(len(labels)))
    for group in numbers[validation].unique():
        assert len(labels[numbers == group].unique()) == 1


def test_groups_by_hand() -> None:
    # Class 0 has the groups {0, 1, 2, 3} and {4}; a quota of two cannot take the four.
    labels, groups = torch.zeros(5, dtype=torch.int64), torch.tensor([7, 7, 7, 7, 8])
    train, validation = stratified_validation(labels, 0.4, seed=0, groups=groups)
    assert (train.tolist(), validation.tolist()) == ([0, 1, 2, 3], [4])


def test_groups_of_one_change_nothing() -> None:
    labels = of(30, 20)
    plain = stratified_validation(labels, 0.2, seed=3)
    alone = stratified_validation(labels, 0.2, seed=3, groups=torch.arange(50))
    walked = stratified_validation(  # one twin pair that no quota can reach makes it walk
        torch.cat([labels, torch.tensor([2, 2])]),
        10.01 / 52,
        seed=3,
        groups=torch.cat([torch.arange(50), torch.tensor([99, 99])]),
    )
    assert torch.equal(plain[1], alone[1])
    assert torch.equal(plain[1], walked[1])


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 2.0, float("nan")])
def test_fractions_that_cannot_be(fraction: float) -> None:
    with pytest.raises(DataError, match=f"validation is {fraction}; it must be above 0 and below"):
        stratified_validation(of(5, 5), fraction, seed=0)
