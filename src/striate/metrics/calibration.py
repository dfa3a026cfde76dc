"""Whether a network is as sure as it is right: expected calibration error, temperature.

Source:
    Guo et al., "On Calibration of Modern Neural Networks", arXiv:1706.04599.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from striate._errors import DataError, ShapeError
from striate.metrics.outputs import class_logits

__all__ = ["Calibration", "CalibrationBin", "calibration", "fit_temperature"]

_COLDEST, _HOTTEST = 0.05, 20.0


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """Images whose top probability is above `low` and at most `high`.

    `confidence` is the mean top probability, `accuracy` the share that is right; both are 0 where
    `count` is 0.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The expected calibration error and the bins of the reliability diagram."""

    ece: float
    bins: tuple[CalibrationBin, ...]


def calibration(
    probabilities: Float[Tensor, "n k"], labels: Int[Tensor, " n"], *, bins: int = 15
) -> Calibration:
    """Return the expected calibration error of the top probability, and its bins.

    The interval 0 to 1 is cut into bins of equal width, right edge included; 0 is in the first:

        ECE = sum over bins of count / n * |accuracy - confidence|

    Raises:
        DataError: No images, or values that are no probabilities.
        ShapeError: `bins` is below 1.

    Source:
        Guo et al. 2017, equation 3.

    >>> sure = torch.tensor([[0.9, 0.1], [0.3, 0.7]])
    >>> round(calibration(sure, torch.tensor([0, 0]), bins=2).ece, 6)  # right 1/2, sure 0.8
    0.3
    """
    if bins < 1:
        raise ShapeError(f"bins is {bins}; it must be 1 or more")
    if not len(labels):
        raise DataError("calibration of 0 images is not defined; give one image at least")
    top, predictions = probabilities.double().max(dim=1)
    if not bool(((top >= 0) & (top <= 1 + 1e-6)).all()):
        raise DataError("probabilities must lie in 0 to 1; scores become such by a softmax")
    right = (predictions == labels).double()
    edges = torch.arange(1, bins + 1, dtype=torch.float64, device=top.device) / bins
    place = torch.searchsorted(edges, top).clamp(max=bins - 1)  # the first edge not below
    count, confidence, hits = (
        torch.bincount(place, weights=weights, minlength=bins).tolist()
        for weights in (torch.ones_like(top), top, right)
    )
    found = tuple(
        CalibrationBin(
            low=i / bins,
            high=(i + 1) / bins,
            count=int(count[i]),
            confidence=confidence[i] / max(count[i], 1),
            accuracy=hits[i] / max(count[i], 1),
        )
        for i in range(bins)
    )
    ece = sum(b.count * abs(b.accuracy - b.confidence) for b in found) / len(labels)
    return Calibration(ece=ece, bins=found)


def fit_temperature(scores: Float[Tensor, "n k"], labels: Int[Tensor, " n"]) -> float:
    """Return the temperature T for which softmax(scores / T) fits the labels best.

    T minimises the mean negative log likelihood, which is convex in b = 1 / T: its slope

        mean of (sum over classes of probability * score) - score of the label

    grows with b, and is brought to zero by bisection on log b, in float64. T stays within
    0.05 to 20: scores that separate the classes without a mistake would ask for T = 0, and such
    as say nothing for T without end. One column is the logit of class 1 of two classes.

    Raises:
        DataError: No images, a label that is no class, or scores that are not finite.

    Source:
        Guo et al. 2017, equation 9.

    >>> scores = torch.tensor([[2.0, 0.0]] * 4)  # sigmoid(2 / T) = 3/4 at T = 2 / ln 3
    >>> round(fit_temperature(scores, torch.tensor([0, 0, 0, 1])), 6)
    1.820478
    """
    logits = class_logits(scores.detach(), max(2, scores.shape[1])).double()
    classes = logits.shape[1]
    if not len(labels):
        raise DataError("a temperature cannot be fit to 0 images; give one image at least")
    if not bool(logits.isfinite().all()):
        raise DataError("the scores hold infinities or NaNs; no temperature fits them")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise DataError(f"labels must be 0 to {classes - 1} for {classes} classes")
    target = logits.gather(1, labels.long()[:, None]).mean()
    low, high = -math.log(_HOTTEST), -math.log(_COLDEST)
    for _ in range(60):
        middle = (low + high) / 2
        expected = ((logits * math.exp(middle)).softmax(dim=1) * logits).sum(dim=1).mean()
        low, high = (low, middle) if expected > target else (middle, high)
    return math.exp(-(low + high) / 2)
