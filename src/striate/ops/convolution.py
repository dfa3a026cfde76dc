"""Convolutions in one, two and three dimensions, with every padding."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.borders import add_border
from striate.ops.padding import Padding, padding_pairs
from striate.ops.shape_checks import (
    check_channels,
    check_dtypes,
    check_fit,
    check_is_tensor,
    check_tensor,
)

__all__ = ["conv1d", "conv2d", "conv3d"]


def conv1d(
    images: Float[Tensor, "n c length"],
    weight: Float[Tensor, "o i k"],
    bias: Float[Tensor, " o"] | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
) -> Float[Tensor, "n o places"]:
    """Return the convolution of sequences; everything as in `conv2d`, with one axis.

    >>> import torch
    >>> axis = torch.arange(1.0, 14).view(1, 1, 13)
    >>> taps = torch.tensor([2.0, 3, 5, 7, 11, 13]).view(1, 1, 6)
    >>> conv1d(axis, taps, stride=5).tolist()
    [[[184.0, 389.0]]]
    >>> conv1d(axis, taps, stride=5, padding="same").tolist()
    [[[143.0, 348.0, 204.0]]]
    """
    return _convolve(
        F.conv1d, 1, images, weight, bias,
        stride=stride, padding=padding, dilation=dilation, groups=groups,
        padding_mode=padding_mode, flip=flip,
    )  # fmt: skip


def conv2d(
    images: Float[Tensor, "n c h w"],
    weight: Float[Tensor, "o i kh kw"],
    bias: Float[Tensor, " o"] | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
) -> Float[Tensor, "n o rows columns"]:
    """Return the convolution of images, as networks compute it (cross-correlation).

    With x padded, an output channel o reads the input channels of its group:

        y[o, r, s] = bias[o] + sum over i, a, b of
                     weight[o, i, a, b] * x[i, r * stride + a * dilation, s * stride + b * dilation]

    The images are copied only where PyTorch cannot pad by itself: unlike ends, or a border that
    is not zeros.

    Args:
        images: Batch; floating point.
        weight: Kernels, laid out as PyTorch's: i = c / groups input channels each.
        bias: One number an output channel.
        stride: Pixels between two neighbouring places; one number, or (rows, columns); so too
            `dilation`.
        padding: `"valid"` (none), `"same"` (TensorFlow's: the result is ceil(size / stride), the
            odd pixel after), `"full"` (every overlap), pixels, or one entry an axis, each of them
            pixels for both ends or a pair (before, after).
        dilation: Pixels between two neighbouring taps; 1 is a dense kernel.
        groups: Parts of the channels that do not see one another.
        padding_mode: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`; see `add_border`.
        flip: Turn the kernels round along their axes first: convolution proper, as in signal
            processing, where the order of the operands does not matter.

    Returns:
        Maps; sizes as `output_size` says.

    Raises:
        ShapeError: No tensors, another rank, whole or complex numbers, types or channels that do
            not fit, or a kernel larger than the padded images; the text says the least padding
            that fits.

    Source:
        Dumoulin and Visin, arXiv:1603.07285; dilation: Yu and Koltun, arXiv:1511.07122, eq. 2.

    >>> import torch
    >>> image = torch.arange(9.0).view(1, 1, 3, 3)
    >>> conv2d(image, torch.ones(1, 1, 2, 2)).tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    >>> conv2d(image, torch.ones(1, 1, 2, 2), padding="same").shape
    torch.Size([1, 1, 3, 3])
    >>> conv2d(image, torch.ones(1, 1, 5, 5))
    Traceback (most recent call last):
    ...
    striate._errors.ShapeError: kernel spans 5 pixels (5 taps, dilation 1), but the height has 3 \
(size 3, padding (0, 0)); padding=1 is the least that fits
    """
    return _convolve(
        F.conv2d, 2, images, weight, bias,
        stride=stride, padding=padding, dilation=dilation, groups=groups,
        padding_mode=padding_mode, flip=flip,
    )  # fmt: skip


def conv3d(
    images: Float[Tensor, "n c d h w"],
    weight: Float[Tensor, "o i kd kh kw"],
    bias: Float[Tensor, " o"] | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
) -> Float[Tensor, "n o slices rows columns"]:
    """Return the convolution of volumes; everything as in `conv2d`, with three axes.

    >>> import torch
    >>> conv3d(torch.ones(1, 1, 4, 5, 6), torch.ones(2, 1, 3, 3, 3), stride=2, padding="same").shape
    torch.Size([1, 2, 2, 3, 3])
    """
    return _convolve(
        F.conv3d, 3, images, weight, bias,
        stride=stride, padding=padding, dilation=dilation, groups=groups,
        padding_mode=padding_mode, flip=flip,
    )  # fmt: skip


def _convolve(
    run: Callable[..., Tensor],
    axes: int,
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
    padding_mode: str,
    flip: bool,
) -> Tensor:
    """Run `run` at once where PyTorch knows the padding, else behind a border."""
    # Whole and complex numbers PyTorch would take, and one image without a batch.
    try:
        if images.ndim != axes + 2 or not images.is_floating_point():
            check_tensor(images, axes)
        if weight.ndim != axes + 2 or not weight.is_floating_point():
            check_tensor(weight, axes, "weight")
    except AttributeError:  # no tensors: to ask for it each time would take longer
        check_tensor(images, axes)
        check_tensor(weight, axes, "weight")
        raise
    taps, bordered, rest = weight.shape[2:], images, padding
    if padding_mode != "zeros" or not _known_to_torch(padding, stride, taps, images):
        bordered, rest = _border(images, padding, taps, stride, dilation, padding_mode)
    if flip:
        weight = weight.flip(tuple(range(2, axes + 2)))
    try:
        return run(bordered, weight, bias, stride, rest, dilation, groups)
    except (RuntimeError, TypeError) as error:
        options = {"stride": stride, "padding": padding, "dilation": dilation}
        if (refusal := _refusal(images, weight, bias, groups, options)) is not None:
            raise refusal from error
        raise


def _known_to_torch(
    padding: Padding, stride: int | Sequence[int], taps: Sequence[int], images: Tensor
) -> bool:
    """Return whether PyTorch pads like this by itself, and without a copy."""
    if not images.numel():
        return False  # an empty axis can be padded, but PyTorch refuses it
    if isinstance(padding, str):
        if padding == "same":  # of an even kernel PyTorch makes a copy too, and warns of it
            return stride in (1, (1,) * len(taps)) and all(k % 2 for k in taps)
        return padding == "valid"
    return isinstance(padding, int)


def _border(
    images: Tensor,
    padding: Padding,
    taps: Sequence[int],
    stride: int | Sequence[int],
    dilation: int | Sequence[int],
    padding_mode: str,
) -> tuple[Tensor, int | tuple[int, ...]]:
    """Return the images with the border that PyTorch cannot add, and the padding that it can."""
    sizes = images.shape[2:]
    plain = all(type(size) is int for size in sizes) and not torch.compiler.is_compiling()
    if plain and padding_mode == "zeros":
        settings = (_hashable(value) for value in (padding, stride, dilation))
        even, extra = _split(sizes, taps, *settings)
        return (F.pad(images, extra) if extra else images), even
    pairs = padding_pairs(padding, sizes, taps, stride=stride, dilation=dilation)
    if padding_mode != "zeros":
        return add_border(images, pairs, padding_mode), 0
    # Sizes may be symbols here: a choice between copy and no copy would pin them down.
    return F.pad(images, [pixels for pair in reversed(pairs) for pixels in pair]), 0


def _hashable(value: Any) -> Any:
    """Return lists, and lists within, as tuples."""
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


@lru_cache(maxsize=1024)
def _split(
    sizes: Sequence[int],
    taps: Sequence[int],
    padding: Padding,
    stride: int | Sequence[int],
    dilation: int | Sequence[int],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the padding that PyTorch can add, and for `F.pad` the rest: () if there is none.

    Remembered, for it takes longer than a small convolution.
    """
    pairs = padding_pairs(padding, sizes, taps, stride=stride, dilation=dilation)
    even = tuple(0 if 0 in sizes else min(pair) for pair in pairs)
    extra = [(before - e, after - e) for (before, after), e in zip(pairs, even, strict=True)]
    flat = tuple(pixels for pair in reversed(extra) for pixels in pair)
    return even, flat if any(flat) else ()


def _refusal(
    images: Tensor, weight: Tensor, bias: Tensor | None, groups: int, options: dict[str, Any]
) -> ShapeError | None:
    """Return in our words why PyTorch refused, or None if the tensors are not the reason."""
    try:
        if bias is not None:
            check_is_tensor(bias, "bias")
        check_channels(images, weight, bias, groups)
        check_fit(images.shape[2:], weight.shape[2:], **options)
        check_dtypes(images, weight, bias)
    except ShapeError as refusal:
        return refusal
    return None
