"""Grad-CAM: where in the image a class score comes from."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.anatomy import capture, preserved
from striate.explain.layers import feature_layer
from striate.explain.maps import Map, versions
from striate.explain.targets import Target, target_scores

__all__ = ["grad_cam"]


def grad_cam(
    network: nn.Module,
    images: Float[Tensor, "n c h w"],
    target: Target = "predicted",
    *,
    layer: str | nn.Module | None = None,
) -> Map:
    """Return the Grad-CAM map of each image, at the resolution of `layer`.

    The map is the channels of the layer, each weighted by the mean gradient of the score over
    it, summed, with the negative part cut off:

        map = relu(sum over k of mean(d score / d A_k) * A_k)

    It is not normalised: a map that is zero everywhere stays zero. The network runs in evaluation
    mode and comes back as it was; its weights need not ask for gradients. Nothing in front of the
    layer keeps memory for a backward pass.

    Args:
        network: Network that takes `images`.
        images: Batch, already normalised as the network expects.
        target: "predicted", a class, a class for each image, or a function of the scores (the
            outputs, where the network has no `scores` of its own) to one number an image. A
            network with one output unit has two classes: its score speaks for class 1, the
            negative of it for class 0.
        layer: Module of `network`, its name, or a functional call's as `anatomy.calls` gives it;
            if it is called several times, its last map counts. None is `feature_layer`.

    Returns:
        Maps on the device of `images`, at least 0, in units of the score.

    Raises:
        NetworkError: The layer is not there or puts out no map, the score does not depend on
            it, or the target is no class.

    Source:
        Selvaraju et al., "Grad-CAM", arXiv:1610.02391, equations 1 and 2.
    """
    with torch.inference_mode(False), preserved(network):
        images = images.detach().clone()  # a layer in place would write to the caller's
        chosen = feature_layer(network, images) if layer is None else layer
        found = _look(network, images, target, chosen, graph_before=False)
        if found.gradient is None:  # a network may switch gradients off behind the layer, itself
            found = _look(network, images, target, chosen, graph_before=True)
    if found.gradient is None:
        raise NetworkError(
            f"the score does not depend on layer {found.layer!r}, or not by way of a gradient; "
            "name another layer"
        )
    activation, gradient = found.activation, found.gradient
    exact = torch.promote_types(activation.dtype, torch.float32)
    activation, gradient = activation.to(exact), gradient.to(exact)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return Map(
        method="grad_cam",
        values=(weights * activation).sum(dim=1).relu(),
        layer=found.layer,
        targets=found.classes,
        scores=found.score.to(exact),
        versions=versions(),
    )


class _Look(NamedTuple):
    """What one forward and backward pass show, out of the graph."""

    layer: str
    activation: Tensor
    gradient: Tensor | None
    score: Tensor
    classes: Tensor | None


def _look(
    network: nn.Module,
    images: Tensor,
    target: Target,
    layer: str | nn.Module,
    *,
    graph_before: bool,
) -> _Look:
    """Run the network; `graph_before` says whether the graph begins before the layer or at it."""
    with torch.set_grad_enabled(graph_before), capture(network, layer, gradients=True) as seen:
        score, classes = target_scores(network, network(images), target)
        name, activation = seen.order[-1], _last_map(seen[layer], seen.order[-1])
        gradient = None
        if score.requires_grad:
            (gradient,) = torch.autograd.grad(score.sum(), [activation], allow_unused=True)
    return _Look(name, activation.detach(), gradient, score.detach(), classes)


def _last_map(outputs: list[object], name: str) -> Tensor:
    """Return the last output that is a map of several pixels, or else the last map."""
    maps = [o for o in outputs if isinstance(o, Tensor) and o.ndim == 4 and o.requires_grad]
    if not maps:
        shapes = [tuple(o.shape) if isinstance(o, Tensor) else type(o).__name__ for o in outputs]
        raise NetworkError(
            f"layer {name!r} puts out {shapes[-1]}; a map needs (n, channels, height, width)"
        )
    wide = [m for m in maps if m.shape[2] * m.shape[3] > 1]
    return (wide or maps)[-1]
