"""Small residual nets of our own, for images of up to 64 pixels on an ordinary processor.

    name           widths        blocks     parameters   multiply-adds at 28 x 28, grey
    tiny_resnet    16, 32, 64    0, 1, 1    117,034      3.5 M
    small_resnet   32, 64, 128   1, 1, 1    483,018      17.3 M

What makes them fast: the stem folds 2 x 2 pixels into channels, so that no convolution runs at full
size; after it every channel count is a multiple of 16, as matrix units like it; each later stage is
a convolution, a pooling and residual blocks, so most work is done on few pixels. The head takes
the mean of each channel over the image; its first scores are small.

Source: own; the stages are those of the small nets of the DAWNBench entries (Page, "How to train
your ResNet", 2018), the blocks those of He et al., arXiv:1512.03385.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from striate.layers.conv_block import ConvBlock
from striate.layers.initialisation import initialise_he
from striate.zoo.registry import register

__all__ = ["Config", "Fold", "Residual", "SmallResNet", "small_resnet", "tiny_resnet"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that tells one small net from another."""

    widths: tuple[int, ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (1, 1, 1)
    in_channels: int = 1
    classes: int = 10
    norm: str = "batch"
    order: str = "norm-act"
    dropout: float = 0.0


class Fold(nn.Module):
    """Fold each 2 x 2 pixels into channels; an odd last row or column is repeated first."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 4*c h2 w2"]:
        """Return the folded images; h2 = ceil(h / 2)."""
        odd_rows, odd_columns = x.shape[2] % 2, x.shape[3] % 2
        if odd_rows or odd_columns:
            x = F.pad(x, (0, odd_columns, 0, odd_rows), mode="replicate")
        n, c, h, w = x.shape
        # Written out: the result lies channels last, and a batch of no images is folded too.
        cells = x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)
        return cells.reshape(n, h // 2, w // 2, 4 * c).permute(0, 3, 1, 2)


class Residual(nn.Module):
    """Two 3x3 convolutions whose result is added to what went in."""

    def __init__(self, channels: int, block: Callable[[int, int, int], nn.Module]) -> None:
        super().__init__()
        self.body = nn.Sequential(block(channels, channels, 3), block(channels, channels, 3))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Return x + body(x)."""
        return x + self.body(x)


class SmallResNet(nn.Module):
    """Folding stem, one stage a width, head on the mean of each channel."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        block = partial(ConvBlock, norm=config.norm, order=config.order)
        width = config.widths[0]
        self.stem = nn.Sequential(Fold(), block(4 * config.in_channels, width, 3))
        self.stages = nn.Sequential()
        for stage, (depth, out) in enumerate(zip(config.blocks, config.widths, strict=True)):
            layers: list[nn.Module] = []
            if stage:
                layers = [block(width, out, 3), nn.MaxPool2d(2)]
            layers += [Residual(out, block) for _ in range(depth)]
            self.stages.append(nn.Sequential(*layers))
            width = out
        scores = nn.Linear(width, config.classes)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(config.dropout), scores
        )
        initialise_he(self)
        with torch.no_grad():
            scores.weight.mul_(1 / 8)  # so that the first steps at a high rate are not wild

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Return one score a class; no softmax."""
        return self.head(self.stages(self.stem(images)))


OPTIONS = ("norm", "order", "dropout")


@register(
    parameters=483_018, multiply_adds=17_331_968, side=28, in_channels=1, classes=10,
    norm="batch", least=7, options=OPTIONS,
)  # fmt: skip
def small_resnet(**changes: Any) -> SmallResNet:
    """Return the default net for images of up to 64 pixels; `changes` are fields of `Config`."""
    return SmallResNet(replace(Config(), **changes))


@register(
    parameters=117_034, multiply_adds=3_486_592, side=28, in_channels=1, classes=10,
    norm="batch", least=7, options=OPTIONS,
)  # fmt: skip
def tiny_resnet(**changes: Any) -> SmallResNet:
    """Return the net of half the widths, a quarter of the work."""
    return SmallResNet(replace(Config(widths=(16, 32, 64), blocks=(0, 1, 1)), **changes))
