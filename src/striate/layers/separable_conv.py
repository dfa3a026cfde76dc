"""Separable convolution as a module: a depthwise part and a pointwise one."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from striate.ops.convolution import conv2d
from striate.ops.padding import Padding, padding_pairs

__all__ = ["SeparableConv2d"]


class SeparableConv2d(nn.Sequential):
    """A convolution of every channel on its own, then one of 1 x 1 that mixes them.

    The children are `depthwise`, without bias, and `pointwise`. There is nothing between them, as
    in Keras' layer of the name; MobileNet has a norm and a rectifier there.

    Args:
        in_channels: Channels before.
        out_channels: Channels after.
        kernel_size: Taps of the depthwise part; one number, or (height, width).
        stride: Of the depthwise part, as the rest.
        padding: A word, pixels, or one entry an axis; see `striate.ops.conv2d`.
        dilation: Pixels between two neighbouring taps.
        multiplier: Depthwise kernels a channel.
        bias: Whether the pointwise part has one.
        padding_mode: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`.

    Raises:
        ShapeError: A padding that makes no sense.

    Source:
        Howard et al., "MobileNets", arXiv:1704.04861, section 3.1.

    >>> layer = SeparableConv2d(32, 64, 3, bias=False)
    >>> sum(p.numel() for p in layer.parameters())  # 32 * 9 + 32 * 64, against 32 * 64 * 9 = 18,432
    2336
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        padding: Padding = "valid",
        dilation: int | Sequence[int] = 1,
        multiplier: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        between = in_channels * multiplier
        self.depthwise = _Depthwise(
            in_channels, between, _sizes(kernel_size),
            stride=_sizes(stride), padding=padding, dilation=_sizes(dilation),
            groups=in_channels, bias=False, padding_mode=padding_mode,
        )  # fmt: skip
        self.pointwise = nn.Conv2d(between, out_channels, 1, bias=bias)


class _Depthwise(nn.Conv2d):
    """`torch.nn.Conv2d` with every padding that `striate.ops.conv2d` knows."""

    def __init__(self, *sizes: Any, padding: Padding, **options: Any) -> None:
        super().__init__(*sizes, **options)
        padding_pairs(padding, (1, 1), self.kernel_size)  # refuses here what makes no sense
        self.padding: Any = padding

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n m rows columns"]:  # noqa: A002
        return conv2d(
            input, self.weight, self.bias, stride=self.stride, padding=self.padding,
            dilation=self.dilation, groups=self.groups, padding_mode=self.padding_mode,
        )  # fmt: skip


def _sizes(value: int | Sequence[int]) -> Any:
    """Return a number as it is, a sequence as the tuple that PyTorch wants."""
    return tuple(value) if isinstance(value, Sequence) else value
