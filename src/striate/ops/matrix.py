"""Convolution as a sparse matrix, and the transposed convolution as its transpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.arithmetic import axis_padding, output_size, transposed_output_size
from striate.ops.padding import Padding, padding_pairs, per_axis
from striate.ops.shape_checks import check_fit, check_groups, check_tensor

__all__ = ["convolution_matrix", "transposed_convolution_matrix"]


def convolution_matrix(
    weight: Float[Tensor, "o i *taps"],
    size: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Tensor, "outputs inputs"]:
    """Return the matrix that does to a flattened image what a convolution does to the image.

        conv(image).flatten() = matrix @ image.flatten() + bias of each row's channel

    Row (o, r, s) holds the kernel of output channel o, laid where output (r, s) reads it; what
    lies on padding has no entry. Rows of a channel hold the same numbers at other places (in one
    dimension and with stride 1, a Toeplitz matrix); in groups it is block diagonal. With outputs
    and inputs of thousands of numbers it is far slower than the convolution: it is for looking
    at, for proofs and for solvers.

    Args:
        weight: Kernels, laid out as PyTorch's, of 1 to 3 axes; i = input channels / groups.
        size: Length of the image along each axis, in pixels; one number for all, or one an axis.
        stride: As in `conv2d`; so too the rest.
        padding: A word, a number, or one entry an axis.
        dilation: Pixels between two neighbouring taps.
        groups: Parts of the channels that do not see one another.

    Returns:
        A sparse tensor (COO, coalesced), one row an output and one column an input, in the order
        of `flatten`. Gradients flow to `weight`. Its adjoint is `matrix.T`: the gradient with
        respect to the image, and the transposed convolution.

    Raises:
        ShapeError: Another rank, whole or complex numbers, groups that do not divide the output
            channels, or a kernel larger than the padded image.

    Source:
        Dumoulin and Visin, arXiv:1603.07285, section 4.1.

    >>> import torch
    >>> convolution_matrix(torch.tensor([[[1.0, 2.0, 3.0]]]), 4, padding=1).to_dense()
    tensor([[2., 3., 0., 0.],
            [1., 2., 3., 0.],
            [0., 1., 2., 3.],
            [0., 0., 1., 2.]])
    """
    axes = _axes(weight)
    sizes, taps = per_axis(size, axes, "size"), weight.shape[2:]
    strides, dilations = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    check_groups(weight.shape[1] * groups, weight.shape[0], groups)
    check_fit(sizes, taps, stride=strides, padding=padding, dilation=dilations)
    pairs = padding_pairs(padding, sizes, taps, stride=strides, dilation=dilations)
    lines = [
        _Line(n, k, output_size(n, k, stride=s, padding=pair, dilation=d), s, d, pair[0])
        for n, k, s, d, pair in zip(sizes, taps, strides, dilations, pairs, strict=True)
    ]
    return _laid_out(weight, lines, groups)


def transposed_convolution_matrix(
    weight: Float[Tensor, "i o *taps"],
    size: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    output_padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Float[Tensor, "outputs inputs"]:
    """Return the matrix of a transposed convolution: the transpose of a convolution's.

    The convolution is the one with the same numbers that leads from its output back to its input.
    That is why a transposed convolution is no inverse: matrix @ matrix.T is not the identity.

    Args:
        weight: Kernels, laid out as PyTorch's for transposed convolution: input channels first.
        size: Length of the *input* along each axis, in pixels.
        stride: As in `conv_transpose2d`; so too the rest.
        padding: A word, a number, or one entry an axis; it is cut off.
        output_padding: Pixels more at the far end, where several sizes lead to the input's.
        dilation: Pixels between two neighbouring taps.
        groups: Parts of the channels that do not see one another.

    Returns:
        As `convolution_matrix`.

    Raises:
        ShapeError: As `convolution_matrix`; or nothing is left behind the padding.

    Source:
        Dumoulin and Visin, arXiv:1603.07285, sections 4.1 and 4.2.

    >>> import torch
    >>> transposed_convolution_matrix(torch.tensor([[[1.0, 2.0, 3.0]]]), 2, stride=2).to_dense()
    tensor([[1., 0.],
            [2., 0.],
            [3., 1.],
            [0., 2.],
            [0., 3.]])
    """
    axes = _axes(weight)
    sizes, taps = per_axis(size, axes, "size"), weight.shape[2:]
    strides, dilations = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    extras = per_axis(output_padding, axes, "output_padding", least=0)
    check_groups(weight.shape[0], weight.shape[1] * groups, groups)
    words = isinstance(padding, str)  # a word is for all axes; numbers become a pair for each
    pairs = (padding,) * axes if words else padding_pairs(padding, sizes, taps)
    lines = []
    for n, k, s, d, pair, extra in zip(sizes, taps, strides, dilations, pairs, extras, strict=True):
        out = transposed_output_size(n, k, stride=s, padding=pair, output_padding=extra, dilation=d)
        before, _ = axis_padding(pair, out, k, stride=s, dilation=d)
        lines.append(_Line(out, k, n, s, d, before))
    return _laid_out(weight, lines, groups).T.coalesce()


@dataclass(frozen=True)
class _Line:
    """One axis of a convolution: from `size` pixels to `places`."""

    size: int
    taps: int
    places: int
    stride: int
    dilation: int
    before: int


def _axes(weight: Tensor) -> int:
    axes = weight.ndim - 2
    if axes not in (1, 2, 3):
        raise ShapeError(
            f"weight has shape {tuple(weight.shape)}; it must have two axes for the channels and "
            "then 1, 2 or 3: weight[None, None] makes a kernel of one channel"
        )
    check_tensor(weight, axes, "weight")
    return axes


def _laid_out(weight: Tensor, lines: Sequence[_Line], groups: int) -> Tensor:
    place, tap, pixel = _meetings(lines, weight.device)
    outputs, inputs = weight.shape[:2]
    places, pixels = prod(line.places for line in lines), prod(line.size for line in lines)
    channel = torch.arange(outputs, device=weight.device)
    group = channel // (outputs // groups)
    read = group[:, None] * inputs + torch.arange(inputs, device=weight.device)  # (o, i)
    rows = (channel[:, None, None] * places + place).expand(outputs, inputs, -1)
    columns = read[:, :, None] * pixels + pixel
    values = weight.reshape(outputs, inputs, -1)[:, :, tap]
    return torch.sparse_coo_tensor(
        torch.stack([rows.flatten(), columns.flatten()]),
        values.flatten(),
        (outputs * places, inputs * groups * pixels),
        check_invariants=True,
    ).coalesce()


def _meetings(lines: Sequence[_Line], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return which tap meets which pixel at which place, padding left out: three flat indices."""
    place = tap = pixel = torch.zeros(1, dtype=torch.long, device=device)
    for line in lines:
        starts = torch.arange(line.places, device=device) * line.stride - line.before
        cells = starts[:, None] + torch.arange(line.taps, device=device) * line.dilation
        p, t = ((cells >= 0) & (cells < line.size)).nonzero(as_tuple=True)
        place = (place[:, None] * line.places + p).flatten()
        tap = (tap[:, None] * line.taps + t).flatten()
        pixel = (pixel[:, None] * line.size + cells[p, t]).flatten()
    return place, tap, pixel
