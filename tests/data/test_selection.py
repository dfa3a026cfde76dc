"""A part of a set: by hand, as laws, and its errors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import DataError
from striate.data.selection import chosen_classes, relabelled, select

NAMES = ["ant", "bee", "cat", "dog"]
LABELS = torch.tensor([3, 0, 1, 2, 1, 0, 3, 3, 3])


def test_classes_by_hand() -> None:
    assert select(LABELS, NAMES).tolist() == list(range(9))
    assert select(LABELS, NAMES, classes=["dog", "bee"]).tolist() == [0, 2, 4, 6, 7, 8]
    kept = chosen_classes(NAMES, ["dog", "bee"])
    assert kept == ("bee", "dog")
    part = select(LABELS, NAMES, classes=["dog", "bee"])
    assert relabelled(LABELS[part], NAMES, kept).tolist() == [1, 0, 0, 1, 1, 1]


labels = st.lists(st.integers(0, 3), max_size=60).map(lambda v: torch.tensor(v, dtype=torch.int64))


@given(labels=labels, per_class=st.integers(1, 8), seed=st.integers(0, 9))
def test_a_balanced_part(labels: torch.Tensor, per_class: int, seed: int) -> None:
    part = select(labels, NAMES, per_class=per_class, seed=seed)
    assert part.tolist() == sorted(set(part.tolist()))
    counts = torch.bincount(labels, minlength=4)
    taken = torch.bincount(labels[part], minlength=4)
    assert taken.tolist() == counts.clamp(max=per_class).tolist()


@given(labels=labels, seed=st.integers(0, 9))
def test_the_draw_of_a_class_does_not_depend_on_the_others(labels: torch.Tensor, seed: int) -> None:
    alone = select(labels, NAMES, classes=["ant", "cat"], per_class=3, seed=seed)
    whole = select(labels, NAMES, per_class=3, seed=seed)
    assert alone.tolist() == whole[(labels[whole] == 0) | (labels[whole] == 2)].tolist()


@given(labels=labels, seed=st.integers(0, 9))
def test_a_larger_draw_holds_the_smaller(labels: torch.Tensor, seed: int) -> None:
    few = select(labels, NAMES, per_class=2, seed=seed).tolist()
    assert set(few) <= set(select(labels, NAMES, per_class=5, seed=seed).tolist())


def test_the_seed_matters() -> None:
    many = torch.zeros(100, dtype=torch.int64)
    draws = {tuple(select(many, NAMES, per_class=5, seed=seed).tolist()) for seed in range(5)}
    assert len(draws) == 5


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["ant", "bees"], "no class 'bees'; nearest: bee"),
        (["ant", "zzzzz"], "no class 'zzzzz'; there are ant, bee, cat, dog$"),
        (["ant", "bee", "ant"], "class 'ant' is asked for twice"),
        (["ant"], "asks for 1 class, but a classifier needs 2 or more; there are ant"),
        ([], "asks for 0 classes, but a classifier needs 2 or more; there are ant"),
        (["ANT", "Bee"], "no class 'ANT'; nearest: ant; no class 'Bee'; nearest: bee$"),
        (["bee", "dogs", "zzzzz"], "no class 'dogs'; nearest: dog; no class 'zzzzz'; there are an"),
    ],
)
def test_classes_that_cannot_be(classes: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        select(LABELS, NAMES, classes=classes)


def test_long_lists_are_cut_short() -> None:
    with pytest.raises(DataError, match=r"there are 0, 1, .*, 11 …$"):
        chosen_classes([str(n) for n in range(1000)], ["none such"])


@pytest.mark.parametrize("per_class", [0, -3])
def test_per_class_below_one(per_class: int) -> None:
    with pytest.raises(DataError, match=f"per_class is {per_class}; it must be 1 or more"):
        select(LABELS, NAMES, per_class=per_class)


def test_labels_that_were_left_out() -> None:
    with pytest.raises(DataError, match=r"select\(\) must come first"):
        relabelled(LABELS, NAMES, ["ant", "bee"])
