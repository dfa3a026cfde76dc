"""Pictures of kernels: colours about zero, numbers where they fit, pairs, sizes."""

import numpy as np
import pytest
import torch

from striate.ops.gabor_kernels import gabor
from striate.report.heat import BLUE_ORANGE, colours
from striate.report.kernels import kernel_picture
from striate.report.lettering import fitted, text_width

SOBEL = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def corner(picture: np.ndarray, row: int, column: int, cell: int) -> list[int]:
    """Return the colour near the upper left of a cell, where neither line nor number is."""
    return picture[row * cell + 4, column * cell + 4].tolist()


def test_colours_are_about_zero_on_the_kernels_own_scale() -> None:
    picture = kernel_picture(SOBEL, side=120)
    assert picture.shape == (120, 120, 3)
    for row in range(3):
        for column in range(3):
            share = np.array(SOBEL[row, column] / 4 + 0.5)
            expected = colours(BLUE_ORANGE, share).tolist()
            assert corner(picture, row, column, 40) == expected
    assert corner(picture, 0, 1, 40) == [244, 244, 242]


def test_the_sign_turns_the_colours_and_the_size_of_weights_does_not() -> None:
    plain = kernel_picture(SOBEL, side=90)
    scaled = kernel_picture(1000 * SOBEL, side=90)
    turned = kernel_picture(-SOBEL, side=90)
    for row in range(3):
        for column in range(3):
            assert corner(scaled, row, column, 30) == corner(plain, row, column, 30)
            assert corner(turned, row, column, 30) == corner(plain, row, 2 - column, 30)


def test_numbers_stand_where_they_fit() -> None:
    def plain_cell(picture: np.ndarray) -> bool:
        inside = picture[2:38, 2:38].reshape(-1, 3)
        return bool((inside == inside[0]).all())

    assert not plain_cell(kernel_picture(SOBEL, side=120))
    assert plain_cell(kernel_picture(SOBEL * np.pi * 1e-4, side=120)) is False
    assert plain_cell(kernel_picture(np.full((60, 60), 0.123), side=2400)) is False
    small = kernel_picture(np.full((9, 9), -0.00012345), side=9 * 20)[2:18, 2:18]
    assert (small == small[0, 0]).all()


def test_a_dark_cell_has_white_numbers_and_a_pale_one_dark_numbers() -> None:
    picture = kernel_picture(SOBEL, side=180)
    assert picture[62:118, 122:178].reshape(-1, 3).min(axis=1).max() > 230  # 2, on brown
    assert picture[62:118, 62:118].max(axis=2).min() < 60  # 0, on white


@pytest.mark.parametrize(
    ("shape", "side", "expected"),
    [((1, 2), 100, (50, 100)), ((5, 3), 100, (100, 60)), ((7, 7), 160, (154, 154)),
     ((300, 150), 100, (100, 50)), ((100, 100), 100, (100, 100))],
)  # fmt: skip
def test_sizes(shape: tuple[int, int], side: int, expected: tuple[int, int]) -> None:
    assert kernel_picture(np.ones(shape), side=side).shape == (*expected, 3)


def test_a_pair_stands_side_by_side_on_one_scale() -> None:
    g = gabor(0.25, sigma_x=1, sigma_y=1).numpy()
    picture = kernel_picture(g, side=148)  # 70 a part, 10 a cell
    assert picture.shape == (70, 148, 3)
    assert (picture[:, 70:78] == 255).all()
    largest = np.abs(g).max()
    middle, right = (colours(BLUE_ORANGE, np.array(v / largest / 2 + 0.5)).tolist()
                     for v in (g[3, 3].real, g[3, 4].imag))  # fmt: skip
    assert picture[35, 35].tolist() == middle
    assert picture[35, 78 + 45].tolist() == right


def test_a_kernel_of_zeros_is_pale() -> None:
    picture = kernel_picture(torch.zeros(20, 20).numpy(), side=100)
    assert set(map(tuple, picture.reshape(-1, 3).tolist())) == {(244, 244, 242)}


# Letters.


def test_text_is_cut_in_the_middle_to_fit() -> None:
    name = "a photo with a very long name indeed, taken in summer.jpg"
    for width in (40, 90, 200, 300):
        short = fitted(name, width, 13)
        assert text_width(short, 13) <= width
        start, end = short.split("...")
        assert name.startswith(start)
        assert name.endswith(end)
        assert len(start) > len(end)
    assert fitted(name, 2000) == name
    assert fitted(name, 0) == ""


def test_control_characters_are_spelled_out() -> None:
    assert fitted("a\nb−c", 200) == "a\\x0ab-c"
