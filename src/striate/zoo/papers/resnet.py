"""ResNet: blocks that add their result to their input.

Paper: He et al., "Deep residual learning", arXiv:1512.03385, table 1.

    name       blocks       parameters   multiply-adds at 224 x 224
    resnet18   2, 2, 2, 2   11,689,512   1.814 G
    resnet34   3, 4, 6, 3   21,797,672   3.664 G

Differs from it: every shortcut that changes shape is a 1x1 convolution with a norm (option B), as
in torchvision, whose weights fit. `order="act-norm"` turns the order in the stem and behind a
block's first convolution; the second one's activation stands behind the sum in any case.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.layers.conv_block import ConvBlock
from striate.layers.initialisation import initialise_he
from striate.zoo.registry import register

__all__ = ["BasicBlock", "Config", "ResNet", "resnet18", "resnet34"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that tells one ResNet from another."""

    blocks: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    in_channels: int = 3
    classes: int = 1000
    norm: str = "batch"
    order: str = "norm-act"
    dropout: float = 0.0
    zero_gamma: bool = False


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; the first takes the stride."""

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int, norm: str, order: str
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvBlock(in_channels, out_channels, 3, stride=stride, norm=norm, order=order),
            ConvBlock(out_channels, out_channels, 3, norm=norm, act=None),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = ConvBlock(
                in_channels, out_channels, 1, stride=stride, norm=norm, act=None
            )
        self.act = nn.ReLU()

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k h2 w2"]:
        """Return relu(body(x) + shortcut(x)); h2 = ceil(h / stride)."""
        return self.act(self.body(x) + self.shortcut(x))


class ResNet(nn.Module):
    """Stem, one stage a width, pooled head."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        norm, order, width = config.norm, config.order, config.widths[0]
        block = ConvBlock(config.in_channels, width, 7, stride=2, norm=norm, order=order)
        self.stem = nn.Sequential(OrderedDict(block=block, pool=nn.MaxPool2d(3, 2, padding=1)))
        self.stages = nn.Sequential()
        for stage, (depth, out) in enumerate(zip(config.blocks, config.widths, strict=True)):
            strides = [1 if stage == 0 else 2] + [1] * (depth - 1)
            blocks = nn.Sequential()
            for stride in strides:
                blocks.append(BasicBlock(width, out, stride=stride, norm=norm, order=order))
                width = out
            self.stages.append(blocks)
        head = OrderedDict[str, nn.Module](pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
        if config.dropout:
            head["dropout"] = nn.Dropout(config.dropout)
        head["scores"] = nn.Linear(width, config.classes)
        self.head = nn.Sequential(head)
        self._initialise(config)

    def _initialise(self, config: Config) -> None:
        if config.zero_gamma and config.norm == "none":
            raise NetworkError("zero_gamma needs a norm whose scale starts at 0; norm is 'none'")
        initialise_he(self, mode="fan_out")
        for block in (module for module in self.modules() if isinstance(module, BasicBlock)):
            if config.zero_gamma:
                nn.init.zeros_(block.get_parameter("body.1.norm.weight"))
            elif config.norm == "none":
                # Variance would double in every block; so it grows by a factor of e in all.
                block.get_parameter("body.1.conv.weight").data /= sum(config.blocks) ** 0.5

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Return one score a class; no softmax."""
        return self.head(self.stages(self.stem(images)))


@register(
    parameters=11_689_512,
    multiply_adds=1_814_073_344,
    norm="batch",
    options=("norm", "order", "dropout", "zero_gamma"),
)
def resnet18(**changes: Any) -> ResNet:
    """Return ResNet-18; `changes` are fields of `Config`."""
    return ResNet(replace(Config(blocks=(2, 2, 2, 2)), **changes))


@register(
    parameters=21_797_672,
    multiply_adds=3_663_761_408,
    norm="batch",
    options=("norm", "order", "dropout", "zero_gamma"),
)
def resnet34(**changes: Any) -> ResNet:
    """Return ResNet-34; `changes` are fields of `Config`."""
    return ResNet(replace(Config(blocks=(3, 4, 6, 3)), **changes))
