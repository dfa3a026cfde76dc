"""Kernels by name: the courses' values, SciPy's and scikit-image's responses, laws, errors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage as scipy_ndimage
from skimage import filters

from striate._errors import KernelError
from striate.ops.filtering import filter_image
from striate.ops.kernels import KERNELS, kernel

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "kernels.json").read_text())
COURSES = {name: rows for name, rows in FACTS.items() if name not in ("gabor_bank", "grey")}
ndimage: Any = scipy_ndimage  # its stubs know no order of two numbers
IMAGE = np.random.default_rng(0).random((23, 31))
PAIRS = ("sobel", "prewitt", "scharr")


def respond(name: str, padding_mode: str = "reflect", **options) -> np.ndarray:
    image = torch.from_numpy(IMAGE)[None, None]
    weights = kernel(name, dtype=torch.float64, **options)
    return filter_image(image, weights, padding_mode=padding_mode)[0, 0, 0].numpy()


def test_there_are_eleven_in_the_courses() -> None:
    assert len(COURSES) == 11


@pytest.mark.parametrize("name", COURSES)
def test_values_of_the_courses(name: str) -> None:
    assert kernel(name).tolist() == COURSES[name]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("sobel-x", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        ("scharr-y", [[-3, -10, -3], [0, 0, 0], [3, 10, 3]]),
        ("roberts-1", [[-1, 0], [0, 1]]),
        ("sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        ("emboss", [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
        ("identity", [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    ],
)
def test_values_that_are_written_down_elsewhere(name: str, rows: list[list[int]]) -> None:
    assert kernel(name).tolist() == rows
    assert kernel(name).dtype == torch.float32


@pytest.mark.parametrize("pair", PAIRS)
def test_gradients_are_scikit_images(pair: str) -> None:
    oracle = getattr(filters, pair)
    for name, axis in (("x", 1), ("y", 0)):
        expected = oracle(IMAGE, axis=axis, mode="mirror")
        np.testing.assert_allclose(
            respond(f"{pair}-{name}", normalise=True), expected, rtol=0, atol=1e-14
        )


@pytest.mark.parametrize("pair", PAIRS)
def test_gradients_are_scikit_images_h_and_v_away_from_the_border(pair: str) -> None:
    for name, letter in (("x", "v"), ("y", "h")):
        expected = getattr(filters, f"{pair}_{letter}")(IMAGE)[1:-1, 1:-1]
        found = respond(f"{pair}-{name}", normalise=True)[1:-1, 1:-1]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("pair", ["sobel", "prewitt"])
def test_gradients_are_scipys(pair: str) -> None:
    for name, axis in (("x", 1), ("y", 0)):
        expected = getattr(ndimage, pair)(IMAGE, axis=axis, mode="wrap")
        found = respond(f"{pair}-{name}", padding_mode="circular")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


def test_roberts_are_scikit_images() -> None:
    for name, oracle in (("1", filters.roberts_pos_diag), ("2", filters.roberts_neg_diag)):
        expected = oracle(IMAGE)[1:-1, 1:-1]
        np.testing.assert_allclose(
            respond(f"roberts-{name}")[1:-1, 1:-1], expected, rtol=0, atol=1e-14
        )


def test_laplacians_are_scipys_and_scikit_images() -> None:
    expected = ndimage.laplace(IMAGE, mode="mirror")
    np.testing.assert_allclose(respond("laplacian-4"), expected, rtol=0, atol=1e-13)
    inside = -filters.laplace(IMAGE)[1:-1, 1:-1]
    np.testing.assert_allclose(respond("laplacian-4")[1:-1, 1:-1], inside, rtol=0, atol=1e-13)
    assert torch.equal(kernel("laplacian-8"), -kernel("edge-detect"))


@pytest.mark.parametrize("size", [1, 3, 7])
def test_box_blur_is_scipys(size: int) -> None:
    expected = ndimage.uniform_filter(IMAGE, size, mode="wrap")
    found = respond("box-blur", padding_mode="circular", size=size)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("mode", [("reflect", "mirror"), ("circular", "wrap"),
                                  ("zeros", "constant"), ("replicate", "nearest")])  # fmt: skip
@pytest.mark.parametrize("sigma", [0.3, 1.0, 1.7])
def test_gaussian_kernels_are_scipys(sigma: float, mode: tuple[str, str]) -> None:
    ours, theirs = mode
    for name, order in (("gaussian", 0), ("gaussian-x", (0, 1)), ("gaussian-y", (1, 0))):
        expected = ndimage.gaussian_filter(IMAGE, sigma, order=order, mode=theirs, truncate=3)
        found = respond(name, padding_mode=ours, sigma=sigma, truncate=3)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    expected = ndimage.gaussian_laplace(IMAGE, sigma, mode=theirs)
    found = respond("laplacian-of-gaussian", padding_mode=ours, sigma=sigma)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


# Laws.


@pytest.mark.parametrize("name", [name for name in KERNELS if name.endswith(("-x", "-y"))])
def test_slopes_answer_to_what_brightens_along_their_axis(name: str) -> None:
    ramp = torch.arange(11.0).expand(11, 11)
    brighter_to_the_right = (kernel(name) * ramp[: len(kernel(name)), : len(kernel(name))]).sum()
    brighter_below = (kernel(name) * ramp.T[: len(kernel(name)), : len(kernel(name))]).sum()
    along, across = (brighter_to_the_right, brighter_below)[:: 1 if name.endswith("x") else -1]
    assert along > 0.9
    assert abs(across) < 1e-6


@pytest.mark.parametrize("name", KERNELS)
def test_a_flat_image_has_no_edges_and_blurs_to_itself(name: str) -> None:
    total = float(kernel(name, dtype=torch.float64).sum())
    if name.endswith("-7") or name == "diagonal-line":
        assert total == {"diagonal-line": 3}.get(name, 7)
    elif "edge" in name or name.startswith(("sobel", "prewitt", "scharr", "roberts", "laplacian-")):
        assert total == pytest.approx(0, abs=2e-3 if name.endswith("gaussian") else 1e-15)
    elif name in ("gaussian-x", "gaussian-y"):
        assert total == pytest.approx(0, abs=1e-15)
    else:
        assert total == pytest.approx(1)


@pytest.mark.parametrize("name", [n for n, c in KERNELS.items() if "normalise" in c.options])
def test_a_step_answers_at_most_1_to_a_normalised_kernel(name: str) -> None:
    weights = kernel(name, normalise=True)
    assert float(weights.clamp(min=0).sum()) == pytest.approx(1)
    scaled = weights * kernel(name).clamp(min=0).sum()
    torch.testing.assert_close(scaled, kernel(name))


@given(sigma=st.floats(0.2, 4), truncate=st.floats(1, 5))
def test_a_gaussian_is_symmetric_and_sums_to_one(sigma: float, truncate: float) -> None:
    weights = kernel("gaussian", dtype=torch.float64, sigma=sigma, truncate=truncate)
    assert weights.shape[0] == 2 * int(truncate * sigma + 0.5) + 1
    torch.testing.assert_close(weights, weights.T, rtol=0, atol=0)
    torch.testing.assert_close(weights, weights.flip(0), rtol=0, atol=0)
    assert float(weights.sum()) == pytest.approx(1)


def test_a_kernel_is_its_callers_to_change() -> None:
    kernel("sobel-x").zero_()
    assert kernel("sobel-x").any()


# Errors.


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("sobelx", {}, r"there is no kernel 'sobelx'; nearest: sobel-x, sobel-y; list"),
        ("zzz", {}, r"there is no kernel 'zzz'; list\(ops.KERNELS\) has all$"),
        ("sobel-x", {"sigma": 2}, r"kernel sobel-x has no option 'sigma'; there are normalise"),
        ("gaussian", {"sgima": 2}, r"has no option 'sgima'; nearest: sigma"),
        ("box-blur", {"size": 0}, r"size is 0; a box-blur takes a whole number from 1 to 1023"),
        ("gaussian", {"sigma": 0.0}, r"sigma is 0; it must be above 0, in pixels"),
        ("gaussian", {"sigma": float("nan")}, r"sigma is nan; it must be above 0"),
        ("gaussian", {"truncate": -1.0}, r"truncate is -1; it must be above 0"),
    ],
)
def test_refusals(name: str, options: dict, text: str) -> None:
    with pytest.raises(KernelError, match=text):
        kernel(name, **options)


@pytest.mark.parametrize("truncate", [1.0, 3.0, 4.0])
def test_the_most_that_a_refusal_names_works(truncate: float) -> None:
    with pytest.raises(KernelError, match="so the kernel would be") as refused:
        kernel("gaussian", sigma=1000.0, truncate=truncate)
    most = float(str(refused.value).split("sigma=")[1].split()[0])
    assert max(kernel("gaussian", sigma=most, truncate=truncate).shape) > 1000
    with pytest.raises(KernelError, match="is the most with truncate"):
        kernel("gaussian", sigma=most + 0.11, truncate=truncate)
