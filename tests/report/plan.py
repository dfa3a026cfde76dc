"""Sizes of a sample run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True)
class Plan:
    """Sizes of a sample run."""

    classes: Sequence[str] = FASHION
    images: int = 600
    side: int = 12
    channels: int = 1
    epochs: int = 6
    steps_an_epoch: int = 20
    layers: int = 7
    times: int = 30
    bins: int = 41
    shown: int = 40
    mistakes: int = 12
    seed: int = 0
    skill: float = 3.0
    recipe: dict[str, Any] = field(default_factory=dict)
