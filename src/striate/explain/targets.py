"""What a map explains: the score of a class, or any number of the caller's."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn

from striate._errors import NetworkError

__all__ = ["Target", "target_scores"]

Target = str | int | Int[Tensor, " targets"] | Callable[[Any], Tensor]


def target_scores(
    network: nn.Module, outputs: Any, target: Target
) -> tuple[Float[Tensor, " n"], Int64[Tensor, " n"] | None]:
    """Return the number of each image that is explained, in the graph, and its class if it has one.

    A network's own `scores(outputs)` is asked first. One output unit means two classes: its score
    z speaks for class 1, -z for class 0, and class 1 is predicted where z > 0.

    Args:
        network: Network that gave `outputs`.
        outputs: What its forward returned.
        target: "predicted", a class, a class for each image, or a function of the scores (or
            of the outputs, if the network has no `scores`) that returns one number an image.

    Raises:
        NetworkError: The target is no class, or the outputs are no scores.
    """
    own = getattr(network, "scores", None)
    scores = own(outputs) if callable(own) else outputs
    if callable(target):
        return _one_each(target(scores)), None
    if not isinstance(scores, Tensor) or scores.ndim not in (1, 2):
        shape = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise NetworkError(
            f"the network returns {shape} in place of scores (n, classes); "
            "give it a method scores(outputs), or a function as target"
        )
    scores = scores[:, None] if scores.ndim == 1 else scores
    if scores.shape[1] == 1:
        scores = torch.cat([-scores, scores], dim=1)
    classes = _classes(scores, target)
    return scores.gather(1, classes[:, None])[:, 0], classes


def _one_each(values: Any) -> Tensor:
    if not isinstance(values, Tensor) or values.ndim != 1:
        shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise NetworkError(f"the target function returns {shape}; it must return (n,) numbers")
    return values


def _classes(scores: Tensor, target: str | int | Tensor) -> Int64[Tensor, " n"]:
    count, known = scores.shape
    if isinstance(target, str):
        if target != "predicted":
            raise NetworkError(f'target is {target!r}; it must be "predicted" or a class number')
        return scores.detach().argmax(dim=1)
    if isinstance(target, int):
        target = torch.full((count,), target)
    if target.shape != (count,):
        raise NetworkError(f"target has shape {tuple(target.shape)} for {count} images")
    wrong = target[(target < 0) | (target >= known)]
    if len(wrong):
        raise NetworkError(
            f"target {int(wrong[0])} is no class; the network has classes 0 to {known - 1}"
        )
    return target.to(scores.device, torch.int64)
