"""From a network's scores to probabilities of classes, also for a single output unit."""

import torch
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError

__all__ = ["class_logits", "probabilities"]


def probabilities(scores: Float[Tensor, "n k"], classes: int) -> Float[Tensor, "n classes"]:
    """Return the probability of each class: softmax, or of one unit and two classes the sigmoid.

    A single score z is the logit of class 1, so that the row is sigmoid(-z), sigmoid(z).

    Raises:
        ShapeError: The scores fit neither `classes` nor the binary case.

    >>> probabilities(torch.tensor([[0.0]]), 2)
    tensor([[0.5000, 0.5000]])
    """
    return class_logits(scores, classes).softmax(dim=1)


def class_logits(scores: Float[Tensor, "n k"], classes: int) -> Float[Tensor, "n classes"]:
    """Return one logit a class: the scores, or (0, z) for a single unit and two classes.

    Raises:
        ShapeError: The scores fit neither `classes` nor the binary case.
    """
    width = scores.shape[1]
    if width == 1 and classes == 2:
        return torch.cat([torch.zeros_like(scores), scores], dim=1)
    if width != classes or classes < 2:
        raise ShapeError(
            f"scores have {width} columns, but there are {classes} classes; "
            "there must be a column a class, or one column for two classes"
        )
    return scores
