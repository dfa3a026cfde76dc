"""ImageSet and Preprocessing: lookups, normalisation against NumPy, round trips, damage."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import DataError
from striate.data import ImageSet, Preprocessing, Split
from striate.data.sealing import seal

COLOUR = Preprocessing(
    channels=3, height=4, width=5, mean=(0.5, 0.4, 0.3), deviation=(0.2, 0.25, 0.3)
)


def made() -> ImageSet:
    images = torch.arange(12, dtype=torch.uint8).view(6, 1, 1, 2)
    part = Split(images=images, labels=torch.tensor([0, 2, 2, 0, 2, 0]), names=tuple("abcdef"))
    return seal(
        name="made",
        source="made",
        options={},
        classes=["ant", "bee", "cat"],
        splits={"train": part, "test": part},
        files={},
        doctor={},
        split_rule="by hand",
    )


def test_splits_are_looked_up() -> None:
    images = made()
    assert list(images) == ["train", "test"]
    assert len(images["train"]) == 6
    assert images.counts("train") == (3, 0, 3)
    assert images.counts("train") is images.counts("train")
    with pytest.raises(DataError, match="no split 'validation'; there are train, test"):
        images["validation"]


@given(st.integers(0, 99))
def test_normalised_against_numpy(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (3, 3, 4, 5)).astype(np.uint8)
    ours = COLOUR.normalize(torch.from_numpy(pixels))
    mean, deviation = (np.array(v)[:, None, None] for v in (COLOUR.mean, COLOUR.deviation))
    np.testing.assert_allclose(ours.numpy(), (pixels / 255 - mean) / deviation, atol=2e-6)
    assert ours.is_contiguous(memory_format=torch.channels_last)


def test_normalising_leaves_the_images_alone_and_takes_a_type() -> None:
    images = torch.full((1, 3, 4, 5), 7, dtype=torch.uint8)
    assert COLOUR.normalize(images, dtype=torch.bfloat16).dtype == torch.bfloat16
    assert images.unique().tolist() == [7]
    with pytest.raises(DataError, match="images have 1 channels, not 3"):
        COLOUR.normalize(images[:, :1])


def test_round_trip_through_json() -> None:
    assert Preprocessing.from_json(json.loads(json.dumps(COLOUR.to_json()))) == COLOUR


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": None}, r"damaged: sizes are \(None, 4, 5\), not whole numbers"),
        ({"height": True}, "not whole numbers"),
        ({"extra": 1}, "preprocessing is damaged: extra missing or unknown"),
        ({"mean": 3}, "preprocessing is damaged"),
        ({"deviation": [0.2, float("nan"), 0.3]}, "needs one mean and one deviation above 0"),
        ({"resize": "melt"}, "has resize 'melt'; it must be one of crop"),
        ({"interpolation": ["bicubic"]}, r"interpolation .* must be one of bilinear, bicubic"),
        ({"mean": "abc"}, "preprocessing is damaged"),
        ({"channels": 2}, r"asks for channels, height, width of \(2, 4, 5\)"),
        ({"height": 0}, "asks for channels, height, width"),
        ({"width": 10**9}, "asks for channels, height, width"),
        ({"mean": [0.5]}, "needs one mean and one deviation above 0 a channel"),
        ({"deviation": [0.2, 0.0, 0.3]}, "needs one mean and one deviation above 0"),
    ],
)
def test_damaged_json(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Preprocessing.from_json(COLOUR.to_json() | change)


def test_a_field_that_is_missing() -> None:
    values = COLOUR.to_json()
    del values["deviation"]
    with pytest.raises(DataError, match="damaged: deviation missing or unknown"):
        Preprocessing.from_json(values)
