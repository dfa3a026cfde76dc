"""Whole photos: size, colour, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from striate._errors import DataError
from striate.data.decoding import BrokenImageError
from striate.data.photo import read_photo
from tests.data.files import noise, save


def test_a_photo_is_all_its_pixels(tmp_path: Path) -> None:
    pixels = noise(1, 7, 12)
    path = save(tmp_path / "a.png", pixels)
    assert np.array_equal(read_photo(path).permute(1, 2, 0).numpy(), pixels)
    assert np.array_equal(read_photo(path, largest=12).permute(1, 2, 0).numpy(), pixels)


def test_grey_stays_one_channel(tmp_path: Path) -> None:
    pixels = noise(1, 5, 6, channels=1)
    assert np.array_equal(read_photo(save(tmp_path / "a.png", pixels)).numpy(), pixels[None])


def test_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    path = save(tmp_path / "a.jpg", noise(1, 20, 40), exif=exif)
    assert read_photo(path).shape == (3, 40, 20)
    assert read_photo(path, largest=10).shape == (3, 10, 5)


@given(height=st.integers(1, 60), width=st.integers(1, 60), largest=st.integers(1, 60))
def test_shrunk_to_the_longer_side(tmp_path_factory, height: int, width: int, largest: int) -> None:
    path = save(tmp_path_factory.mktemp("p") / "a.png", noise(1, height, width))
    tall, wide = read_photo(path, largest=largest).shape[1:]
    assert max(tall, wide) == min(max(height, width), largest)
    if max(height, width) > largest:
        share = largest / max(height, width)
        assert abs(tall - height * share) <= 0.5 or tall == 1
        assert abs(wide - width * share) <= 0.5 or wide == 1
    else:
        assert (tall, wide) == (height, width)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="largest is 0; it must be 1 pixel or more"):
        read_photo(save(tmp_path / "a.png", noise(1)), largest=0)
    with pytest.raises(BrokenImageError, match=r"nothing\.png: does not exist"):
        read_photo(tmp_path / "nothing.png")
