"""Gaussian kernels and their derivatives, cut off where SciPy cuts them."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from striate._errors import KernelError

__all__ = ["LARGEST_RADIUS", "check_widths", "gaussian", "laplacian_of_gaussian"]

LARGEST_RADIUS = 511
"""Cells from the middle of a computed kernel to its edge: 1023 x 1023 weights are the most."""


def gaussian(
    sigma: int | float, *, order: tuple[int, int] = (0, 0), truncate: int | float = 4.0
) -> Float[Tensor, "h w"]:
    """Return a Gaussian or one of its derivatives, in float64, for cross-correlation.

    The Gaussian is sampled out to `floor(truncate * sigma + 1/2)` cells and divided by its sum
    along each axis; a derivative is that times its polynomial, which is what SciPy does.

    Args:
        sigma: Standard deviation in pixels.
        order: Derivative along the rows' axis (downwards) and the columns' (to the right): 0, 1, 2.
        truncate: Where it ends, in standard deviations.

    Raises:
        KernelError: `sigma` or `truncate` is not above 0, or the kernel would be too large.

    Source:
        `scipy.ndimage.gaussian_filter`, whose responses these have.

    >>> gaussian(0.5, truncate=2).round(decimals=3).tolist()
    [[0.011, 0.084, 0.011], [0.084, 0.619, 0.084], [0.011, 0.084, 0.011]]
    """
    down, across = (_taps(sigma, n, truncate) for n in order)
    return torch.outer(down, across)


def laplacian_of_gaussian(
    sigma: int | float, *, truncate: int | float = 4.0
) -> Float[Tensor, "h w"]:
    """Return the sum of the two second derivatives of a Gaussian; arguments as in `gaussian`.

    >>> laplacian_of_gaussian(1.0).shape
    torch.Size([9, 9])
    """
    return gaussian(sigma, order=(2, 0), truncate=truncate) + gaussian(
        sigma, order=(0, 2), truncate=truncate
    )


def check_widths(truncate: int | float, **widths: int | float) -> None:
    """Refuse standard deviations with which a kernel is nothing, no number, or too large.

    Raises:
        KernelError: A width is out of range; the text says the most that `truncate` allows.
    """
    if not (math.isfinite(truncate) and truncate > 0):
        raise KernelError(f"truncate is {truncate:g}; it must be above 0, in standard deviations")
    for name, width in widths.items():
        if not (math.isfinite(width) and width > 0):
            raise KernelError(f"{name} is {width:g}; it must be above 0, in pixels")
        if truncate * width > LARGEST_RADIUS:
            most = math.floor(10 * LARGEST_RADIUS / truncate) / 10
            raise KernelError(
                f"{name} is {width:g}, so the kernel would be {2 * truncate * width:.3g} pixels "
                f"wide; {name}={most:g} is the most with truncate={truncate:g}"
            )


def _taps(sigma: int | float, order: int, truncate: int | float) -> Float[Tensor, " n"]:
    if order not in (0, 1, 2):
        raise KernelError(f"order is {order}; a Gaussian has derivatives 0, 1 and 2 here")
    check_widths(truncate, sigma=sigma)
    radius = math.floor(truncate * sigma + 0.5)
    x = torch.arange(-radius, radius + 1, dtype=torch.float64)
    bell = torch.exp(-(x**2) / (2 * sigma**2))
    bell = bell / bell.sum()
    if order == 0:
        return bell
    if order == 1:
        return x / sigma**2 * bell  # the sign of correlation: positive on the side that brightens
    return (x**2 / sigma**4 - 1 / sigma**2) * bell
