"""Light and hidden parts: by hand, and against Pillow."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from striate.data.lighting import erased, lit


def of(n: int, **factors: float) -> dict[str, torch.Tensor]:
    still = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0}
    return {name: torch.full((n,), value) for name, value in (still | factors).items()}


def grey(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.uint8).view(1, 1, 1, -1)


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ({}, [100, 200]),
        ({"brightness": 1.5}, [150, 255]),  # 300 is cut off
        ({"brightness": 0.0}, [0, 0]),
        ({"contrast": 0.5}, [125, 175]),  # about the mean, 150
        ({"contrast": 2.0}, [50, 250]),
        # 1.5 makes 150 and 300, mean 225; a half of the distance: 187.5, 262.5. Cut off last.
        ({"brightness": 1.5, "contrast": 0.5}, [188, 255]),
        ({"saturation": 0.0}, [100, 200]),  # grey images have none
    ],
)
def test_grey_by_hand(factors: dict[str, float], expected: list[int]) -> None:
    assert lit(grey(100, 200), **of(1, **factors)).flatten().tolist() == expected


def test_colour_by_hand() -> None:
    # Grey of (200, 100, 0) is 0.299 * 200 + 0.587 * 100 = 118.5; half way: 159.25, 109.25, 59.25.
    pixel = torch.tensor([200, 100, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    half = lit(pixel, **of(1, saturation=0.5))
    assert half.flatten().tolist() == [159, 109, 59]


ENHANCERS: dict[str, Any] = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
}


@given(
    name=st.sampled_from(sorted(ENHANCERS)),
    factor=st.floats(0, 2, width=32),
    seed=st.integers(0, 9),
)
def test_each_against_pillow(name: str, factor: float, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    theirs = np.asarray(ENHANCERS[name](Image.fromarray(pixels)).enhance(factor))
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
    ours = lit(images, **of(1, **{name: factor}))[0].permute(1, 2, 0).numpy()
    # Pillow rounds the grey or the mean to a whole value first, and cuts the result.
    assert abs(ours.astype(int) - theirs.astype(int)).max() <= 2


def test_each_image_has_its_own_light() -> None:
    images = torch.randint(0, 256, (4, 3, 5, 6), dtype=torch.uint8)
    factors = {name: torch.rand(4) + 0.5 for name in ("brightness", "contrast", "saturation")}
    together = lit(images, **factors)
    for i in range(4):
        alone = {name: values[i : i + 1] for name, values in factors.items()}
        assert torch.equal(together[i : i + 1], lit(images[i : i + 1], **alone))
    last = images.to(memory_format=torch.channels_last)
    assert torch.equal(lit(last, **factors), together)


def test_erased_by_hand() -> None:
    images = torch.zeros(2, 3, 3, 4, dtype=torch.uint8)
    result = erased(
        images,
        top=torch.tensor([1.0, 0.0]),
        left=torch.tensor([2.0, 0.0]),
        rows=torch.tensor([2.0, 0.0]),
        columns=torch.tensor([1.0, 4.0]),
        colours=torch.tensor([[7, 8, 9], [1, 1, 1]], dtype=torch.uint8),
    )
    assert result[0, 0].tolist() == [[0, 0, 0, 0], [0, 0, 7, 0], [0, 0, 7, 0]]
    assert result[0, :, 1, 2].tolist() == [7, 8, 9]
    assert not result[1].any()  # no rows: left alone
