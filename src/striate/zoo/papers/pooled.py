"""Convolutions, each with a 2 x 2 max pooling behind it, then two dense layers: the courses' nets.

Sources: mnist_convnet and cats_and_dogs, Chollet, "Deep learning with Python", chapter 5;
large_net, the University of Toronto's APS360 course (cats against dogs at 32 x 32).

    name            channels (kernel)        dense      parameters   multiply-adds at
    mnist_convnet   32, 64, 64 (3)           64, 10         93,322     2,794,240   28 x 28
    large_net       5, 10 (5)                32, 1           9,705       427,032   32 x 32
    cats_and_dogs   32, 64, 128, 128 (3)     512, 1      3,453,121   236,095,488   150 x 150

No convolution is padded. mnist_convnet has no pooling behind its last one; without any (pools=0)
it ends in 22 x 22 x 64. Two classes have one output unit, except in mnist_convnet.
Differs from them: scores leave the network before the softmax or sigmoid, which the loss holds.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from striate.layers.conv_block import ConvBlock
from striate.layers.initialisation import initialise_he
from striate.ops.arithmetic import Window, chain_output_size
from striate.zoo.registry import register

__all__ = ["Config", "Pooled", "cats_and_dogs", "large_net", "mnist_convnet"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that tells one of these nets from another; the first `pools` stages pool."""

    widths: tuple[int, ...]
    pools: int
    hidden: int
    kernel_size: int = 3
    in_channels: int = 3
    classes: int = 2
    size: tuple[int, int] = (28, 28)
    one_unit: bool = True
    norm: str = "none"
    order: str = "norm-act"
    dropout: float = 0.0


class Pooled(nn.Module):
    """Stages of a convolution and a pooling, then a head of two dense layers."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        conv, pool = Window(config.kernel_size), Window(2, stride=2)
        windows: list[Window] = []
        self.stages = nn.Sequential()
        width = config.in_channels
        for index, out in enumerate(config.widths):
            block = ConvBlock(
                width, out, conv.kernel_size, padding=0, norm=config.norm, order=config.order
            )
            stage = OrderedDict[str, nn.Module](block=block)
            windows.append(conv)
            if index < config.pools:
                stage["pool"] = nn.MaxPool2d(pool.kernel_size, pool.stride)
                windows.append(pool)
            self.stages.append(nn.Sequential(stage))
            width = out
        height, breadth = (chain_output_size(side, windows) for side in config.size)
        self.head = _head(width * height * breadth, config)
        initialise_he(self)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n units"]:
        """Return one score a class, or one in all if two classes share a unit."""
        return self.head(self.stages(images))


def _head(features: int, config: Config) -> nn.Sequential:
    units = 1 if config.one_unit and config.classes == 2 else config.classes
    layers = OrderedDict[str, nn.Module](flatten=nn.Flatten())
    if config.dropout:
        layers["dropout"] = nn.Dropout(config.dropout)
    layers["hidden"] = nn.Linear(features, config.hidden)
    layers["act"] = nn.ReLU()
    layers["scores"] = nn.Linear(config.hidden, units)
    return nn.Sequential(layers)


def _facts(config: Config) -> dict[str, Any]:
    """Return what the card of a net says that its config says already."""
    return {
        "side": config.size[0],
        "in_channels": config.in_channels,
        "classes": config.classes,
        "norm": config.norm,
        "one_unit": config.one_unit,
        "options": ("norm", "order", "dropout"),
        "sized": True,
    }


_MNIST = Config(widths=(32, 64, 64), pools=2, hidden=64, in_channels=1, classes=10, one_unit=False)
_LARGE = Config(widths=(5, 10), pools=2, hidden=32, kernel_size=5, size=(32, 32))
_CATS = Config(widths=(32, 64, 128, 128), pools=4, hidden=512, size=(150, 150))


@register(parameters=93_322, multiply_adds=2_794_240, least=18, **_facts(_MNIST))
def mnist_convnet(**changes: Any) -> Pooled:
    """Return the convnet for MNIST; `changes` are fields of `Config`."""
    return Pooled(replace(_MNIST, **changes))


@register(parameters=9_705, multiply_adds=427_032, least=16, **_facts(_LARGE))
def large_net(**changes: Any) -> Pooled:
    """Return LargeNet; `changes` are fields of `Config`."""
    return Pooled(replace(_LARGE, **changes))


@register(parameters=3_453_121, multiply_adds=236_095_488, least=46, **_facts(_CATS))
def cats_and_dogs(**changes: Any) -> Pooled:
    """Return the convnet for cats against dogs, without the book's dropout of .5 (a variant)."""
    return Pooled(replace(_CATS, **changes))
