"""Kernels taken apart into columns times rows, which are far fewer multiplications."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["separate"]


def separate(
    kernel: Float[Tensor, "kh kw"],
) -> tuple[Float[Tensor, "rank kh 1"], Float[Tensor, "rank 1 kw"]] | None:
    """Return columns and rows whose products sum to the kernel, or None if that saves nothing.

        kernel[a, b] = sum over r of columns[r, a] * rows[r, b]

    A column and then a row cost kh + kw multiply-adds a pixel in place of kh * kw. A Gaussian or a
    box has rank 1; a Laplacian of Gaussian, and a part of a Gabor kernel that is as wide as it is
    long, have rank 2.

    Args:
        kernel: Weights; real.

    Returns:
        Columns and rows in float64, equal to the kernel but for rounding of its own precision;
        None unless they take less than half of the multiply-adds.

    Source:
        Eckart and Young, "The approximation of one matrix by another of lower rank", 1936.

    >>> columns, rows = separate(torch.ones(5, 5))
    >>> columns.shape, rows.shape, (columns * rows).sum(dim=0).round(decimals=4).unique().tolist()
    (torch.Size([1, 5, 1]), torch.Size([1, 1, 5]), [1.0])
    >>> separate(torch.eye(5)) is None
    True
    """
    height, width = kernel.shape
    left, sizes, right = torch.linalg.svd(kernel.double(), full_matrices=False)
    # What float32 weights are rounded by has singular values up to about this (numpy's rule).
    noise = torch.finfo(kernel.dtype).eps * max(height, width) * sizes[0]
    rank = max(int((sizes > noise).sum()), 1)
    if 2 * rank * (height + width) >= height * width:
        return None
    scale = sizes[:rank].sqrt()
    columns, rows = left[:, :rank] * scale, right[:rank] * scale[:, None]
    return columns.T[:, :, None], rows[:, None]
