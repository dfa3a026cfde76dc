"""Gabor kernels: scikit-image's in values and size, by hand, as laws, and their errors."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.filters import gabor_kernel as skimage_gabor_kernel

from striate._errors import KernelError
from striate.ops.gabor_kernels import gabor, gabor_bank

gabor_kernel: Any = skimage_gabor_kernel  # its stubs say that theta is whole
FACTS = json.loads((Path(__file__).parents[1] / "facts" / "kernels.json").read_text())

frequencies, angles, widths = st.floats(0.05, 0.6), st.floats(-7, 7), st.floats(0.4, 5)


@given(frequency=frequencies, theta=angles, sigma_x=widths, sigma_y=widths, offset=angles,
       truncate=st.floats(0.5, 4))  # fmt: skip
def test_values_and_size_are_scikit_images(frequency, theta, sigma_x, sigma_y, offset, truncate):
    expected = gabor_kernel(
        frequency, theta, sigma_x=sigma_x, sigma_y=sigma_y, offset=offset, n_stds=truncate
    )
    found = gabor(
        frequency, theta, sigma_x, sigma_y, offset, truncate=truncate, dtype=torch.complex128
    )
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-14)


@given(frequency=frequencies, theta=angles)
def test_the_width_left_out_is_scikit_images(frequency: float, theta: float) -> None:
    expected = gabor_kernel(frequency, theta)
    found = gabor(frequency, theta, dtype=torch.complex128)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-14)


def test_by_hand() -> None:
    # Middle: 1 / (2 pi 1 2) = 0.0796. One to the right, a quarter wave on: cos 0, sin 1, and the
    # bell exp(-1/2). One below: the wave stands, the bell exp(-1/8).
    g = gabor(0.25, sigma_x=1, sigma_y=2, dtype=torch.complex128)
    middle = 1 / (4 * math.pi)
    assert g.shape == (13, 7)
    assert complex(g[6, 3]) == pytest.approx(middle)
    assert complex(g[6, 4]) == pytest.approx(1j * middle * math.exp(-1 / 2))
    assert complex(g[7, 3]) == pytest.approx(middle * math.exp(-1 / 8))


def test_the_bank_of_the_courses() -> None:
    asked = FACTS["gabor_bank"]
    thetas = [math.pi / 4 if theta == "pi/4" else theta for theta in asked["theta"]]
    bank = gabor_bank(asked["frequency"], thetas, asked["sigma"])
    assert len(bank) == 8
    found = {(g.frequency, g.theta, g.sigma_x, g.sigma_y, g.offset) for g in bank}
    assert found == {
        (frequency, theta, sigma, sigma, 0.0)
        for frequency in asked["frequency"] for theta in thetas for sigma in asked["sigma"]
    }  # fmt: skip
    for ours, default in zip(bank, gabor_bank(), strict=True):
        alone = gabor(ours.frequency, ours.theta, ours.sigma_x, ours.sigma_y)
        assert torch.equal(ours.weights, alone)
        assert torch.equal(ours.weights, default.weights)


@given(frequency=frequencies, theta=angles, sigma=widths)
def test_half_a_turn_conjugates(frequency: float, theta: float, sigma: float) -> None:
    there = gabor(frequency, theta, sigma, sigma, dtype=torch.complex128)
    back = gabor(frequency, theta + math.pi, sigma, sigma, dtype=torch.complex128)
    torch.testing.assert_close(back, there.conj().resolve_conj(), rtol=0, atol=1e-12)
    torch.testing.assert_close(back, there.flip(0, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"frequency": 0}, "frequency is 0; it must be above 0, in waves a pixel"),
        ({"frequency": -0.1}, r"frequency is -0\.1; it must be above 0"),
        ({"frequency": math.nan}, "frequency is nan"),
        ({"frequency": 0.1, "theta": math.inf}, "theta is inf; it must be a number of radians"),
        ({"frequency": 0.1, "sigma_x": 0}, "sigma_x is 0; it must be above 0, in pixels"),
        ({"frequency": 0.1, "sigma_y": 300}, "sigma_y=170.3 is the most with truncate=3"),
        ({"frequency": 1e-4}, "sigma_x=170.3 is the most with truncate=3"),
        ({"frequency": 0.1, "truncate": 0}, "truncate is 0; it must be above 0"),
    ],
)
def test_refusals(arguments: dict, text: str) -> None:
    with pytest.raises(KernelError, match=text):
        gabor(**arguments)


def test_the_most_that_a_refusal_names_works() -> None:
    assert gabor(0.1, sigma_x=170.3, sigma_y=1).shape == (7, 1023)


def test_a_bank_of_nothing_is_refused() -> None:
    with pytest.raises(KernelError, match="sigmas is empty; a bank needs one or more of each"):
        gabor_bank(sigmas=[])
