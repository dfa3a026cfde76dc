"""Pooling whose windows follow from the images: over all of them, or to a given size."""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.padding import per_axis
from striate.ops.shape_checks import check_spatial

__all__ = ["adaptive_avg_pool", "adaptive_max_pool", "global_avg_pool", "global_max_pool"]

_AVG = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


def global_avg_pool(images: Float[Tensor, "n c *sizes"]) -> Float[Tensor, "n c"]:
    """Return the mean of each channel of each image.

    Raises:
        ShapeError: Another rank, whole or complex numbers, or no pixels.

    Source:
        Lin et al., "Network in network", arXiv:1312.4400, section 3.2.

    >>> import torch
    >>> global_avg_pool(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])).tolist()
    [[3.0]]
    """
    _check_pixels(images)
    return images.mean(tuple(range(2, images.ndim)))


def global_max_pool(images: Float[Tensor, "n c *sizes"]) -> Float[Tensor, "n c"]:
    """Return the largest pixel of each channel of each image.

    The gradient goes in equal parts to all pixels that are the largest.

    Raises:
        ShapeError: Another rank, whole or complex numbers, or no pixels.

    >>> import torch
    >>> global_max_pool(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])).tolist()
    [[6.0]]
    """
    _check_pixels(images)
    return images.amax(tuple(range(2, images.ndim)))


def adaptive_avg_pool(
    images: Float[Tensor, "n c *sizes"], output_size: int | Sequence[int]
) -> Float[Tensor, "n c *places"]:
    """Return means of windows that give `output_size` whatever the images' size.

    Window i of m along an axis of n pixels goes from floor(i * n / m) to ceil((i + 1) * n / m);
    neighbours share pixels where m does not divide n.

    Args:
        images: Batch; floating point.
        output_size: Windows along each axis; one number for all axes, or one an axis.

    Raises:
        ShapeError: Another rank, whole or complex numbers, no pixels, or a size below 1.

    >>> import torch
    >>> adaptive_avg_pool(torch.tensor([[[1.0, 2.0, 6.0]]]), 2).tolist()
    [[[1.5, 4.0]]]
    """
    axes = _check_pixels(images)
    return _AVG[axes](images, per_axis(output_size, axes, "output_size"))


def adaptive_max_pool(
    images: Float[Tensor, "n c *sizes"], output_size: int | Sequence[int]
) -> Float[Tensor, "n c *places"]:
    """Return the largest pixels of the windows of `adaptive_avg_pool`.

    Raises:
        ShapeError: Another rank, whole or complex numbers, no pixels, or a size below 1.

    >>> import torch
    >>> adaptive_max_pool(torch.tensor([[[1.0, 2.0, 6.0]]]), 2).tolist()
    [[[2.0, 6.0]]]
    """
    axes = _check_pixels(images)
    return _MAX[axes](images, per_axis(output_size, axes, "output_size"))


def _check_pixels(images: Tensor) -> int:
    """Return how many axes stand behind the channels; refuse images without pixels."""
    axes = check_spatial(images)
    if 0 in images.shape[2:]:
        raise ShapeError(f"images: shape {tuple(images.shape)} has no pixels to pool")
    return axes
