"""Local connection without sharing, as a module: kernels of its own at every place."""

from collections.abc import Sequence
from math import prod, sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn

from striate.ops.locally_connected import locally_connected2d, places2d
from striate.ops.padding import Padding, per_axis
from striate.ops.shape_checks import check_groups

__all__ = ["LocallyConnected2d"]


class LocallyConnected2d(nn.Module):
    """A convolution whose kernels are not shared, for images of one size.

    Args:
        in_channels: Channels before.
        out_channels: Channels after.
        kernel_size: Taps; one number, or (height, width).
        size: (height, width) of the images.
        stride: Pixels between two neighbouring places.
        padding: A word, pixels, or one entry an axis; see `striate.ops.conv2d`.
        dilation: Pixels between two neighbouring taps.
        groups: Parts of the channels that do not see one another.
        bias: Whether each cell of the result has a number of its own to add.
        padding_mode: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`.

    Raises:
        ShapeError: The kernel does not fit, or groups do not divide the channels.

    Source:
        LeCun, "Generalization and network design strategies", 1989.

    >>> layer = LocallyConnected2d(1, 2, 5, size=(16, 16), stride=2, padding="same")
    >>> sum(p.numel() for p in layer.parameters())  # 8 * 8 places * 2 channels * (25 + 1)
    3328
    """

    layer_kind = "convolution"  # in a layer table, which asks `multiply_adds`

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        *,
        size: Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: Padding = "valid",
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        check_groups(in_channels, out_channels, groups)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = per_axis(kernel_size, 2, "kernel_size")
        self.stride = per_axis(stride, 2, "stride")
        self.dilation = per_axis(dilation, 2, "dilation")
        self.size = per_axis(size, 2, "size")
        self.padding, self.groups, self.padding_mode = padding, groups, padding_mode
        places = places2d(
            self.size, self.kernel_size,
            stride=self.stride, padding=padding, dilation=self.dilation,
        )  # fmt: skip
        shape = (*places, out_channels, in_channels // groups, *self.kernel_size)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(out_channels, *places)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases as `torch.nn.Conv2d` does: uniform, up to 1 / sqrt(fan-in)."""
        bound = 1 / sqrt(max(self.weight[0, 0, 0].numel(), 1))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o rows columns"]:
        """Return maps of the places that the layer was made for."""
        return locally_connected2d(
            images, self.weight, self.bias, stride=self.stride, padding=self.padding,
            dilation=self.dilation, groups=self.groups, padding_mode=self.padding_mode,
        )  # fmt: skip

    def multiply_adds(self, shape: Sequence[int]) -> int:
        """Return the multiply-adds for an output of `shape`: one kernel a cell, biases aside."""
        return prod(shape) * self.weight[0, 0, 0].numel()

    def extra_repr(self) -> str:
        """Return the settings, as printing the module shows them."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"size={self.size}, stride={self.stride}, padding={self.padding!r}, "
            f"dilation={self.dilation}, groups={self.groups}, bias={self.bias is not None}"
        )
