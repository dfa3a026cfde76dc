"""Sheets of photos, kernels and responses: everything stands where it belongs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.report.filter_sheets import Photo, Row, filter_figure, filter_grid, grid_size
from striate.report.kernels import kernel_picture
from striate.report.responses import colour_bar, response_picture, scale_for

RANDOM = np.random.default_rng(0)
SOBEL = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def photo(height: int, width: int) -> Photo:
    pixels = RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Photo(name="p", pixels=pixels, note="n")


def row(*sizes: tuple[int, int], planes: int = 1, weights: np.ndarray = SOBEL) -> Row:
    values = [RANDOM.normal(size=(planes, *size)) for size in sizes]
    return Row(name="k", weights=weights, values=values)


def places(sheet: np.ndarray, part: np.ndarray) -> list[tuple[int, int]]:
    """Return where `part` lies on `sheet`, to the pixel."""
    height, width = part.shape[:2]
    first = (sheet == part[0, 0]).all(axis=2)
    found = zip(*(axis.tolist() for axis in first.nonzero()), strict=True)
    return [
        (y, x) for y, x in found
        if np.array_equal(sheet[y : y + height, x : x + width], part)
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(400, 390), (390, 500)])
def test_three_panels_and_a_bar(size: tuple[int, int]) -> None:
    seen, answers = photo(*size), row(size)
    sheet = filter_figure(seen, answers)
    scale = scale_for(SOBEL, answers.values)
    parts = [seen.pixels, kernel_picture(SOBEL, side=288),
             response_picture(answers.values[0], scale), colour_bar(scale, size[0])]  # fmt: skip
    found = [places(sheet, part) for part in parts]
    assert [len(each) for each in found] == [1, 1, 1, 1]
    tops, lefts = zip(*(each[0] for each in found), strict=True)
    assert len(set(tops)) == 1
    assert list(lefts) == sorted(lefts)
    assert (sheet[: tops[0], : size[1]] < 128).any()  # the name above


def test_a_small_photo_is_enlarged_in_whole_steps() -> None:
    seen, answers = photo(28, 20), row((28, 20))
    sheet = filter_figure(seen, answers)
    assert len(places(sheet, seen.pixels.repeat(13, axis=0).repeat(13, axis=1))) == 1  # 13 * 28


def test_colours_need_no_bar() -> None:
    seen, answers = photo(400, 400), row((400, 400), planes=3)
    sheet = filter_figure(seen, answers)
    picture = response_picture(answers.values[0], scale_for(SOBEL, answers.values))
    ((_, x),) = places(sheet, picture)
    assert sheet.shape[1] - (x + 400) < 40


def test_a_grid_has_photos_across_and_kernels_down() -> None:
    photos = [photo(64, 64), photo(64, 64), photo(64, 64)]
    weights = [SOBEL, SOBEL.T, np.ones((2, 2)), -SOBEL]
    rows = [row(*[(64, 64)] * 3, weights=w) for w in weights]
    sheet = filter_grid(photos, iter(rows), count=4, side=64)
    assert sheet.shape[:2] == grid_size(3, 4, 64)
    columns = [min(x for _, x in places(sheet, p.pixels)) for p in photos]
    assert columns == sorted(set(columns))
    where = {}
    for k, each in enumerate(rows):
        scale = scale_for(each.weights, each.values)  # one for the row
        cells = [places(sheet, response_picture(v, scale)) for v in each.values]
        assert [len(c) for c in cells] == [1, 1, 1]
        assert len({c[0][0] for c in cells}) == 1
        ((top, _),) = places(sheet, kernel_picture(each.weights, side=64))[:1]
        assert abs(top - cells[0][0][0]) <= 1  # a kernel of 63 pixels is centred
        where[k] = [c[0] for c in cells]
    assert [where[k][0] for k in range(4)] == sorted(
        (where[k][0] for k in range(4)), key=lambda place: (place[1], place[0])
    )


def test_photos_of_other_shapes_stand_in_the_middle_of_their_cells() -> None:
    photos = [photo(64, 64), photo(32, 64)]
    sheet = filter_grid(photos, [row((64, 64), (32, 64))], count=1, side=64)
    ((top, left),) = places(sheet, photos[0].pixels)
    assert places(sheet, photos[1].pixels) == [(top + 16, left + 72)]


@given(photos=st.integers(1, 24), count=st.integers(1, 60), side=st.integers(16, 300))
def test_a_grid_that_can_be_wrapped_is_not_a_strip(photos: int, count: int, side: int) -> None:
    height, width = grid_size(photos, count, side)
    one_block_height, one_block_width = grid_size(photos, 1, side)
    assert width >= one_block_width
    assert height >= one_block_height
    assert height <= 4 * max(width, one_block_height)
    per_block = (height - 32) // (side + 28) - 1
    blocks = (width - 32) // (one_block_width - 32)
    assert (blocks - 1) * per_block < count <= blocks * per_block
