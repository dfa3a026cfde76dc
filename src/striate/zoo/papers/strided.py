"""Convolutions of stride 2 and nothing else: the courses' first nets for digits.

Source: the fastai courses' digit nets; 28 x 28 grey images shrink to 14, 7, 4, 2 and 1.

    name             channels                parameters   multiply-adds at 28 x 28
    three_or_seven   4, 8, 16, 32, 2              6,722                     58,608
    ten_digits       8, 16, 32, 64, 10           30,542                    248,864

ten_digits has a batch norm after every activation and after its last convolution (plain, that is
with norm="none", 30,282 parameters). Its first kernel is 5 x 5, all others are 3 x 3.
Third layer of three_or_seven: 4 x 4 x 1,152 = 18,432 multiply-adds. A well-known note says 56,448,
since it counts the 7 x 7 places of the layer's input, of which stride 2 visits every other one.
Differs from them: a mean over the positions that are left, which at up to 32 x 32 is one, so that
larger images work; group and instance norm leave the last convolution alone (over one position,
or before a mean over all, they would take out what the scores are to tell).
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from striate.layers.conv_block import ConvBlock
from striate.layers.initialisation import initialise_he
from striate.zoo.registry import register

__all__ = ["Config", "Strided", "ten_digits", "three_or_seven"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that tells one of these nets from another."""

    widths: tuple[int, ...]
    stem_kernel_size: int = 3
    in_channels: int = 1
    classes: int = 10
    norm: str = "none"
    order: str = "act-norm"


class Strided(nn.Module):
    """Stages of one convolution each, then one that gives the scores."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        blocks = [
            ConvBlock(
                width,
                out,
                3 if index else config.stem_kernel_size,
                stride=2,
                norm=config.norm,
                order=config.order,
                bias=True,  # the courses keep it beside a norm
            )
            for index, (width, out) in enumerate(
                zip((config.in_channels, *config.widths), config.widths, strict=False)
            )
        ]
        self.stages = nn.Sequential(*blocks)
        scores = ConvBlock(
            config.widths[-1],
            config.classes,
            3,
            stride=2,
            norm="batch" if config.norm == "batch" else "none",
            act=None,
            bias=True,
        )
        self.head = nn.Sequential(
            OrderedDict(scores=scores, pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
        )
        initialise_he(self)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Return one score a class; no softmax."""
        return self.head(self.stages(images))


@register(
    parameters=6_722,
    multiply_adds=58_608,
    side=28,
    in_channels=1,
    classes=2,
    norm="none",
    options=("norm", "order"),
)
def three_or_seven(**changes: Any) -> Strided:
    """Return the net that tells threes from sevens; `changes` are fields of `Config`."""
    return Strided(replace(Config(widths=(4, 8, 16, 32), classes=2), **changes))


@register(
    parameters=30_542,
    multiply_adds=248_864,
    side=28,
    in_channels=1,
    classes=10,
    norm="batch",
    options=("norm", "order"),
)
def ten_digits(**changes: Any) -> Strided:
    """Return the net for all ten digits; `changes` are fields of `Config`."""
    config = Config(widths=(8, 16, 32, 64), stem_kernel_size=5, norm="batch")
    return Strided(replace(config, **changes))
