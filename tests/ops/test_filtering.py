"""Kernels applied to images: SciPy's and scikit-image's responses, by hand, laws, errors."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage as scipy_ndimage
from skimage import filters as skimage_filters

from striate._errors import KernelError, ShapeError
from striate.ops.filtering import Filter, filter_image, gabor_magnitude, grey, standardise
from striate.ops.gabor_kernels import gabor, gabor_bank
from striate.ops.kernels import kernel

MODES = {"reflect": "mirror", "circular": "wrap", "zeros": "constant", "replicate": "nearest"}
ndimage: Any = scipy_ndimage  # their stubs know neither floats nor lists here
filters: Any = skimage_filters
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.random((19, 27))


def batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image)[None, None]


# Grey and standardised.


def test_grey_by_hand() -> None:
    image = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]).T.reshape(1, 3, 2, 2)
    torch.testing.assert_close(grey(image), torch.tensor([[[[0.299, 0.587], [0.114, 1.0]]]]))
    assert torch.equal(grey(image[:, :1]), image[:, :1])


def test_standardise_is_numpys_and_leaves_a_flat_image_flat() -> None:
    images = torch.from_numpy(RANDOM.random((2, 3, 5, 4)))
    for image, found in zip(images.numpy(), standardise(images).numpy(), strict=True):
        np.testing.assert_allclose(found, (image - image.mean()) / image.std(), rtol=1e-12)
    flat = torch.full((1, 1, 60, 60), 0.1)  # its deviation rounds to 1e-8, not to 0
    assert not standardise(flat).any()
    assert not standardise(flat * 0).any()
    assert standardise(flat + 1e-3 * torch.eye(60)).any()


# Responses.


@pytest.mark.parametrize(("ours", "theirs"), MODES.items())
@pytest.mark.parametrize("shape", [(3, 3), (1, 5), (4, 2), (5, 4)])
def test_responses_are_scipys(shape: tuple[int, int], ours: str, theirs: str) -> None:
    weights = RANDOM.random(shape) - 0.5
    # SciPy lays the middle of an even kernel on the cell behind it, TensorFlow's padding before.
    origin = [-1 if n % 2 == 0 else 0 for n in shape]
    expected = ndimage.correlate(IMAGE, weights, mode=theirs, origin=origin)
    found = filter_image(batch(IMAGE), torch.from_numpy(weights), padding_mode=ours)
    assert found.shape == (1, 1, 1, 19, 27)
    np.testing.assert_allclose(found[0, 0, 0].numpy(), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("ours", "theirs"), MODES.items())
def test_flipped_is_convolution_proper(ours: str, theirs: str) -> None:
    weights = RANDOM.random((5, 3))
    expected = ndimage.convolve(IMAGE, weights, mode=theirs)
    found = filter_image(batch(IMAGE), torch.from_numpy(weights), padding_mode=ours, flip=True)
    np.testing.assert_allclose(found[0, 0, 0].numpy(), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("ours", "theirs"), MODES.items())
def test_gabor_responses_are_scikit_images(ours: str, theirs: str) -> None:
    g = gabor(0.3, 0.7, 1.5, 2, 0.4, dtype=torch.complex128)
    real, imaginary = filters.gabor(
        IMAGE, 0.3, 0.7, sigma_x=1.5, sigma_y=2, offset=0.4, mode=theirs
    )
    found = filter_image(batch(IMAGE), [g.real, g.imag, g], padding_mode=ours, flip=True)
    expected = np.stack([real, imaginary, np.hypot(real, imaginary)])
    np.testing.assert_allclose(found[0, :, 0].numpy(), expected, rtol=0, atol=1e-14)


def test_gabor_magnitude_is_the_courses() -> None:
    image = RANDOM.random((40, 30))
    seen = (image - image.mean()) / image.std()
    bank = gabor_bank(dtype=torch.complex128)
    found = gabor_magnitude(batch(image), [g.weights for g in bank])
    assert found.shape == (1, 8, 40, 30)
    for g, response in zip(bank, found[0].numpy(), strict=True):
        real, imaginary = (
            ndimage.convolve(seen, part, mode="wrap") for part in (g.weights.real, g.weights.imag)
        )
        expected = np.sqrt(real**2 + imaginary**2)
        np.testing.assert_allclose(response, expected, rtol=0, atol=1e-13)


def test_a_pair_of_gradients_is_scikit_images_sobel() -> None:
    x, y = (kernel(name, normalise=True, dtype=torch.float64) for name in ("sobel-x", "sobel-y"))
    found = filter_image(batch(IMAGE), torch.complex(x, y))[0, 0, 0].numpy()
    expected = filters.sobel(IMAGE, mode="mirror") * np.sqrt(2)  # it takes the mean of the squares
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_colour_by_hand() -> None:
    image = torch.zeros(1, 3, 1, 3)
    image[0, :, 0, 1] = torch.tensor([1.0, 2.0, 4.0])
    slope = torch.tensor([[-1.0, 0.0, 1.0]])
    planes = filter_image(image, slope, colour="planes", padding_mode="zeros")
    assert planes[0, 0, :, 0].tolist() == [[1, 0, -1], [2, 0, -2], [4, 0, -4]]
    one = filter_image(image, slope, padding_mode="zeros")
    assert one.shape == (1, 1, 1, 1, 3)
    assert one[0, 0, 0, 0, 0].item() == pytest.approx(0.299 + 2 * 0.587 + 4 * 0.114)


# Laws.


@given(n=st.integers(1, 3), channels=st.sampled_from([1, 3]), height=st.integers(3, 9),
       width=st.integers(3, 9), colour=st.sampled_from(["grey", "planes"]))  # fmt: skip
def test_a_batch_is_one_by_one_and_kernels_do_not_meet(n, channels, height, width, colour):
    images = torch.rand(n, channels, height, width, dtype=torch.float64)
    kernels = [torch.rand(k, 5 - k, dtype=torch.float64) for k in (1, 2, 3)]
    found = filter_image(images, kernels, colour=colour)
    assert found.shape == (n, 3, channels if colour == "planes" else 1, height, width)
    for i in range(n):
        for k, weights in enumerate(kernels):
            alone = filter_image(images[i : i + 1], weights, colour=colour)
            torch.testing.assert_close(alone[0, 0], found[i, k], rtol=0, atol=1e-13)


def test_planes_of_colour_are_each_a_grey_image() -> None:
    images = torch.rand(2, 3, 8, 7)
    weights = kernel("emboss")
    planes = filter_image(images, weights, colour="planes")
    for plane in range(3):
        alone = filter_image(images[:, plane : plane + 1], weights)
        torch.testing.assert_close(planes[:, :, plane : plane + 1], alone)


def test_magnitudes_do_not_know_the_light() -> None:
    image = batch(IMAGE)
    g = gabor(0.3, 0.7, dtype=torch.complex128)
    bright = gabor_magnitude(3 * image + 7, g)
    torch.testing.assert_close(bright, gabor_magnitude(image, g), rtol=0, atol=1e-12)
    shifted = gabor_magnitude(image.roll((4, -5), (2, 3)), g).roll((-4, 5), (2, 3))
    torch.testing.assert_close(shifted, gabor_magnitude(image, g), rtol=0, atol=1e-12)


def test_a_filter_that_standardises_is_the_magnitude_of_each_plane() -> None:
    images = torch.rand(2, 3, 21, 24, dtype=torch.float64)
    g = gabor(0.3, 0.7, dtype=torch.complex128)
    entry = Filter(name="g", weights=g, standardised=True)
    torch.testing.assert_close(entry.respond(images), gabor_magnitude(images, g))
    planes = entry.respond(images, colour="planes")
    for plane in range(3):
        expected = gabor_magnitude(images[:, plane : plane + 1], g)
        torch.testing.assert_close(planes[:, plane : plane + 1], expected)
    zeros = entry.respond(images, padding_mode="zeros")
    torch.testing.assert_close(zeros, gabor_magnitude(images, g, padding_mode="zeros"))


def test_a_filter_that_does_not_is_filter_image() -> None:
    images = torch.rand(2, 3, 9, 8)
    entry = Filter(name="s", weights=kernel("sobel-x"))
    for colour in ("grey", "planes"):
        expected = filter_image(images, kernel("sobel-x"), colour=colour)[:, 0]
        torch.testing.assert_close(entry.respond(images, colour=colour), expected)


# Errors.


@pytest.mark.parametrize(
    ("error", "kernels", "options", "text"),
    [
        (
            ShapeError,
            kernel("sobel-x"),
            {"colour": "red"},
            "colour is 'red'; it must be grey or pl",
        ),
        (ShapeError, kernel("sobel-x"), {"padding_mode": "wrap"}, "must be one of zeros, reflect"),
        (
            ShapeError,
            kernel("gaussian", sigma=3.0),
            {},
            r"6 is the most at either end \(padding_mode='replicate'",
        ),
        (KernelError, [], {}, "there is no kernel to filter with; name one or more"),
        (KernelError, torch.ones(0, 3), {}, "a kernel is 0 x 3; it must have two axes"),
    ],
)
def test_refusals(error: type, kernels, options: dict, text: str) -> None:
    with pytest.raises(error, match=text):
        filter_image(torch.rand(1, 1, 7, 7), kernels, **options)


def test_the_padding_that_a_refusal_names_works() -> None:
    wide = kernel("gaussian", sigma=3.0)
    assert filter_image(torch.rand(1, 1, 7, 7), wide, padding_mode="replicate").shape[-1] == 7


def test_images_that_are_none_are_refused() -> None:
    with pytest.raises(ShapeError, match="images have 4 channels; grey is made of 3"):
        grey(torch.rand(1, 4, 2, 2))
    for filtered in (grey, lambda i: filter_image(i, kernel("sobel-x")),
                     lambda i: Filter(name="", weights=kernel("sobel-x")).respond(i)):  # fmt: skip
        with pytest.raises(ShapeError, match=r"they must be floating point: images.float\(\)"):
            filtered(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
