"""Files become pixels of one size: by hand, against Pillow's fit, upright, round trips."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from striate._errors import DataError
from striate.data.decoding import _draft, decode, read_header, read_image
from striate.data.preprocessing import Preprocessing
from tests.data.files import noise, pixels_of, save

ORIENTATION = 0x0112


# Size: by hand


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_an_image_of_the_targets_size_is_not_touched(tmp_path: Path, suffix: str) -> None:
    pixels = noise(1, 7, 5)
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", pixels, **options)
    assert np.array_equal(pixels_of(path, 7, 5), pixels)


def test_the_centre_is_cut_out(tmp_path: Path) -> None:
    row = np.arange(6, dtype=np.uint8) * 10
    wide = save(tmp_path / "wide.png", np.stack([row, row]))
    assert pixels_of(wide, 2, 2, channels=1).tolist() == [[20, 30], [20, 30]]
    tall = save(tmp_path / "tall.png", np.stack([row, row]).T.copy())
    assert pixels_of(tall, 2, 2, channels=1).tolist() == [[20, 20], [30, 30]]


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    # To half: a triangle of 2 pixels to either side. The left pixel lies at 1; pixels at .5, 1.5,
    # 2.5 weigh .75, .75, .25, so 255 * .25 / 1.75 = 36.4; the right one is 255 - 36.4 = 218.6.
    step = np.tile(np.array([0, 0, 255, 255], dtype=np.uint8), (4, 1))
    path = save(tmp_path / "step.png", step)
    assert pixels_of(path, 2, 2, channels=1).tolist() == [[36, 219], [36, 219]]


def test_enlarging_is_bilinear(tmp_path: Path) -> None:
    # To double: places .25, .75, 1.25, 1.75 between pixel centres .5 and 1.5.
    path = save(tmp_path / "two.png", np.array([[0, 200], [0, 200]], dtype=np.uint8))
    assert pixels_of(path, 4, 4, channels=1)[0].tolist() == [0, 50, 150, 200]


def test_bicubic_is_pillows(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", noise(3, 20, 20))
    expected = Image.open(path).resize((10, 10), Image.Resampling.BICUBIC)
    image = decode(path, channels=3, height=10, width=10, interpolation="bicubic")
    assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(expected))


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
)
def test_agrees_with_pillows_fit(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, rows: int, columns: int
) -> None:
    path = save(tmp_path_factory.mktemp("fit") / "a.png", noise(5, height, width))
    with Image.open(path) as image:
        expected = ImageOps.fit(image, (columns, rows), Image.Resampling.BILINEAR)
    difference = np.abs(pixels_of(path, rows, columns).astype(int) - np.asarray(expected))
    assert difference.max() <= 3  # only where an extreme ratio makes Pillow average blocks first


def test_large_jpegs_are_decoded_small_and_look_the_same(tmp_path: Path) -> None:
    smooth = Image.fromarray(noise(7, 12, 16)).resize((1600, 1200), Image.Resampling.BICUBIC)
    path = save(tmp_path / "a.jpg", smooth, quality=95)
    expected = ImageOps.fit(smooth, (64, 64), Image.Resampling.BILINEAR)
    difference = np.abs(pixels_of(path, 64, 64).astype(int) - np.asarray(expected))
    assert difference.mean() < 1
    assert difference.max() < 8


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(("height", "width", "part"), [(20, 10, 8), (60, 10, 2), (90, 200, 1)])
def test_how_small_a_jpeg_is_decoded(
    tmp_path: Path, orientation: int, height: int, width: int, part: int
) -> None:
    # Upright 320 x 480. It shrinks by 320 / 20 = 16, by 320 / 60 = 5.3, by 480 / 200 = 2.4; a
    # factor of 2 is left to do well: 8, 2.7, 1.2. The decoder has 1, 2, 4, 8.
    path = with_orientation(
        tmp_path / "a.jpg", stored(noise(19, 320, 480), orientation), orientation
    )
    with Image.open(path) as image:
        assert isinstance(image, ImageFile)
        whole = image.size
        _draft(image, height, width)
        assert image.size == (whole[0] // part, whole[1] // part)


# Orientation: the stored image is the upright one turned the other way


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(turned[orientation])


def with_orientation(path: Path, pixels: np.ndarray, orientation: int) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    if path.suffix == ".tif":
        return save(path, pixels, tiffinfo={ORIENTATION: orientation})
    options = {"lossless": True} if path.suffix == ".webp" else {}
    return save(path, pixels, exif=exif, **options)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_stand_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = noise(11, 6, 9)
    path = with_orientation(tmp_path / f"a.{suffix}", stored(upright, orientation), orientation)
    assert np.array_equal(pixels_of(path, 6, 9), upright)
    header = read_header(path)
    assert (header.height, header.width) == (6, 9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_large_jpegs_stand_upright(tmp_path: Path, orientation: int) -> None:
    # Corners black, red, green, blue, so every turn shows; 8 times too large, so draft is used.
    corners = np.array([[[0, 0, 0], [255, 0, 0]], [[0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    upright = corners.repeat(160, axis=0).repeat(240, axis=1)
    path = with_orientation(tmp_path / "a.jpg", stored(upright, orientation), orientation)
    seen = pixels_of(path, 20, 30)[[2, 2, 17, 17], [2, 27, 2, 27]].astype(int)
    assert np.abs(seen - corners.reshape(4, 3)).max() < 12
    assert (read_header(path).height, read_header(path).width) == (320, 480)


def test_damaged_exif_does_not_lose_an_image(tmp_path: Path) -> None:
    pixels = noise(13, 4, 4)
    for index, exif in enumerate([b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"x"]):
        path = save(tmp_path / f"{index}.webp", pixels, lossless=True, exif=exif)
        assert np.array_equal(pixels_of(path, 4, 4), pixels)


# Headers, frames, round trips


def test_only_the_first_frame_is_read(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (2, 2), "red"), Image.new("RGB", (2, 2), "blue")
    for name in ("a.gif", "a.tif", "a.png", "a.webp"):
        options = {"lossless": True} if name == "a.webp" else {}
        path = save(tmp_path / name, first, save_all=True, append_images=[second], **options)
        assert pixels_of(path, 2, 2)[0, 0].tolist() == [255, 0, 0]


def test_header_is_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    save(path, np.zeros((2, 3), dtype=np.uint8))
    header = read_header(path)
    assert (header.format, header.height, header.width) == ("BMP", 2, 3)
    path.write_bytes(path.read_bytes() + b"more")
    assert read_header(path).sha256 != header.sha256


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]))
def test_lossless_files_come_back(
    tmp_path_factory: pytest.TempPathFactory, seed: int, height: int, width: int, channels: int
) -> None:
    pixels = noise(seed, height, width, channels)
    path = save(tmp_path_factory.mktemp("lossless") / "a.png", pixels)
    assert np.array_equal(pixels_of(path, height, width, channels), pixels)


# As `predict` reads


def preparation(**changes: object) -> Preprocessing:
    fields = {"channels": 3, "height": 5, "width": 8, "mean": (0.5,) * 3, "deviation": (0.5,) * 3}
    return Preprocessing(**(fields | changes))  # pyright: ignore[reportArgumentType]


def test_predict_sees_what_training_saw(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", noise(17, 30, 40))
    for interpolation in ("bilinear", "bicubic"):
        seen = read_image(path, preparation(interpolation=interpolation))
        trained = decode(path, channels=3, height=5, width=8, interpolation=interpolation)
        assert torch.equal(seen, trained)


def test_unknown_preprocessing_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", noise(1))
    with pytest.raises(DataError, match="'squash'; there is 'crop'"):
        read_image(path, preparation(resize="squash"))
    with pytest.raises(DataError, match="'lanczos'; there are bilinear, bicubic"):
        read_image(path, preparation(interpolation="lanczos"))
