"""Loss and accuracy on images that training does not read."""

from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.data import Preprocessing
from striate.infer import predictions, run_batches, scores_of
from striate.train.objective import Objective

__all__ = ["Validation", "validate"]


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Mean loss (the objective of training) and share of images that are right."""

    loss: float
    accuracy: float


def validate(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    preprocessing: Preprocessing,
    objective: Objective,
    *,
    precision: str = "float32",
) -> Validation:
    """Return loss and accuracy of `network` in evaluation mode; it is left as it was.

    The loss is weighted by the images of each batch, so that the size of batches does not matter
    (class weights apart, whose mean is the batch's own).
    """
    loss, right = 0.0, 0
    with closing(run_batches(network, images, preprocessing, precision=precision)) as batches:
        for place, outputs in batches:
            with torch.no_grad():
                wanted = labels[place].to(device_of(network))
                scores = scores_of(network, outputs, objective.classes).float()
                loss += objective(outputs, wanted).item() * len(wanted)
                right += int((predictions(scores) == wanted).sum())
    return Validation(loss=loss / len(labels), accuracy=right / len(labels))


def device_of(network: nn.Module) -> torch.device:
    """Return the device of the network's weights; the CPU if it has none."""
    return next((p.device for p in network.parameters()), torch.device("cpu"))
