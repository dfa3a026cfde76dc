"""Depthwise convolutions, and separable ones: space first, channels after."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.convolution import conv2d
from striate.ops.padding import Padding
from striate.ops.shape_checks import check_tensor

__all__ = ["depthwise_conv2d", "separable_conv2d"]


def depthwise_conv2d(
    images: Float[Tensor, "n c h w"],
    weight: Float[Tensor, "o 1 kh kw"],
    bias: Float[Tensor, " o"] | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
) -> Float[Tensor, "n o rows columns"]:
    """Return the convolution of every channel on its own: `conv2d` with as many groups as channels.

    Args:
        images: Batch; floating point.
        weight: Kernels, laid out as PyTorch's: (c * multiplier, 1, height, width); the first
            `multiplier` kernels read the first channel, and so on.
        bias: One number a kernel.
        stride: This and the rest as in `conv2d`.
        padding: As in `conv2d`.
        dilation: As in `conv2d`.
        padding_mode: As in `conv2d`.
        flip: As in `conv2d`.

    Raises:
        ShapeError: As `conv2d`, or not the same number of kernels for each channel.

    >>> import torch
    >>> images = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1)
    >>> depthwise_conv2d(images, torch.tensor([3.0, 4.0]).view(2, 1, 1, 1)).flatten().tolist()
    [3.0, 8.0]
    """
    check_tensor(images, 2)
    check_tensor(weight, 2, "weight")
    channels = images.shape[1]
    if weight.shape[1] != 1 or weight.shape[0] % max(channels, 1):
        raise ShapeError(
            f"weight has shape {tuple(weight.shape)}; for {channels} channels it must be "
            f"({channels} * multiplier, 1, height, width)"
        )
    return conv2d(
        images, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=channels,
        padding_mode=padding_mode, flip=flip,
    )  # fmt: skip


def separable_conv2d(
    images: Float[Tensor, "n c h w"],
    depthwise: Float[Tensor, "m 1 kh kw"],
    pointwise: Float[Tensor, "o m 1 1"],
    bias: Float[Tensor, " o"] | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
) -> Float[Tensor, "n o rows columns"]:
    """Return a depthwise convolution followed by one of 1 x 1, which mixes the channels.

    It is `conv2d` with kernels pointwise[o, m] * depthwise[m] at 1 / o + 1 / (kh * kw) of the
    multiply-adds, for as many kernels as channels.

    Args:
        images: Batch; floating point.
        depthwise: Kernels of `depthwise_conv2d`.
        pointwise: Weights of the 1 x 1 convolution, laid out as PyTorch's.
        bias: One number an output channel, added at the end.
        stride: This and the rest as in `conv2d`, for the depthwise part.
        padding: As in `conv2d`.
        dilation: As in `conv2d`.
        padding_mode: As in `conv2d`.
        flip: As in `conv2d`.

    Raises:
        ShapeError: As `depthwise_conv2d`, or a pointwise kernel that is not 1 x 1.

    Source:
        Howard et al., "MobileNets", arXiv:1704.04861, equation 5.

    >>> import torch
    >>> images = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1)
    >>> depthwise = torch.tensor([3.0, 4.0]).view(2, 1, 1, 1)
    >>> separable_conv2d(images, depthwise, torch.ones(1, 2, 1, 1)).item()  # 1 * 3 + 2 * 4
    11.0
    """
    check_tensor(pointwise, 2, "pointwise")
    if tuple(pointwise.shape[2:]) != (1, 1):
        raise ShapeError(
            f"pointwise has shape {tuple(pointwise.shape)}; it must be "
            f"(out_channels, {depthwise.shape[0]}, 1, 1)"
        )
    maps = depthwise_conv2d(
        images, depthwise,
        stride=stride, padding=padding, dilation=dilation, padding_mode=padding_mode, flip=flip,
    )  # fmt: skip
    return conv2d(maps, pointwise, bias)
