"""The gradients of a convolution, written out as convolutions."""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.padding import Padding, padding_pairs, per_axis
from striate.ops.shape_checks import check_fit, check_groups, check_tensor

__all__ = ["input_gradient", "weight_gradient"]

_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def input_gradient(
    output_gradient: Float[Tensor, "n o *places"],
    weight: Float[Tensor, "o i *taps"],
    size: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Tensor, "n c *size"]:
    """Return the gradient of a convolution with respect to its images.

    It is a convolution itself, of stride 1. With z the gradient behind, stride - 1 zeros put
    between its numbers, and the kernel turned round along all its axes:

        d/dx[i] = sum over t of turned[t] * z[i + before - (span - 1) + t * dilation]

    Each input channel sums over the output channels of its group. In terms of `convolution_matrix`
    it is matrix.T @ gradient: the adjoint of the convolution, which is the transposed convolution.

    Args:
        output_gradient: Gradient with respect to the output.
        weight: Kernels of the convolution, laid out as PyTorch's.
        size: Length of the images along each axis, in pixels: several sizes give one output.
        stride: As in `conv2d`; so too the rest.
        padding: A word, a number, or one entry an axis.
        dilation: Pixels between two neighbouring taps.
        groups: Parts of the channels that do not see one another.

    Raises:
        ShapeError: The shapes do not belong to one convolution.

    Source:
        Dumoulin and Visin, arXiv:1603.07285, section 4.

    >>> import torch
    >>> weight = torch.tensor([[[1.0, 2.0, 3.0]]])
    >>> input_gradient(torch.tensor([[[1.0, 10.0]]]), weight, 6, stride=2).tolist()
    [[[1.0, 2.0, 13.0, 20.0, 30.0, 0.0]]]
    """
    axes = _same_axes(output_gradient, weight, "weight")
    sizes, taps = per_axis(size, axes, "size"), tuple(weight.shape[2:])
    strides, steps = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    check_groups(weight.shape[1] * groups, weight.shape[0], groups)
    options = {"stride": strides, "padding": padding, "dilation": steps}
    check_fit(sizes, taps, **options)
    pairs = padding_pairs(padding, sizes, taps, stride=strides, dilation=steps)
    _check_places(output_gradient, weight.shape[0], sizes, taps, strides, pairs, steps)
    stuffed = _with_zeros_between(output_gradient, strides)
    border: list[int] = []
    for axis in reversed(range(axes)):  # as F.pad has it, last axis first; below 0 it cuts off
        reach = steps[axis] * (taps[axis] - 1)
        before = reach - pairs[axis][0]
        border += [before, sizes[axis] + reach - stuffed.shape[axis + 2] - before]
    turned = weight.flip(tuple(range(2, axes + 2)))
    grouped = turned.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    return _CONVOLVE[axes](F.pad(stuffed, border), grouped, dilation=steps, groups=groups)


def weight_gradient(
    output_gradient: Float[Tensor, "n o *places"],
    images: Float[Tensor, "n c *size"],
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Tensor, "o i *taps"]:
    """Return the gradient of a convolution with respect to its weights.

    It is a convolution itself: the padded images, with the gradient behind as the kernel, stride
    and dilation having changed places, and the batch in the channels' place:

        d/dw[o, i, t] = sum over n, p of gradient[n, o, p] * x[n, i, p * stride + t * dilation]

    The gradient with respect to a bias is the sum of `output_gradient` over images and places.

    Args:
        output_gradient: Gradient with respect to the output.
        images: What the convolution read.
        kernel_size: Taps along each axis: several numbers give one output.
        stride: As in `conv2d`; so too the rest.
        padding: A word, a number, or one entry an axis.
        dilation: Pixels between two neighbouring taps.
        groups: Parts of the channels that do not see one another.

    Raises:
        ShapeError: The shapes do not belong to one convolution.

    Source:
        The chain rule on `conv2d`'s equation.

    >>> import torch
    >>> images = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    >>> weight_gradient(torch.tensor([[[1.0, 10.0]]]), images, 3).tolist()
    [[[21.0, 32.0, 43.0]]]
    """
    axes = _same_axes(output_gradient, images, "images")
    sizes, taps = tuple(images.shape[2:]), per_axis(kernel_size, axes, "kernel_size")
    strides, steps = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    check_groups(images.shape[1], output_gradient.shape[1], groups)
    check_fit(sizes, taps, stride=strides, padding=padding, dilation=steps)
    pairs = padding_pairs(padding, sizes, taps, stride=strides, dilation=steps)
    if len(images) != len(output_gradient):
        raise ShapeError(
            f"output_gradient is of {len(output_gradient)} images, but images are {len(images)}"
        )
    out_channels = output_gradient.shape[1]
    _check_places(output_gradient, out_channels, sizes, taps, strides, pairs, steps)
    if not len(images):  # PyTorch refuses a convolution over no channels
        return images.new_zeros(out_channels, images.shape[1] // groups, *taps)
    padded = F.pad(images, [pixels for pair in reversed(pairs) for pixels in pair])
    # (n, g * i, ...) to (i, g * n, ...): every channel of a group becomes an image of its own.
    swapped = padded.unflatten(1, (groups, -1)).transpose(0, 2).flatten(1, 2)
    kernels = output_gradient.transpose(0, 1)
    found = _CONVOLVE[axes](swapped, kernels, stride=steps, dilation=strides, groups=groups)
    # Pixels left over, which the convolution never read, may give more taps than there are.
    return found.transpose(0, 1)[(..., *(slice(k) for k in taps))]


def _same_axes(output_gradient: Tensor, other: Tensor, name: str) -> int:
    axes = output_gradient.ndim - 2
    if axes not in _CONVOLVE:
        raise ShapeError(
            f"output_gradient has shape {tuple(output_gradient.shape)}; it must have an axis for "
            "images, one for channels and then 1, 2 or 3"
        )
    check_tensor(output_gradient, axes, "output_gradient")
    check_tensor(other, axes, name)
    return axes


def _check_places(
    output_gradient: Tensor,
    out_channels: int,
    sizes: Sequence[int],
    taps: Sequence[int],
    strides: Sequence[int],
    pairs: Sequence[tuple[int, int]],
    steps: Sequence[int],
) -> None:
    places = tuple(
        (n + sum(pair) - d * (k - 1) - 1) // s + 1
        for n, k, s, pair, d in zip(sizes, taps, strides, pairs, steps, strict=True)
    )
    if tuple(output_gradient.shape[1:]) != (out_channels, *places):
        raise ShapeError(
            f"output_gradient has shape {tuple(output_gradient.shape)}, but the convolution's "
            f"output has {(len(output_gradient), out_channels, *places)}"
        )


def _with_zeros_between(tensor: Tensor, strides: Sequence[int]) -> Tensor:
    """Return the tensor with stride - 1 zeros between two neighbours along each axis."""
    lengths = [(n - 1) * s + 1 for n, s in zip(tensor.shape[2:], strides, strict=True)]
    stuffed = tensor.new_zeros((*tensor.shape[:2], *lengths))
    stuffed[(..., *(slice(None, None, s) for s in strides))] = tensor
    return stuffed
