"""Optimisers with weight decay where it belongs."""

import torch

# PyTorch imports its compiler when the first optimiser is made, which takes 1.5 s: here it is an
# import like any other, and no part of the first run's training.
import torch._dynamo
from torch import nn

from striate._errors import NetworkError
from striate.train.recipe import Recipe

__all__ = ["build_optimizer", "decayed_and_plain", "set_rate"]

Parameters = list[nn.Parameter]


def decayed_and_plain(network: nn.Module) -> tuple[Parameters, Parameters]:
    """Return the trainable parameters with weight decay, and those without.

    Biases and the scales and shifts of norms, all of one axis or none, are not decayed.
    A parameter shared by two layers is listed once.
    """
    trainable = [p for p in network.parameters() if p.requires_grad]
    if not trainable:
        raise NetworkError("the network has no trainable parameters, so there is nothing to fit")
    return [p for p in trainable if p.ndim > 1], [p for p in trainable if p.ndim <= 1]


def build_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser; rate and momentum are set anew at each step."""
    decayed, plain = decayed_and_plain(network)
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay or 0.0},
        {"params": plain, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    rate = recipe.learning_rate or 1e-3
    fused = all(p.device.type in ("cpu", "cuda", "mps") for p in decayed + plain)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, betas=(recipe.momentum, 0.99), fused=fused)
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=rate, alpha=0.9, momentum=0.0)
    return torch.optim.SGD(
        groups, lr=rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=fused
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float, momentum: float) -> None:
    """Set rate and momentum (sgd) or the first beta (adamw) of every group.

    RMSprop is used without momentum, as its authors wrote it, and takes the rate only.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        elif "nesterov" in group:
            group["momentum"] = momentum
