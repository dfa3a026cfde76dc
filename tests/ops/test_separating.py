"""Kernels taken apart: their products sum to the kernel, and answers stay the same."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.ops.convolution import conv2d
from striate.ops.filtering import filter_image
from striate.ops.gabor_kernels import gabor
from striate.ops.kernels import kernel
from striate.ops.separating import separate

MODES = ("zeros", "reflect", "replicate", "circular")
WIDE = {
    "gaussian": (kernel("gaussian", sigma=3.0), 1),
    "gaussian-x": (kernel("gaussian-x", sigma=3.0), 1),
    "box": (kernel("box-blur", size=12), 1),
    "log": (kernel("laplacian-of-gaussian", sigma=3.0), 2),
    "gabor": (gabor(0.1, 0.5, 4, 4).real, 2),
    "gabor-straight": (gabor(0.1, 0, 4, 6).imag, 1),
}


@pytest.mark.parametrize("name", WIDE)
def test_ranks(name: str) -> None:
    weights, rank = WIDE[name]
    separated = separate(weights)
    assert separated is not None
    columns, rows = separated
    assert columns.shape == (rank, weights.shape[0], 1)
    assert rows.shape == (rank, 1, weights.shape[1])
    error = (columns * rows).sum(dim=0) - weights
    assert float(error.abs().max()) < 1e-6 * float(weights.abs().max())


def test_what_saves_nothing_stays() -> None:
    assert separate(torch.rand(15, 15)) is None
    assert separate(gabor(0.1, 0.5, 2, 6).real) is None  # a stripe that is not as wide as long
    assert separate(kernel("sobel-x")) is None  # 2 * (3 + 3) against 9
    assert separate(torch.zeros(9, 9)) is not None


def test_a_faint_part_is_kept() -> None:
    x = torch.linspace(-1, 1, 21)
    weights = torch.outer(x.cos(), x.cos()) + 1e-4 * torch.outer(x.sin(), x.sin())
    separated = separate(weights)
    assert separated is not None
    columns, rows = separated
    assert len(columns) == 2
    assert float(((columns * rows).sum(dim=0) - weights).abs().max()) < 1e-6


@given(height=st.integers(5, 20), width=st.integers(5, 20), rank=st.integers(1, 3))
def test_a_sum_of_products_is_found(height: int, width: int, rank: int) -> None:
    weights = torch.rand(height, rank, dtype=torch.float64) @ torch.rand(rank, width).double()
    separated = separate(weights)
    if 2 * rank * (height + width) >= height * width:
        assert separated is None or len(separated[0]) < rank
        return
    assert separated is not None
    columns, rows = separated
    assert len(columns) <= rank
    torch.testing.assert_close((columns * rows).sum(dim=0), weights, rtol=0, atol=1e-12)


@pytest.mark.parametrize("padding_mode", MODES)
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("name", WIDE)
def test_answers_are_those_of_one_convolution(name: str, flip: bool, padding_mode: str) -> None:
    weights = WIDE[name][0].double()
    images = torch.rand(2, 1, 40, 45, dtype=torch.float64)
    expected = conv2d(
        images, weights[None, None], padding="same", padding_mode=padding_mode, flip=flip
    )
    found = filter_image(images, weights.float(), padding_mode=padding_mode, flip=flip)
    torch.testing.assert_close(found[:, 0], expected, rtol=0, atol=1e-6)
