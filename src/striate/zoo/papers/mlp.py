"""A multilayer perceptron: every pixel to every hidden unit. The courses' net without convolution.

Source: the fastai courses' threes against sevens, 784-30-1.

    name   units        parameters   multiply-adds at 28 x 28
    mlp    784-30-1         23,581                     23,550

Two classes have one output unit. Differs from it: the score leaves the network before the sigmoid.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from striate.layers.initialisation import initialise_he
from striate.zoo.registry import register

__all__ = ["MLP", "Config", "mlp"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that tells one perceptron from another."""

    hidden: int = 30
    in_channels: int = 1
    classes: int = 2
    size: tuple[int, int] = (28, 28)


class MLP(nn.Module):
    """One hidden layer, one of scores."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        units = 1 if config.classes == 2 else config.classes
        pixels = config.in_channels * config.size[0] * config.size[1]
        self.stages = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(), hidden=nn.Linear(pixels, config.hidden), act=nn.ReLU()
            )
        )
        self.head = nn.Sequential(OrderedDict(scores=nn.Linear(config.hidden, units)))
        initialise_he(self)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n units"]:
        """Return one score a class, or one in all if there are two classes."""
        return self.head(self.stages(images))


@register(
    parameters=23_581,
    multiply_adds=23_550,
    side=28,
    in_channels=1,
    classes=2,
    sized=True,
    one_unit=True,
)
def mlp(**changes: Any) -> MLP:
    """Return the perceptron 784-30-1; `changes` are fields of `Config`."""
    return MLP(replace(Config(), **changes))
