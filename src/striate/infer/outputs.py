"""What a network returns, as scores: one a class, or one alone when there are two classes."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.infer.blame import blamed

__all__ = ["class_count", "predictions", "scores_of", "widened"]


def scores_of(network: nn.Module, outputs: Any, classes: int) -> Float[Tensor, "n k"]:
    """Return the scores in a network's outputs, `k` being `classes`, or 1 for a binary network.

    A network's own `scores(outputs)` is asked first (auxiliary heads, distances for scores); what
    it is given is in float32.
    One output unit with two classes is binary: its score is the logit of class 1.

    Raises:
        NetworkError: The outputs are no tensor, or fit neither the classes nor the binary case.
    """
    own = getattr(network, "scores", None)
    if callable(own) and not isinstance(own, nn.Module):  # a layer may have that name too
        with blamed("the network's scores(outputs) failed"):
            outputs = own(widened(outputs))
    if not isinstance(outputs, Tensor):
        raise NetworkError(
            f"the network returns {type(outputs).__name__}, but must return a tensor of scores; "
            "a network with several outputs must define scores(outputs) and loss(outputs, labels)"
        )
    if outputs.ndim == 1 and classes == 2:
        outputs = outputs[:, None]
    fits = outputs.ndim == 2 and (
        outputs.shape[1] == classes or (outputs.shape[1] == 1 and classes == 2)
    )
    if not fits:
        wanted = f"(n, {classes})" + (" or (n, 1)" if classes == 2 else "")
        raise NetworkError(
            f"the network's outputs have shape {tuple(outputs.shape)}, "
            f"but {classes} classes need {wanted}"
        )
    return outputs


def widened(outputs: Any) -> Any:
    """Return `outputs` with tensors of half precision as float32, also in tuples, lists and dicts.

    >>> import torch
    >>> widened({"main": torch.zeros(1, dtype=torch.bfloat16), "used": 3})
    {'main': tensor([0.]), 'used': 3}
    """
    if isinstance(outputs, Tensor):
        half = outputs.is_floating_point() and outputs.element_size() == 2
        return outputs.float() if half else outputs
    if isinstance(outputs, dict):
        return {key: widened(value) for key, value in outputs.items()}
    if type(outputs) in (tuple, list):
        return type(outputs)(widened(value) for value in outputs)
    return outputs


def predictions(scores: Float[Tensor, "n k"]) -> Tensor:
    """Return the predicted label of each row; a binary network answers 1 where its score is > 0.

    >>> import torch
    >>> predictions(torch.tensor([[0.1, 2.0], [3.0, -1.0]])).tolist()
    [1, 0]
    >>> predictions(torch.tensor([[0.1], [-3.0]])).tolist()
    [1, 0]
    """
    if scores.shape[1] == 1:
        return (scores[:, 0] > 0).long()
    return scores.argmax(dim=1)


def class_count(scores: Float[Tensor, "n k"]) -> int:
    """Return how many classes rows of scores tell apart: their length, but 2 for a length of 1.

    >>> import torch
    >>> class_count(torch.zeros(4, 1))
    2
    """
    return 2 if scores.shape[1] == 1 else scores.shape[1]
