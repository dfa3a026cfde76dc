"""Sealing: mean and deviation by hand and against NumPy, what the fingerprint sees, its errors."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import DataError
from striate.data import sealing
from striate.data.image_set import ImageSet, Split
from striate.data.sealing import fingerprint, mean_and_deviation, seal


def split(count: int, *, seed: int = 0, shape: tuple[int, int, int] = (1, 2, 3)) -> Split:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)
    return Split(
        images=images,
        labels=torch.arange(count) % 2,
        names=tuple(f"{seed}/{i}.png" for i in range(count)),
    )


def sealed(**changes: Any) -> ImageSet:
    arguments: dict[str, Any] = {
        "name": "mine",
        "source": "/some/where",
        "options": {"seed": 3},
        "classes": ["ant", "bee"],
        "splits": {"test": split(3, seed=2), "train": split(5), "validation": split(2, seed=1)},
        "files": {"train": {"archive": [{"file": "a", "sha256": "0"}]}},
        "doctor": {"warnings": ["look"]},
        "split_rule": "by hand",
        "flip": False,
    }
    return seal(**arguments | changes)


def test_what_is_sealed() -> None:
    images = sealed()
    assert list(images) == ["train", "validation", "test"]
    assert (images.name, images.source, images.flip) == ("mine", "/some/where", False)
    assert images.counts("train") == (3, 2)
    assert images.preprocessing.to_json() == {
        "channels": 1,
        "height": 2,
        "width": 3,
        "mean": images.preprocessing.mean,
        "deviation": images.preprocessing.deviation,
        "resize": "crop",
        "interpolation": "bilinear",
    }
    assert images.manifest == {
        "name": "mine",
        "source": "/some/where",
        "options": {"seed": 3},
        "classes": ["ant", "bee"],
        "fingerprint": images.fingerprint,
        "sizes": {"channels": 1, "height": 2, "width": 3},
        "splits": {
            "train": {
                "count": 5,
                "class_counts": [3, 2],
                "archive": [{"file": "a", "sha256": "0"}],
            },
            "validation": {"count": 2, "class_counts": [1, 1]},
            "test": {"count": 3, "class_counts": [2, 1]},
        },
        "split_rule": "by hand",
        "doctor": {
            "checked": 10,
            "broken": [],
            "duplicates": [],
            "leaks": [],
            "conflicts": [],
            "warnings": ["look"],
        },
    }
    assert json.loads(json.dumps(images.manifest)) == images.manifest


def test_an_empty_split_is_left_out() -> None:
    assert list(sealed(splits={"train": split(4), "validation": split(0)})) == ["train"]


def test_mean_and_deviation_by_hand() -> None:
    # Red 0 and 255: mean 1/2, deviation 1/2. Green 51 = 1/5 always. Blue 0, 102: 1/5, 1/5.
    pixels = torch.tensor([[[[0]], [[51]], [[0]]], [[[255]], [[51]], [[102]]]], dtype=torch.uint8)
    mean, deviation = mean_and_deviation(pixels)
    assert mean == pytest.approx((0.5, 0.2, 0.2))
    assert deviation == pytest.approx((0.5, 1 / 255, 0.2))  # 1/255 stands for none


sizes = st.tuples(st.integers(1, 9), st.sampled_from([1, 3]), st.integers(1, 6), st.integers(1, 6))


@given(shape=sizes, seed=st.integers(0, 99))
def test_mean_and_deviation_against_numpy(shape: tuple[int, int, int, int], seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    mean, deviation = mean_and_deviation(torch.from_numpy(pixels))
    np.testing.assert_allclose(mean, pixels.mean((0, 2, 3)) / 255, rtol=1e-12)
    expected = pixels.std((0, 2, 3)) / 255
    np.testing.assert_allclose(deviation, np.where(expected > 0, expected, 1 / 255), rtol=1e-9)
    backwards = torch.from_numpy(pixels[::-1].copy())
    assert mean_and_deviation(backwards) == (mean, deviation)


def test_many_images_go_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_CHUNK", 100_000)
    pixels = torch.randint(0, 256, (900, 3, 20, 20), dtype=torch.uint8)
    mean, deviation = mean_and_deviation(pixels)
    values = pixels.double() / 255
    np.testing.assert_allclose(mean, values.mean((0, 2, 3)))
    np.testing.assert_allclose(deviation, values.std((0, 2, 3), correction=0))


def test_normalised_training_images_have_mean_0_and_deviation_1() -> None:
    images = sealed(splits={"train": split(200, shape=(3, 4, 5))})
    values = images.preprocessing.normalize(images["train"].images)
    torch.testing.assert_close(values.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(values.std((0, 2, 3), correction=0), torch.ones(3))


def test_fingerprint_by_hand() -> None:
    part = Split(
        images=torch.tensor([[[[7, 8]]]], dtype=torch.uint8),
        labels=torch.tensor([1]),
        names=("x",),
    )
    said = b'["a", "b"]' + b"\ntrain (1, 1, 1, 2)\n" + b"\1\0\0\0\0\0\0\0" + b"\7\10"
    assert fingerprint(["a", "b"], {"train": part}) == hashlib.sha256(said).hexdigest()


def test_fingerprint_sees_classes_membership_labels_and_pixels() -> None:
    base = {"train": split(4), "test": split(2, seed=1)}
    train, test = base["train"], base["test"]
    other = train.images.clone()
    other[3, 0, 1, 2] ^= 1
    marks = [
        fingerprint(["a", "b"], base),
        fingerprint(["a", "c"], base),
        fingerprint(["a", "b"], {"train": test, "test": train}),
        fingerprint(["a", "b"], {"train": train, "validation": test}),
        fingerprint(["a", "b"], base | {"train": replace(train, labels=1 - train.labels)}),
        fingerprint(["a", "b"], base | {"train": replace(train, images=other)}),
        fingerprint(["a", "b"], base | {"train": replace(train, images=train.images.mT)}),
    ]
    assert len(set(marks)) == len(marks)
    names = tuple("wxyz")
    assert fingerprint(["a", "b"], base | {"train": replace(train, names=names)}) == marks[0]
    assert fingerprint(["a", "b"], dict(reversed(base.items()))) == marks[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["ant"]}, "there is 1 class; a classifier needs 2 or more"),
        ({"classes": ["ant", "ant"]}, "two classes have the same name"),
        ({"splits": {"test": split(3)}}, "there are no training images"),
        ({"splits": {"train": split(0)}}, "there are no training images"),
        (
            {"splits": {"train": split(3), "test": split(3, shape=(3, 2, 3))}},
            r"images of test are \(3, 2, 3\), those of train \(1, 2, 3\); channels",
        ),
        (
            {"splits": {"train": replace(split(3), names=("a",))}},
            "train has 3 images, 3 labels and 1 names",
        ),
        (
            {"splits": {"train": replace(split(3), labels=torch.tensor([0, 1, 2]))}},
            r"labels of train lie in 0\.\.2, but there are 2 classes",
        ),
        (
            {"splits": {"train": replace(split(3), labels=torch.tensor([0, 1, -1]))}},
            r"labels of train lie in -1\.\.1",
        ),
    ],
)
def test_what_cannot_be_sealed(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        sealed(**changes)
