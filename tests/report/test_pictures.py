"""Pixels of the sheets, read back out of their data URIs."""

import base64
import io

import numpy as np
from PIL import Image

from striate.report.heat import BLUE_ORANGE, EMBER, VIRIDIS
from striate.report.pictures import (
    Sheet,
    data_uri,
    filter_pixels,
    heat_sheet,
    overlay_sheet,
    photo_sheet,
)
from tests.report.reading import parse

RANDOM = np.random.default_rng(3)


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def cut(sheet: Sheet, index: int, mode: str) -> np.ndarray:
    x, y, width, height = map(int, sheet.window(index).split())
    return np.asarray(opened(sheet.uri).convert(mode).crop((x, y, x + width, y + height)))


def test_photos_come_back_exactly() -> None:
    images = RANDOM.integers(0, 256, (7, 5, 9, 3), np.uint8)
    sheet = photo_sheet("s", images)
    assert sheet.uri.startswith("data:image/png;base64,")
    for i, image in enumerate(images):
        np.testing.assert_array_equal(cut(sheet, i, "RGB"), image)


def test_grey_photos_come_back_exactly() -> None:
    images = RANDOM.integers(0, 256, (4, 6, 6, 1), np.uint8)
    sheet = photo_sheet("s", images)
    np.testing.assert_array_equal(cut(sheet, 3, "L"), images[3, :, :, 0])


def test_gutters_repeat_the_edge() -> None:
    sheet = photo_sheet("s", np.full((1, 2, 2, 1), 90, np.uint8))
    assert np.asarray(opened(sheet.uri)).tolist() == [[90] * 4] * 4


def test_large_photos_are_made_smaller_with_their_aspect() -> None:
    images = np.full((2, 200, 400, 3), 17, np.uint8)
    sheet = photo_sheet("s", images, largest=100)
    assert (sheet.height, sheet.width) == (50, 100)
    assert (cut(sheet, 1, "RGB") == 17).all()


def test_over_budget_is_a_jpeg_within_it() -> None:
    noise = RANDOM.integers(0, 256, (9, 64, 64, 3), np.uint8)
    sheet = photo_sheet("s", noise, budget=60_000)
    assert sheet.uri.startswith("data:image/jpeg;base64,")
    assert len(base64.b64decode(sheet.uri.partition(",")[2])) <= 60_000


def test_heat_has_the_colours_of_its_ends() -> None:
    values = np.array([[[0.0, 1.0]], [[np.nan, 2.0]]])
    sheet = heat_sheet("s", values, VIRIDIS)
    assert opened(sheet.uri).mode == "P"
    for i in range(2):
        assert cut(sheet, i, "RGB").tolist() == [[[68, 1, 84], [253, 231, 37]]]


def test_no_evidence_is_drawn_as_nothing() -> None:
    maps = np.array([[[0.0, 0.0]], [[0.0, 1.0]]])
    sheet = overlay_sheet("s", maps, EMBER, opacity=1.0)
    assert cut(sheet, 0, "RGBA")[..., 3].tolist() == [[0, 0]]
    assert cut(sheet, 1, "RGBA")[0, 1].tolist() == [252, 255, 164, 255]


def test_filters_share_one_scale_around_zero() -> None:
    weights = np.array([[[[-2.0, 0.0]]], [[[1.0, 2.0]]]])
    pixels = filter_pixels(weights, BLUE_ORANGE)
    assert pixels[0, 0].tolist() == [[10, 61, 124], [244, 244, 242]]
    assert pixels[1, 0, 1].tolist() == [111, 47, 0]
    assert pixels[1, 0, 0].tolist() == [224, 138, 53]  # half way up: the stop e08a35


def test_filters_over_colour_are_colours() -> None:
    weights = np.zeros((1, 3, 1, 2))
    weights[0, :, 0, 0] = [1.0, 0.0, -1.0]
    # 127.5 + 127.5 * weight; numpy rounds a half to even
    assert filter_pixels(weights, BLUE_ORANGE)[0, 0].tolist() == [[255, 128, 0], [128, 128, 128]]


def test_filters_of_other_depths_are_planes() -> None:
    # Four channels of one weight, each 3 x 3 pixels: two rows of two, a line of grey between them.
    weights = np.array([[[[-1.0]], [[0.0]], [[0.0]], [[1.0]]]])
    low, zero, high, grey = [10, 61, 124], [244, 244, 242], [111, 47, 0], [128] * 3
    expected = [[low, grey, zero], [grey, grey, grey], [zero, grey, high]]
    pixels = filter_pixels(weights, BLUE_ORANGE)[0]
    assert pixels.shape == (7, 7, 3)
    assert pixels[1::2, 1::2].tolist() == expected
    assert (pixels[:3, :3] == low).all()
    # Five of 3 x 3: two rows of three, the last place empty.
    assert filter_pixels(np.ones((4, 5, 3, 3)), BLUE_ORANGE).shape == (4, 19, 29, 3)
    assert filter_pixels(np.zeros((2, 1, 3, 3)), BLUE_ORANGE)[0, 0, 0].tolist() == [244, 244, 242]


def test_tile_shows_its_window_and_says_what_it_is() -> None:
    sheet = photo_sheet("s", np.zeros((4, 3, 3, 1), np.uint8))
    tile = parse(sheet.tile(3, "a <b>")).one("svg", class_="exact")
    # Two rows of two, each 3 + 2 wide: the last one starts at 5 + 1.
    assert tile.attributes["viewbox"] == "6 6 3 3"
    assert tile.attributes["aria-label"] == "a <b>"
    assert tile.one("use").attributes["href"] == "#s"


def test_overlay_lies_on_its_photo() -> None:
    photos = photo_sheet("p", np.zeros((2, 8, 8, 1), np.uint8))
    maps = overlay_sheet("m", np.zeros((2, 4, 4)), EMBER)
    inner = parse(photos.tile(1, "x", over=maps)).one("svg", class_="smooth")
    assert (inner.attributes["x"], inner.attributes["y"]) == tuple(photos.window(1).split()[:2])
    assert inner.attributes["viewbox"] == maps.window(1)
    assert (inner.attributes["width"], inner.attributes["height"]) == ("8", "8")


def test_sprite_is_as_large_as_its_image() -> None:
    sheet = photo_sheet("s", np.zeros((5, 3, 4, 1), np.uint8))
    sprite = parse(sheet.sprite).one("image")
    size = opened(sheet.uri).size
    assert (int(sprite.attributes["width"]), int(sprite.attributes["height"])) == size


def test_palette_numbers_come_back() -> None:
    uri = data_uri(np.array([[[0], [1]]], np.uint8), palette=["#102030", "#405060"])
    assert np.asarray(opened(uri).convert("RGB")).tolist() == [[[16, 32, 48], [64, 80, 96]]]
