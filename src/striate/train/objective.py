"""What training makes small: the loss of a network's outputs."""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.data import ImageSet
from striate.infer import blamed, scores_of, widened
from striate.train.recipe import Recipe

__all__ = ["Objective", "balanced_weights", "objective_for"]


class Objective:
    """The loss of a batch: the network's own, cross-entropy, or logistic loss with one unit.

    A network that defines `loss(outputs, labels)` is trained by it alone: label smoothing and class
    weights are then the network's affair. It is given outputs in float32.

    Args:
        network: Network whose outputs will come.
        classes: Number of classes.
        label_smoothing: Share of the target spread evenly over the classes.
        class_weights: One weight a class, or None for all alike.
    """

    def __init__(
        self,
        network: nn.Module,
        classes: int,
        *,
        label_smoothing: float = 0.0,
        class_weights: Float[Tensor, " k"] | None = None,
    ) -> None:
        own = getattr(network, "loss", None)
        self.own = own if callable(own) else None
        self.network = network
        self.classes = classes
        self.label_smoothing = label_smoothing
        self.class_weights = class_weights

    def __call__(self, outputs: Any, labels: Int64[Tensor, " n"]) -> Float[Tensor, ""]:
        """Return the mean loss of a batch, in float32.

        Raises:
            NetworkError: The outputs do not fit the classes, or the own loss is no single number.
        """
        if self.own is not None:
            with blamed("the network's loss(outputs, labels) failed"):
                return _single(self.own(widened(outputs), labels))
        return self.of_scores(scores_of(self.network, outputs, self.classes).float(), labels)

    def of_scores(
        self, scores: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]
    ) -> Float[Tensor, ""]:
        """Return the mean loss of scores that are already in hand."""
        if scores.shape[1] == 1:
            # The logit of class 1 is its score less that of class 0, which is taken as 0: so
            # cross-entropy is the logistic loss, weights and smoothing included.
            scores = F.pad(scores, (1, 0))
        return F.cross_entropy(
            scores, labels, weight=self.class_weights, label_smoothing=self.label_smoothing
        )

    def mixed(
        self, outputs: Any, labels: Int64[Tensor, " n"], partners: Int64[Tensor, " n"], share: float
    ) -> Float[Tensor, ""]:
        """Return the loss of images mixed by MixUp: `share` of `labels`, the rest of `partners`."""
        return share * self(outputs, labels) + (1 - share) * self(outputs, partners)


def objective_for(
    network: nn.Module, images: ImageSet, recipe: Recipe, device: torch.device
) -> Objective:
    """Return the objective of training `network` on `images` by `recipe`."""
    weights = None
    if recipe.class_weights == "balanced":
        weights = balanced_weights(images.counts("train")).to(device)
    return Objective(
        network,
        len(images.classes),
        label_smoothing=recipe.label_smoothing,
        class_weights=weights,
    )


def _single(loss: object) -> Tensor:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise NetworkError(f"the network's loss(outputs, labels) returns {shape}, not one number")
    return loss.reshape(()).float()


def balanced_weights(counts: tuple[int, ...]) -> Float[Tensor, " k"]:
    """Return a weight a class, inverse to its count, whose mean over the images is 1.

    >>> balanced_weights((30, 10)).tolist()
    [0.6666666865348816, 2.0]
    """
    count = torch.tensor(counts, dtype=torch.float64)
    return (count.sum() / (len(counts) * count.clamp(min=1))).float()
