"""The embedded set: what is in its files, that it never changes, and parts of it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from striate import data
from striate.data.idx import read_idx

EMBEDDED = Path(data.__file__).parent / "embedded"


def test_fashion_mini_as_it_is_loaded() -> None:
    images = data.load("fashion-mini")
    assert {name: len(images[name]) for name in images} == {
        "train": 9000,
        "validation": 1000,
        "test": 2000,
    }
    assert images.counts("train") == (900,) * 10
    assert images.counts("validation") == (100,) * 10
    assert images.counts("test") == (200,) * 10
    assert images.classes[0] == "T-shirt/top"
    assert images.classes[9] == "Ankle boot"
    assert (images.name, images.source, images.flip) == ("fashion-mini", "fashion-mini", True)
    assert images.preprocessing.mean == pytest.approx((0.286,), abs=1e-3)  # the whole set's
    assert images.preprocessing.deviation == pytest.approx((0.353,), abs=1e-3)
    assert images["train"].images.shape == (9000, 1, 28, 28)
    assert images.options == {
        "size": 128,
        "classes": None,
        "per_class": None,
        "validation": 0.1,
        "seed": 0,
        "channels": None,
    }
    assert images.manifest["doctor"]["leaks"] == []
    assert json.loads(json.dumps(images.manifest)) == images.manifest


def test_fashion_mini_never_changes() -> None:
    # Of all bytes, so that equal seeds give equal splits on every machine and version.
    mark = data.load("fashion-mini").fingerprint
    assert mark == "15630426af61f8c25a46dae0750e8342abfdeb2ab009e1613fa3a7183b1873f1"


@pytest.mark.parametrize(
    ("half", "count", "whole", "pixels"),
    [
        (
            "train",
            10_000,
            60_000,
            "65d7d5cdeb5e2eacc715acdd1a3369d0ea2767c2ea24d8084da4ee123cc6d644",
        ),
        ("t10k", 2_000, 10_000, "56991a51d26dd1899fc2109d58699ff14556be199dfaf87a306f2b99f20b9c8a"),
    ],
)
def test_fashion_mini_files(half: str, count: int, whole: int, pixels: str) -> None:
    images = read_idx(EMBEDDED / f"{half}-images-idx3-ubyte.gz", dimensions=3).values
    labels = read_idx(EMBEDDED / f"{half}-labels-idx1-ubyte.gz", dimensions=1).values
    members = read_idx(EMBEDDED / f"{half}-members-idx1-int.gz", dimensions=1, kind="i4").values
    assert images.shape == (count, 28, 28)
    assert hashlib.sha256(images.tobytes()).hexdigest() == pixels
    assert np.bincount(labels).tolist() == [count // 10] * 10
    assert len(members) == len(np.unique(members)) == count
    assert members.tolist() == sorted(members.tolist())
    assert members[0] >= 0
    assert members[-1] < whole


def test_fashion_mini_is_small_and_has_its_licence() -> None:
    assert sum(path.stat().st_size for path in EMBEDDED.iterdir()) < 6_000_000
    text = (EMBEDDED / "LICENSE-fashion-mnist.txt").read_text()
    assert "Copyright (c) 2017 Zalando SE" in text
    assert "Permission is hereby granted, free of charge" in text


def test_names_are_places_in_the_official_files() -> None:
    images = data.load("fashion-mini")
    members = read_idx(EMBEDDED / "t10k-members-idx1-int.gz", dimensions=1, kind="i4").values
    expected = tuple(f"t10k-images-idx3-ubyte[{place}]" for place in members)
    assert images["test"].names == expected
    assert len({*images["train"].names, *images["validation"].names}) == 10_000


def test_a_part_of_the_classes() -> None:
    part = data.load("fashion-mini", classes=["Bag", "Coat"], per_class=60, seed=4)
    assert part.classes == ("Coat", "Bag")
    assert part.counts("train") == (54, 54)
    assert part.counts("validation") == (6, 6)
    assert part.counts("test") == (60, 60)
    assert part.manifest["split_rule"] == (
        "Training and test half as published. At most 60 images a class of each half. "
        "Validation: 0.1 of the training half, at most 5000 images, stratified, seed 4."
    )
    whole = data.load("fashion-mini")
    row = {name: i for i, name in enumerate(whole["test"].names)}
    for split, names in (("test", part["test"].names),):
        for i in range(0, 120, 17):
            there = row[names[i]]
            assert torch.equal(part[split].images[i], whole[split].images[there])
            true = whole.classes[int(whole[split].labels[there])]
            assert part.classes[int(part[split].labels[i])] == true


def test_colour_is_grey_three_times() -> None:
    grey = data.load("fashion-mini", per_class=3)
    colour = data.load("fashion-mini", per_class=3, channels=3)
    assert colour.preprocessing.channels == 3
    assert colour.preprocessing.mean == grey.preprocessing.mean * 3
    assert torch.equal(colour["test"].images[:, 2:], grey["test"].images)
    assert colour["test"].images.is_contiguous()
