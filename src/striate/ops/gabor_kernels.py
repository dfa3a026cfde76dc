"""Gabor kernels: a wave under a Gaussian, which answers to stripes of one width and direction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Complex
from torch import Tensor

from striate._errors import KernelError
from striate.ops.gaussian import check_widths

__all__ = ["GaborKernel", "gabor", "gabor_bank"]

_BANDWIDTH = 1.0  # octaves


@dataclass(frozen=True, kw_only=True, eq=False)
class GaborKernel:
    """A kernel of a bank and how it was made; fields as in `gabor`."""

    frequency: float
    theta: float
    sigma_x: float
    sigma_y: float
    offset: float
    weights: Complex[Tensor, "h w"]


def gabor(
    frequency: int | float,
    theta: int | float = 0.0,
    sigma_x: int | float | None = None,
    sigma_y: int | float | None = None,
    offset: int | float = 0.0,
    *,
    truncate: int | float = 3.0,
    dtype: torch.dtype = torch.complex64,
) -> Complex[Tensor, "h w"]:
    """Return a Gabor kernel, real (cosine) and imaginary (sine) part in one complex tensor.

    With u = x cos theta + y sin theta and v = y cos theta - x sin theta, y downwards:

        g = exp(-(u^2 / sigma_x^2 + v^2 / sigma_y^2) / 2 + i (2 pi frequency u + offset))
            / (2 pi sigma_x sigma_y)

    Layers correlate; turned round, the imaginary part changes its sign (at offset 0) and the
    magnitude of the response does not change.

    Args:
        frequency: Waves a pixel; 0.1 answers to stripes that repeat every 10 pixels.
        theta: Direction in which the wave runs, in radians, from the right clockwise (downwards).
        sigma_x: Standard deviation along the wave, in pixels; None gives a bandwidth of one octave,
            sigma = 0.562 / frequency.
        sigma_y: The same across the wave.
        offset: Phase of the wave in the middle, in radians.
        truncate: Where it ends, in standard deviations.
        dtype: complex64 or complex128; computed in complex128.

    Raises:
        KernelError: A number is none, or out of range.

    Source:
        Daugman, "Uncertainty relation for resolution in space, spatial frequency, and orientation
        optimized by two-dimensional visual cortical filters", JOSA A 2(7), 1985. Equal in values
        and size to `skimage.filters.gabor_kernel`.

    >>> g = gabor(0.25, sigma_x=1, sigma_y=1)
    >>> g.shape, round(g.real[3, 3].item(), 3), round(g.imag[3, 4].item(), 3)
    (torch.Size([7, 7]), 0.159, 0.097)
    """
    for name, number in {"frequency": frequency, "theta": theta, "offset": offset}.items():
        if not math.isfinite(number) or (name == "frequency" and number <= 0):
            must = "above 0, in waves a pixel" if name == "frequency" else "a number of radians"
            raise KernelError(f"{name} is {number:g}; it must be {must}")
    along, across = (_one_octave(frequency) if s is None else s for s in (sigma_x, sigma_y))
    check_widths(truncate, sigma_x=along, sigma_y=across)
    cos, sin = math.cos(theta), math.sin(theta)
    width, height = truncate * along, truncate * across
    columns = math.ceil(max(abs(width * cos), abs(height * sin), 1))
    rows = math.ceil(max(abs(height * cos), abs(width * sin), 1))
    y = torch.arange(-rows, rows + 1, dtype=torch.float64)[:, None]
    x = torch.arange(-columns, columns + 1, dtype=torch.float64)
    u, v = x * cos + y * sin, y * cos - x * sin
    bell = torch.exp(-(u**2 / along**2 + v**2 / across**2) / 2) / (2 * math.pi * along * across)
    return torch.polar(bell, 2 * math.pi * frequency * u + offset).to(dtype)


def gabor_bank(
    frequencies: Sequence[int | float] = (0.1, 0.4),
    thetas: Sequence[int | float] = (0.0, math.pi / 4),
    sigmas: Sequence[int | float] = (1.0, 3.0),
    *,
    offset: int | float = 0.0,
    dtype: torch.dtype = torch.complex64,
) -> tuple[GaborKernel, ...]:
    """Return a Gabor kernel for every direction, width and frequency, in this order of loops.

    Args:
        frequencies: Waves a pixel.
        thetas: Directions in radians.
        sigmas: Standard deviations in pixels, the same along and across the wave.
        offset: Phase of all, in radians.
        dtype: As in `gabor`.

    Raises:
        KernelError: There is nothing to choose from, or a number is out of range.

    >>> [(g.frequency, g.sigma_x, tuple(g.weights.shape)) for g in gabor_bank(thetas=[0])]
    [(0.1, 1.0, (7, 7)), (0.4, 1.0, (7, 7)), (0.1, 3.0, (19, 19)), (0.4, 3.0, (19, 19))]
    """
    lists = {"frequencies": frequencies, "thetas": thetas, "sigmas": sigmas}
    for name, values in lists.items():
        if not len(values):
            raise KernelError(f"{name} is empty; a bank needs one or more of each")
    return tuple(
        GaborKernel(
            frequency=float(frequency),
            theta=float(theta),
            sigma_x=float(sigma),
            sigma_y=float(sigma),
            offset=float(offset),
            weights=gabor(frequency, theta, sigma, sigma, offset, dtype=dtype),
        )
        for theta in thetas
        for sigma in sigmas
        for frequency in frequencies
    )


def _one_octave(frequency: int | float) -> float:
    """Return the deviation of a wave that answers at least half as strongly over one octave."""
    ratio = 2.0**_BANDWIDTH
    return math.sqrt(math.log(2) / 2) / math.pi * (ratio + 1) / (ratio - 1) / frequency
