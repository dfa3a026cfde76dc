"""Local connection without sharing: a convolution with kernels of its own at every place."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.arithmetic import output_size
from striate.ops.borders import add_border
from striate.ops.padding import Padding, padding_pairs, per_axis
from striate.ops.shape_checks import check_fit, check_groups, check_tensor

__all__ = ["locally_connected2d", "places2d"]

Numbers = int | Sequence[int]


def locally_connected2d(
    images: Float[Tensor, "n c h w"],
    weight: Float[Tensor, "rows columns o i kh kw"],
    bias: Float[Tensor, "o rows columns"] | Float[Tensor, " o"] | None = None,
    *,
    stride: Numbers = 1,
    padding: Padding = "valid",
    dilation: Numbers = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Float[Tensor, "n o rows columns"]:
    """Return what `conv2d` does, but with other kernels at each place.

        y[:, :, r, s] = conv2d of the window at (r, s) with weight[r, s]

    With the same kernels everywhere it is `conv2d`.

    Args:
        images: Batch; floating point.
        weight: One weight of `conv2d` a place: (rows, columns, out_channels, in_channels / groups,
            height, width), for the rows and columns of the result.
        bias: One number a result (o, rows, columns), or one an output channel.
        stride: This and the rest as in `conv2d`.
        padding: As in `conv2d`.
        dilation: As in `conv2d`.
        groups: As in `conv2d`.
        padding_mode: As in `conv2d`.

    Raises:
        ShapeError: As `conv2d`, or weights of more or fewer places than the result has.

    Source:
        LeCun, "Generalization and network design strategies", 1989; Taigman et al., "DeepFace",
        2014, section 3.

    >>> import torch
    >>> image = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    >>> weight = torch.tensor([10.0, 20.0, 30.0]).view(1, 3, 1, 1, 1, 1)
    >>> locally_connected2d(image, weight).tolist()
    [[[[10.0, 40.0, 90.0]]]]
    """
    check_tensor(images, 2)
    if weight.ndim != 6:
        raise ShapeError(
            f"weight: shape {tuple(weight.shape)}; it must be "
            "(rows, columns, out_channels, in_channels / groups, height, width)"
        )
    taps = tuple(weight.shape[4:])
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    places = places2d(images.shape[2:], taps, **options)
    _check_weight(images, weight, bias, places, groups)
    pairs = padding_pairs(padding, images.shape[2:], taps, stride=stride, dilation=dilation)
    steps, strides = per_axis(dilation, 2, "dilation"), per_axis(stride, 2, "stride")
    windows = F.unfold(add_border(images, pairs, padding_mode), taps, steps, 0, strides)
    # n batch, g group, r and s place, k what a place reads, o what it writes
    windows = windows.unflatten(1, (groups, -1)).unflatten(-1, places)
    kernels = weight.flatten(3).unflatten(2, (groups, -1))
    maps = torch.einsum("ngkrs,rsgok->ngors", windows, kernels).flatten(1, 2)
    if bias is None:
        return maps
    return maps + (bias if bias.ndim == 3 else bias[:, None, None])


def places2d(
    size: Sequence[int],
    kernel_size: Numbers,
    *,
    stride: Numbers = 1,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> tuple[int, int]:
    """Return rows and columns of a convolution's result, from height and width of the images.

    Raises:
        ShapeError: The kernel does not fit, or a number is out of range.

    >>> places2d((150, 100), 5, padding="same")
    (150, 100)
    """
    check_fit(size, kernel_size, stride=stride, padding=padding, dilation=dilation)
    taps, strides = per_axis(kernel_size, 2, "kernel_size"), per_axis(stride, 2, "stride")
    steps = per_axis(dilation, 2, "dilation")
    pairs = padding_pairs(padding, size, taps, stride=strides, dilation=steps)
    rows, columns = (
        output_size(n, k, stride=s, padding=pair, dilation=d)
        for n, k, s, pair, d in zip(size, taps, strides, pairs, steps, strict=True)
    )
    return rows, columns


def _check_weight(
    images: Tensor, weight: Tensor, bias: Tensor | None, places: tuple[int, int], groups: int
) -> None:
    rows, columns, out_channels, read = weight.shape[:4]
    check_groups(images.shape[1], out_channels, groups)
    if (rows, columns) != places or read != images.shape[1] // groups:
        expected = (*places, out_channels, images.shape[1] // groups, *weight.shape[4:])
        raise ShapeError(
            f"weight has shape {tuple(weight.shape)}; images {tuple(images.shape)} with these "
            f"settings have {places[0]} x {places[1]} places, so it must be {expected}"
        )
    if bias is not None and tuple(bias.shape) not in {(out_channels,), (out_channels, *places)}:
        raise ShapeError(
            f"bias has shape {tuple(bias.shape)}; it must be {(out_channels,)} or "
            f"{(out_channels, *places)}"
        )
