"""k-max pooling: the k largest numbers of a sequence, in the order in which they stand."""

from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.shape_checks import check_spatial

__all__ = ["dynamic_k", "k_max_pool"]


def k_max_pool(images: Float[Tensor, "n c *rows length"], k: int) -> Float[Tensor, "n c *rows {k}"]:
    """Return the `k` largest numbers along the last axis, in the order in which they stand.

    Of equal numbers the first ones are taken.

    Args:
        images: Batch of sequences, or of images whose rows are pooled one by one.
        k: How many are kept; at most the length of the last axis.

    Raises:
        ShapeError: Another rank, whole or complex numbers, or `k` out of range.

    Source:
        Kalchbrenner et al., "A convolutional neural network for modelling sentences",
        arXiv:1404.2188, section 3.2.

    >>> import torch
    >>> k_max_pool(torch.tensor([[[5.0, 1.0, 9.0, 7.0]]]), 2).tolist()
    [[[9.0, 7.0]]]
    """
    check_spatial(images)
    if not 1 <= k <= images.shape[-1]:
        raise ShapeError(
            f"k is {k}; it must be at least 1 and at most the length of the last axis, "
            f"{images.shape[-1]}"
        )
    # A stable sort, since `topk` leaves open which of equal numbers it takes.
    order = images.argsort(dim=-1, descending=True, stable=True)[..., :k]
    return images.gather(-1, order.sort(dim=-1).values)


def dynamic_k(length: int, layer: int, layers: int, *, top: int) -> int:
    """Return k for one of several stacked convolutions: fewer, the deeper it is.

        k = max(top, ceil((layers - layer) / layers * length))

    Args:
        length: Length of the sentence, the input of the first layer.
        layer: Which layer is pooled, from 1.
        layers: How many convolutional layers there are.
        top: k of the last layer.

    Raises:
        ShapeError: A number out of range.

    Source:
        Kalchbrenner et al., arXiv:1404.2188, equation 1 and the example below it.

    >>> [dynamic_k(18, layer, 3, top=3) for layer in (1, 2, 3)]
    [12, 6, 3]
    """
    if min(length, top) < 1 or not 1 <= layer <= layers:
        raise ShapeError(
            f"length {length}, layer {layer} of {layers}, top {top}: they must be at least 1, and "
            "the layer one of the layers"
        )
    return max(top, -(-(layers - layer) * length // layers))
