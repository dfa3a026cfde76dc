"""Equal images: by hand, against np.unique, and with keys that collide on purpose."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.data import duplicates
from striate.data.duplicates import find_duplicates, pixel_groups
from striate.data.image_set import Split


def grey(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1)


def split(name: str, values: list[int], labels: list[int]) -> Split:
    names = tuple(f"{name}{i}" for i in range(len(values)))
    return Split(images=grey(*values), labels=torch.tensor(labels), names=names)


shapes = st.tuples(st.integers(0, 12), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))


@given(shape=shapes, seed=st.integers(0, 99), levels=st.integers(1, 3))
def test_groups_against_numpy(shape: tuple[int, int, int, int], seed: int, levels: int) -> None:
    images = np.random.default_rng(seed).integers(0, levels, shape).astype(np.uint8)
    groups = pixel_groups(torch.from_numpy(images))
    assert groups.dtype == torch.int64
    rows = images.tolist()
    assert groups.tolist() == [rows.index(row) for row in rows]


def test_keys_that_collide_do_not_make_images_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_keys", lambda words: np.zeros(len(words), dtype=np.uint64))
    assert pixel_groups(grey(3, 5, 3, 7, 5, 5)).tolist() == [0, 1, 0, 3, 1, 1]


def test_one_bit_tells_images_apart() -> None:
    images = torch.zeros(785, 1, 28, 28, dtype=torch.uint8)
    images.view(785, 784)[torch.arange(784), torch.arange(784)] = 128
    assert len(pixel_groups(images).unique()) == 785


def test_findings_by_hand() -> None:
    splits = {
        "train": split("t", [1, 2, 1, 9], [0, 1, 0, 0]),
        "validation": split("v", [5, 2], [1, 1]),
        "test": split("e", [1, 6, 6, 9], [0, 1, 1, 1]),
    }
    assert find_duplicates(splits, ["ant", "bee"]) == {
        "checked": 10,
        "duplicates": [["t0", "t2"], ["e1", "e2"]],
        "leaks": [
            {"file": "e0", "split": "test", "same_as": "t0", "in": "train"},
            {"file": "v1", "split": "validation", "same_as": "t1", "in": "train"},
            {"file": "e3", "split": "test", "same_as": "t3", "in": "train"},
        ],
        "conflicts": [{"files": ["t3", "e3"], "classes": ["ant", "bee"]}],
    }


def test_nothing_found() -> None:
    splits = {"train": split("t", [1, 2], [0, 1]), "test": split("e", [3], [0])}
    nothing = {"checked": 3, "duplicates": [], "leaks": [], "conflicts": []}
    assert find_duplicates(splits, ["ant", "bee"]) == nothing
