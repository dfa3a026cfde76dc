"""Convolutions with TensorFlow's SAME padding at any stride, as modules."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import ShapeError
from striate.ops.convolution import conv1d, conv2d, conv3d

__all__ = ["SameConv1d", "SameConv2d", "SameConv3d"]

# PyTorch's modules refuse "same" with a stride, so it is set behind their constructor: to whoever
# reads the module's settings it says what `forward` does. `input` is the name that theirs has.


def _refuse_padding(options: dict[str, Any]) -> None:
    if "padding" in options:
        raise ShapeError(
            f"padding is {options['padding']!r}; a SAME convolution has its own. "
            "For another padding take the module of torch.nn, or striate.ops"
        )


class SameConv1d(nn.Conv1d):
    """`torch.nn.Conv1d` with TensorFlow's SAME padding; see `SameConv2d`.

    >>> import torch
    >>> SameConv1d(1, 4, 6, stride=5)(torch.zeros(1, 1, 13)).shape
    torch.Size([1, 4, 3])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        **options: Any,
    ) -> None:
        _refuse_padding(options)
        super().__init__(in_channels, out_channels, kernel_size, stride, **options)
        self.padding: Any = "same"

    def forward(self, input: Float[Tensor, "n c length"]) -> Float[Tensor, "n o places"]:  # noqa: A002
        """Return maps of ceil(length / stride) places."""
        return conv1d(
            input, self.weight, self.bias, stride=self.stride, padding="same",
            dilation=self.dilation, groups=self.groups, padding_mode=self.padding_mode,
        )  # fmt: skip


class SameConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` with TensorFlow's SAME padding, at any stride, dilation and size.

    The result is ceil(height / stride) x ceil(width / stride); the padding follows from the size
    of the images, the odd pixel comes after. Weights trained with TensorFlow or Keras need it:
    symmetric padding gives other numbers wherever the stride is above 1. The parameters, and so the
    state dict, are those of `torch.nn.Conv2d`.

    Args:
        in_channels: Channels before.
        out_channels: Channels after.
        kernel_size: Taps; one number, or (height, width).
        stride: Pixels between two neighbouring places; one number, or (rows, columns).
        **options: `dilation`, `groups`, `bias`, `padding_mode`, `device` and `dtype` of
            `torch.nn.Conv2d`, by name.

    Raises:
        ShapeError: A `padding` is given.

    >>> import torch
    >>> stem = SameConv2d(3, 32, 3, stride=2, bias=False)  # as in MobileNet on TensorFlow
    >>> stem(torch.zeros(1, 3, 224, 223)).shape
    torch.Size([1, 32, 112, 112])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        **options: Any,
    ) -> None:
        _refuse_padding(options)
        super().__init__(in_channels, out_channels, kernel_size, stride, **options)
        self.padding: Any = "same"

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o rows columns"]:  # noqa: A002
        """Return maps of ceil(height / stride) x ceil(width / stride)."""
        return conv2d(
            input, self.weight, self.bias, stride=self.stride, padding="same",
            dilation=self.dilation, groups=self.groups, padding_mode=self.padding_mode,
        )  # fmt: skip


class SameConv3d(nn.Conv3d):
    """`torch.nn.Conv3d` with TensorFlow's SAME padding; see `SameConv2d`.

    >>> import torch
    >>> SameConv3d(1, 2, 3, stride=2)(torch.zeros(1, 1, 4, 5, 6)).shape
    torch.Size([1, 2, 2, 3, 3])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        **options: Any,
    ) -> None:
        _refuse_padding(options)
        super().__init__(in_channels, out_channels, kernel_size, stride, **options)
        self.padding: Any = "same"

    def forward(self, input: Float[Tensor, "n c d h w"]) -> Float[Tensor, "n o s r k"]:  # noqa: A002
        """Return maps of ceil(depth / stride) x ceil(height / stride) x ceil(width / stride)."""
        return conv3d(
            input, self.weight, self.bias, stride=self.stride, padding="same",
            dilation=self.dilation, groups=self.groups, padding_mode=self.padding_mode,
        )  # fmt: skip
