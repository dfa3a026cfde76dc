"""Responses as colours: which look, which scale, what colour a number has."""

import numpy as np
import pytest
import torch

from striate._errors import KernelError
from striate.ops.filtering import filter_image
from striate.ops.gabor_kernels import gabor
from striate.ops.kernels import KERNELS, kernel
from striate.report.heat import BLUE_ORANGE, INFERNO, colours
from striate.report.responses import Scale, colour_bar, look_of, response_picture, scale_for

PHOTOS = {"identity", "vertical-line-7", "horizontal-line-7", "diagonal-line", "sharpen", "emboss",
          "box-blur", "gaussian", "diagonal-1", "diagonal-2"}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_looks(name: str) -> None:
    assert look_of(kernel(name).numpy()) == ("photo" if name in PHOTOS else "signed")


def test_a_pair_looks_like_a_magnitude() -> None:
    assert look_of(gabor(0.1).numpy()) == "magnitude"


def test_scales() -> None:
    lines = kernel("vertical-line-7").numpy()
    assert scale_for(lines, [np.ones((1, 4, 4))]) == Scale(look="photo", largest=7.0)
    # 1000 numbers, 998 of them at most 2: only 2 of 1000 may lie beyond.
    values = np.concatenate([np.linspace(-2, 2, 998), [50, -90]]).reshape(1, 20, 50)
    found = scale_for(kernel("sobel-x").numpy(), [values])
    assert found.look == "signed"
    assert 1.99 < found.largest < 3
    assert found.ends == (-found.largest, found.largest)
    assert scale_for(gabor(0.1).numpy(), [abs(values)]).ends[0] == 0
    assert scale_for(kernel("sobel-x").numpy(), [values], "magnitude").look == "magnitude"


def test_a_scale_reaches_over_all_photos() -> None:
    parts = [np.full((1, 5, 5), 1.0), np.full((1, 5, 5), -3.0)]
    assert scale_for(kernel("sobel-x").numpy(), parts).largest == 3


def test_a_photo_of_a_kernel_that_sums_to_nothing_ends_at_its_answers() -> None:
    assert scale_for(kernel("sobel-x").numpy(), [np.full((1, 5, 5), 2.0)], "photo").largest == 2


@pytest.mark.parametrize("name", ["edge-detect", "laplacian-of-gaussian"])
def test_rounding_errors_are_no_picture(name: str) -> None:
    flat = torch.full((1, 1, 9, 9), 0.3)
    weights = kernel(name)
    answer = filter_image(flat, weights)[0, 0].numpy()
    scale = scale_for(weights.numpy(), [answer])
    assert scale.largest == pytest.approx(float(weights.abs().sum()))  # the most there can be
    assert (response_picture(answer, scale) == [244, 244, 242]).all()


def test_colours_by_hand() -> None:
    values = np.array([[[-2.0, 0.0, 1.0, 9.0]]])
    signed = response_picture(values, Scale(look="signed", largest=2.0))
    assert np.array_equal(signed[0], colours(BLUE_ORANGE, np.array([0, 0.5, 0.75, 1])))
    magnitude = response_picture(values, Scale(look="magnitude", largest=2.0))
    assert np.array_equal(magnitude[0], colours(INFERNO, np.array([0, 0, 0.5, 1])))
    photo = response_picture(values, Scale(look="photo", largest=2.0))
    assert photo[0].tolist() == [[0] * 3, [0] * 3, [128] * 3, [255] * 3]


def test_three_planes_are_red_green_and_blue() -> None:
    values = np.array([-1.0, 0.0, 1.0]).reshape(3, 1, 1)
    signed = response_picture(values, Scale(look="signed", largest=1.0))
    assert signed.tolist() == [[[0, 128, 255]]]
    assert response_picture(values, Scale(look="photo", largest=1.0)).tolist() == [[[0, 0, 255]]]


@pytest.mark.parametrize(("look", "stops"), [("signed", BLUE_ORANGE), ("magnitude", INFERNO)])
def test_the_bar_runs_from_the_largest_down(look: str, stops: tuple[str, ...]) -> None:
    bar = colour_bar(Scale(look=look, largest=3.0), 201)
    assert bar.shape == (201, 76, 3)
    assert np.array_equal(bar[:, 3], colours(stops, np.linspace(1, 0, 201)))
    written = np.flatnonzero((bar[:, 20:] < 200).any(axis=(1, 2)))
    assert written.min() < 15
    assert written.max() > 185
    assert (abs(written - 100) < 5).any() == (look == "signed")


def test_a_look_that_is_none() -> None:
    with pytest.raises(KernelError, match="show is 'red'; it must be signed, magnitude, photo"):
        scale_for(kernel("sobel-x").numpy(), [], "red")
