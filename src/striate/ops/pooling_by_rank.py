"""Pooling of images of a known rank: `max_pool`, `min_pool` and `avg_pool`, one to three axes."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from striate.ops.padding import Padding
from striate.ops.pooling import avg_pool, max_pool, min_pool
from striate.ops.shape_checks import check_tensor

__all__ = [
    "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "max_pool1d", "max_pool2d", "max_pool3d",
    "min_pool1d", "min_pool2d", "min_pool3d",
]  # fmt: skip

Numbers = int | Sequence[int]


def max_pool1d(
    images: Float[Tensor, "n c length"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> Float[Tensor, "n c places"]:
    """Return `max_pool` of sequences; another rank is a ShapeError.

    >>> import torch
    >>> max_pool1d(torch.ones(1, 2, 5), 2, padding="same").shape
    torch.Size([1, 2, 3])
    """
    check_tensor(images, 1)
    return max_pool(images, kernel_size, stride=stride, padding=padding, dilation=dilation)


def max_pool2d(
    images: Float[Tensor, "n c h w"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> Float[Tensor, "n c rows columns"]:
    """Return `max_pool` of images; another rank is a ShapeError.

    >>> import torch
    >>> max_pool2d(torch.ones(1, 2, 5, 5), 2, padding="same").shape
    torch.Size([1, 2, 3, 3])
    """
    check_tensor(images, 2)
    return max_pool(images, kernel_size, stride=stride, padding=padding, dilation=dilation)


def max_pool3d(
    images: Float[Tensor, "n c d h w"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> Float[Tensor, "n c slices rows columns"]:
    """Return `max_pool` of volumes; another rank is a ShapeError.

    >>> import torch
    >>> max_pool3d(torch.ones(1, 2, 5, 5, 5), 2, padding="same").shape
    torch.Size([1, 2, 3, 3, 3])
    """
    check_tensor(images, 3)
    return max_pool(images, kernel_size, stride=stride, padding=padding, dilation=dilation)


def min_pool1d(
    images: Float[Tensor, "n c length"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> Float[Tensor, "n c places"]:
    """Return `min_pool` of sequences; another rank is a ShapeError.

    >>> import torch
    >>> min_pool1d(torch.ones(1, 2, 5), 2, padding="same").shape
    torch.Size([1, 2, 3])
    """
    check_tensor(images, 1)
    return min_pool(images, kernel_size, stride=stride, padding=padding, dilation=dilation)


def min_pool2d(
    images: Float[Tensor, "n c h w"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> Float[Tensor, "n c rows columns"]:
    """Return `min_pool` of images; another rank is a ShapeError.

    >>> import torch
    >>> min_pool2d(torch.ones(1, 2, 5, 5), 2, padding="same").shape
    torch.Size([1, 2, 3, 3])
    """
    check_tensor(images, 2)
    return min_pool(images, kernel_size, stride=stride, padding=padding, dilation=dilation)


def min_pool3d(
    images: Float[Tensor, "n c d h w"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> Float[Tensor, "n c slices rows columns"]:
    """Return `min_pool` of volumes; another rank is a ShapeError.

    >>> import torch
    >>> min_pool3d(torch.ones(1, 2, 5, 5, 5), 2, padding="same").shape
    torch.Size([1, 2, 3, 3, 3])
    """
    check_tensor(images, 3)
    return min_pool(images, kernel_size, stride=stride, padding=padding, dilation=dilation)


def avg_pool1d(
    images: Float[Tensor, "n c length"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
) -> Float[Tensor, "n c places"]:
    """Return `avg_pool` of sequences; another rank is a ShapeError.

    >>> import torch
    >>> avg_pool1d(torch.ones(1, 2, 5), 2, padding="same").shape
    torch.Size([1, 2, 3])
    """
    check_tensor(images, 1)
    return avg_pool(
        images, kernel_size, stride=stride, padding=padding, count_include_pad=count_include_pad
    )


def avg_pool2d(
    images: Float[Tensor, "n c h w"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
) -> Float[Tensor, "n c rows columns"]:
    """Return `avg_pool` of images; another rank is a ShapeError.

    >>> import torch
    >>> avg_pool2d(torch.ones(1, 2, 5, 5), 2, padding="same").shape
    torch.Size([1, 2, 3, 3])
    """
    check_tensor(images, 2)
    return avg_pool(
        images, kernel_size, stride=stride, padding=padding, count_include_pad=count_include_pad
    )


def avg_pool3d(
    images: Float[Tensor, "n c d h w"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
) -> Float[Tensor, "n c slices rows columns"]:
    """Return `avg_pool` of volumes; another rank is a ShapeError.

    >>> import torch
    >>> avg_pool3d(torch.ones(1, 2, 5, 5, 5), 2, padding="same").shape
    torch.Size([1, 2, 3, 3, 3])
    """
    check_tensor(images, 3)
    return avg_pool(
        images, kernel_size, stride=stride, padding=padding, count_include_pad=count_include_pad
    )
