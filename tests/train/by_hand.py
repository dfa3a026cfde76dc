"""The training loop as one writes it by hand, without a library."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.data import ImageSet
from striate.train import Fitted, fit
from striate.train.randomness import epoch_order, kept_random_state, seed_for
from tests.train.sample import GREY, image_set, recipe, weights

CONSTANT: dict[str, Any] = {"schedule": "constant", "momentum": 0.9}
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass
class ByHand:
    """What a plain loop ends with."""

    net: nn.Module
    losses: list[float] = field(default_factory=list)
    average: dict[str, Tensor] = field(default_factory=dict)


def channels_last(net: nn.Module) -> nn.Module:
    for weight in net.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return net


def optimizer_of(net: nn.Module, name: str, decay: float) -> torch.optim.Optimizer:
    trained = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=0.05, betas=(0.9, 0.99), fused=True)
    if name == "rmsprop":
        return torch.optim.RMSprop(groups, lr=0.05, alpha=0.9)
    return torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True, fused=True)


def shown(images: ImageSet, epochs: int) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """Yield epoch, step, images and labels of every batch of 8, seed 0, no augmentation."""
    train = images["train"]
    for epoch in range(1, epochs + 1):
        order = epoch_order(len(train), 0, epoch)
        for step in range(len(train) // 8):
            chosen = order[8 * step : 8 * step + 8]
            yield epoch, step, GREY.normalize(train.images[chosen]), train.labels[chosen]


def by_hand(
    net: nn.Module,
    *,
    epochs: int = 2,
    loss_of: Loss = F.cross_entropy,
    optimizer: str = "sgd",
    decay: float = 5e-4,
    clip: float = 0.0,
    mixup: float = 0.0,
    ema: float = 0.0,
) -> ByHand:
    """Train as one writes it without a library: constant rate .05, momentum .9."""
    rule = optimizer_of(channels_last(net).train(), optimizer, decay)
    end = ByHand(net, average=weights(net))
    with kept_random_state():
        for count, (epoch, step, x, y) in enumerate(shown(image_set(), epochs), 1):
            torch.manual_seed(seed_for(0, epoch, step, "network"))
            if mixup:
                draws = np.random.default_rng(seed_for(0, epoch, step, "mixup"))
                share, other = draws.beta(mixup, mixup), draws.permutation(8)
                out = net(x.mul(share).add(x[other], alpha=1 - share))
                loss = share * loss_of(out, y) + (1 - share) * loss_of(out, y[other])
            else:
                loss = loss_of(net(x), y)
            rule.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_([p for g in rule.param_groups for p in g["params"]], clip)
            rule.step()
            end.losses.append(loss.item())
            kept = min(ema, (1 + count) / (10 + count))
            for name, value in net.state_dict().items():
                moved = (
                    torch.lerp(end.average[name], value, 1 - kept) if name[2:5] != "num" else value
                )
                end.average[name] = moved.clone()
    return end


def trained(net: nn.Module, images: ImageSet | None = None, **changes: Any) -> Fitted:
    """Train without validation, so that the last weights are kept."""
    return fit(net, images or image_set(validation=0), recipe(**(CONSTANT | changes)))
