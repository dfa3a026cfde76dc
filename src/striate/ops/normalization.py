"""Local response normalisation: a channel against its neighbours."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.shape_checks import check_spatial

__all__ = ["local_response_norm"]


def local_response_norm(
    images: Float[Tensor, "n c *sizes"],
    *,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 2.0,
    mean: bool = False,
) -> Float[Tensor, "n c *sizes"]:
    """Return each activation divided by the strength of `size` channels around its own.

        y[c] = x[c] / (k + alpha * sum of x[j]^2 over the size channels j around c) ^ beta

    Channels that are not there count as 0. Three conventions are about, for the same formula:

    * the paper of 2012: size 5, k 2, alpha 1e-4, as it stands here (the defaults);
    * TensorFlow's: as it stands here, the size given as a radius r, size = 2 r + 1; the courses
      have r = 2, alpha 2e-5, k 1;
    * PyTorch's: alpha is divided by `size`; `mean=True` here. So `torch.nn.LocalResponseNorm(5,
      alpha=1e-4, k=1)` is the courses', and the paper's needs `alpha=5e-4, k=2` there.

    Args:
        images: Batch; floating point.
        size: Channels in the sum; of an even number, one more before than after.
        alpha: Weight of the sum.
        beta: Exponent.
        k: What the strength is where all is 0.
        mean: Take the mean of the squares over `size` in place of the sum.

    Raises:
        ShapeError: Another rank, whole or complex numbers, or a size below 1.

    Source:
        Krizhevsky et al., "ImageNet classification with deep convolutional neural networks",
        2012, section 3.3.

    >>> import torch
    >>> local_response_norm(torch.ones(1, 1, 1), size=1, alpha=6.0, beta=1 / 3, k=2.0).item()
    0.5
    """
    check_spatial(images)
    if size < 1:
        raise ShapeError(f"size is {size}; it must be at least 1")
    return F.local_response_norm(images, size, alpha if mean else alpha * size, beta, k)
