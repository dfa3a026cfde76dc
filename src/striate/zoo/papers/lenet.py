"""LeNet-5 as it is usually written: two convolutions, two poolings, three dense layers.

Paper: LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 1998.

    name     layers                                    parameters   multiply-adds at 28 x 28
    lenet5   6 (5 x 5), 16 (5 x 5), 120, 84, classes       61,706                    416,520

Differs from it: C3 reads all six maps, not those of a table; the poolings are plain averages, with
no trained scale, shift and squashing; tanh is not scaled; the last layer is linear, without
Euclidean distances to bitmaps. Kept: tanh, the mean pooling, and the 32 x 32 image: a side under
32 pixels is padded by 2 at both ends, so that a digit of 28 x 28 is read as one of 32 x 32.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from striate.layers.initialisation import initialise_glorot
from striate.ops.arithmetic import Window, chain_output_size
from striate.zoo.registry import register

__all__ = ["Config", "LeNet5", "lenet5"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """What may vary."""

    in_channels: int = 1
    classes: int = 10
    size: tuple[int, int] = (28, 28)


class LeNet5(nn.Module):
    """Two stages of a convolution, tanh and mean pooling, and a dense head."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        height, width = (2 if side < 32 else 0 for side in config.size)
        self.stages = nn.Sequential(
            _stage(config.in_channels, 6, padding=(height, width)), _stage(6, 16, padding=(0, 0))
        )
        rest = (Window(2, stride=2), Window(5), Window(2, stride=2))
        rows = chain_output_size(config.size[0], (Window(5, padding=height), *rest))
        columns = chain_output_size(config.size[1], (Window(5, padding=width), *rest))
        self.head = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                c5=nn.Linear(16 * rows * columns, 120),
                act5=nn.Tanh(),
                f6=nn.Linear(120, 84),
                act6=nn.Tanh(),
                scores=nn.Linear(84, config.classes),
            )
        )
        initialise_glorot(self)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Return one score a class; no softmax."""
        return self.head(self.stages(images))


def _stage(in_channels: int, out_channels: int, *, padding: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(in_channels, out_channels, 5, padding=padding),
            act=nn.Tanh(),
            pool=nn.AvgPool2d(2),
        )
    )


@register(
    parameters=61_706,
    multiply_adds=416_520,
    side=28,
    in_channels=1,
    classes=10,
    least=12,
    sized=True,
)
def lenet5(**changes: Any) -> LeNet5:
    """Return LeNet-5; `changes` are fields of `Config`."""
    return LeNet5(replace(Config(), **changes))
