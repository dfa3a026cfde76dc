"""Right and wrong answers, counted: accuracy, confusion matrix, scores a class."""

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int, Int64
from torch import Tensor

from striate._errors import DataError

__all__ = ["ClassScores", "accuracy", "class_scores", "confusion"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassScores:
    """Scores of each class; where a denominator is 0, the score is 0.

    Attributes:
        precision: Of the images said to be of the class, the share that is.
        recall: Of the images of the class, the share that was found.
        f1: Harmonic mean of the two.
        support: Images of the class.
    """

    precision: Float64[Tensor, " k"]
    recall: Float64[Tensor, " k"]
    f1: Float64[Tensor, " k"]
    support: Int64[Tensor, " k"]


def accuracy(labels: Int[Tensor, " n"], predictions: Int[Tensor, " n"]) -> float:
    """Return the share of predictions that are right, a fraction.

    Raises:
        DataError: There are no images.

    >>> accuracy(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2]))
    0.75
    """
    if not len(labels):
        raise DataError("accuracy of 0 images is not defined; give one image at least")
    return int((labels == predictions).sum()) / len(labels)


def confusion(
    labels: Int[Tensor, " n"], predictions: Int[Tensor, " n"], classes: int
) -> Int64[Tensor, "classes classes"]:
    """Return how many images of each class (row) were said to be of each class (column).

    Raises:
        DataError: A label or a prediction is no class.

    >>> confusion(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    for name, values in (("label", labels), ("prediction", predictions)):
        wrong = values[(values < 0) | (values >= classes)]
        if len(wrong):
            raise DataError(
                f"a {name} is {int(wrong[0])}, but the {classes} classes are 0 to {classes - 1}"
            )
    places = labels.long() * classes + predictions.long()
    return torch.bincount(places, minlength=classes * classes).reshape(classes, classes)


def class_scores(confusion: Int[Tensor, "k k"]) -> ClassScores:
    """Return precision, recall, F1 and support of each class of a confusion matrix.

    >>> class_scores(torch.tensor([[3, 1], [0, 4]])).precision.tolist()
    [1.0, 0.8]
    """
    right, said, there = confusion.diagonal(), confusion.sum(dim=0), confusion.sum(dim=1)
    return ClassScores(
        precision=_share(right, said),
        recall=_share(right, there),
        f1=_share(2 * right, said + there),  # 2 p r / (p + r), with the fractions cleared
        support=there.long(),
    )


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """Return part / whole in float64, and 0 where whole, and so part, is 0."""
    return part.double() / whole.clamp(min=1).double()
