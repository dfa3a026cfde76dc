"""Transposed convolutions: the way back through a convolution, with every padding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import starmap

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.arithmetic import AxisPadding, axis_padding, transposed_output_size
from striate.ops.borders import AXIS_NAMES
from striate.ops.padding import Padding, padding_pairs, per_axis
from striate.ops.shape_checks import check_groups, check_tensor

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

Numbers = int | Sequence[int]


def conv_transpose1d(
    images: Float[Tensor, "n c length"],
    weight: Float[Tensor, "c o k"],
    bias: Float[Tensor, " channels"] | None = None,
    *,
    stride: Numbers = 1,
    padding: Padding = "valid",
    output_padding: Numbers = 0,
    output_size: Numbers | None = None,
    dilation: Numbers = 1,
    groups: int = 1,
    flip: bool = False,
) -> Float[Tensor, "n channels places"]:
    """Return the transposed convolution of sequences; as `conv_transpose2d`, with one axis.

    >>> import torch
    >>> conv_transpose1d(torch.tensor([[[1.0, 2.0]]]), torch.ones(1, 1, 3), stride=2).tolist()
    [[[1.0, 1.0, 3.0, 2.0, 2.0]]]
    """
    return _transpose(
        F.conv_transpose1d, 1, images, weight, bias,
        stride=stride, padding=padding, output_padding=output_padding, output_size=output_size,
        dilation=dilation, groups=groups, flip=flip,
    )  # fmt: skip


def conv_transpose2d(
    images: Float[Tensor, "n c h w"],
    weight: Float[Tensor, "c o kh kw"],
    bias: Float[Tensor, " channels"] | None = None,
    *,
    stride: Numbers = 1,
    padding: Padding = "valid",
    output_padding: Numbers = 0,
    output_size: Numbers | None = None,
    dilation: Numbers = 1,
    groups: int = 1,
    flip: bool = False,
) -> Float[Tensor, "n channels rows columns"]:
    """Return the transposed convolution of images: the adjoint of `conv2d` with the same settings.

    For images x of the size of the result and maps y of the size of `images`,

        sum(conv2d(x, weight, ...) * y) = sum(x * conv_transpose2d(y, weight, ...))

    Each pixel puts the kernel, times itself, down `stride` pixels from where its neighbour does;
    what the padding of the convolution added is cut off again. It is the gradient of `conv2d` by
    its input, not its inverse.

    Args:
        images: Batch; floating point.
        weight: Kernels, laid out as PyTorch's: (channels of `images`, output channels / groups,
            height, width). It is the weight of the convolution that is transposed.
        bias: One number an output channel.
        stride: Pixels between what two neighbouring pixels put down.
        padding: Padding of the convolution that is transposed, as in `conv2d`. `"valid"` cuts
            nothing off; `"same"` gives a result of size * stride, as TensorFlow's; `"full"` makes
            it smaller.
        output_padding: Pixels more at the far ends. A convolution of stride s > 1 takes s sizes to
            one; the result has the least of them, and this chooses another.
        output_size: Height and width of the result, in place of `output_padding`.
        dilation: Pixels between two neighbouring taps.
        groups: Parts of the channels that do not see one another.
        flip: Turn the kernels round first: the adjoint of `conv2d` with `flip`.

    Raises:
        ShapeError: Another rank, whole or complex numbers, channels that do not fit, nothing left
            after cutting, or an `output_size` that no such convolution takes to `images`.

    Source:
        Dumoulin and Visin, arXiv:1603.07285, section 4; Zeiler et al., "Deconvolutional
        networks", 2010.

    >>> import torch
    >>> conv_transpose2d(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 2, 2)).tolist()
    [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    >>> small, kernel = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)
    >>> conv_transpose2d(small, kernel, stride=2, padding="same").shape
    torch.Size([1, 1, 8, 8])
    >>> conv_transpose2d(small, kernel, stride=2, padding="same", output_size=(7, 8)).shape
    torch.Size([1, 1, 7, 8])
    """
    return _transpose(
        F.conv_transpose2d, 2, images, weight, bias,
        stride=stride, padding=padding, output_padding=output_padding, output_size=output_size,
        dilation=dilation, groups=groups, flip=flip,
    )  # fmt: skip


def conv_transpose3d(
    images: Float[Tensor, "n c d h w"],
    weight: Float[Tensor, "c o kd kh kw"],
    bias: Float[Tensor, " channels"] | None = None,
    *,
    stride: Numbers = 1,
    padding: Padding = "valid",
    output_padding: Numbers = 0,
    output_size: Numbers | None = None,
    dilation: Numbers = 1,
    groups: int = 1,
    flip: bool = False,
) -> Float[Tensor, "n channels slices rows columns"]:
    """Return the transposed convolution of volumes; as `conv_transpose2d`, with three axes.

    >>> import torch
    >>> conv_transpose3d(torch.ones(1, 2, 1, 2, 3), torch.ones(2, 4, 2, 2, 2), stride=2).shape
    torch.Size([1, 4, 2, 4, 6])
    """
    return _transpose(
        F.conv_transpose3d, 3, images, weight, bias,
        stride=stride, padding=padding, output_padding=output_padding, output_size=output_size,
        dilation=dilation, groups=groups, flip=flip,
    )  # fmt: skip


def _transpose(
    run: Callable[..., Tensor],
    axes: int,
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: Numbers,
    padding: Padding,
    output_padding: Numbers,
    output_size: Numbers | None,
    dilation: Numbers,
    groups: int,
    flip: bool,
) -> Tensor:
    """Run `run` at once where PyTorch knows how to cut, else cut the rest off its result."""
    # Whole and complex numbers PyTorch would take, and one image without a batch.
    check_tensor(images, axes)
    check_tensor(weight, axes, "weight")
    kernel = weight.flip(tuple(range(2, axes + 2))) if flip else weight
    even = 0 if padding == "valid" else padding
    options = (stride, padding, output_padding, output_size, dilation)
    if isinstance(even, int) and output_size is None:
        try:
            result = run(images, kernel, bias, stride, even, output_padding, groups, dilation)
        except (RuntimeError, TypeError) as error:
            try:
                _cuts(images, weight, bias, groups, *options)
            except ShapeError as refusal:
                raise refusal from error
            raise
        if 0 in result.shape[2:]:
            _cuts(images, weight, bias, groups, *options)  # of images it refuses to leave nothing
        return result
    cuts = _cuts(images, weight, bias, groups, *options)
    trimmed, extended = [cut.trimmed for cut in cuts], [cut.extended for cut in cuts]
    result = run(images, kernel, bias, stride, trimmed, extended, groups, dilation)
    for axis, cut in enumerate(cuts, start=2):
        if result.shape[axis] != cut.size:
            result = result.narrow(axis, cut.start, cut.size)
    return result


def _cuts(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    groups: int,
    stride: Numbers,
    padding: Padding,
    output_padding: Numbers,
    output_size: Numbers | None,
    dilation: Numbers,
) -> list["_Cut"]:
    """Return how each axis comes to its size, after a look at all the numbers."""
    axes = images.ndim - 2
    _check_channels(images, weight, bias, groups)
    every = [
        per_axis(value, axes, name, least=least)
        for value, name, least in (
            (tuple(weight.shape[2:]), "kernel_size", 1),
            (stride, "stride", 1),
            (dilation, "dilation", 1),
            (output_padding, "output_padding", 0),
        )
    ]
    paddings = _each_axis(padding, axes)
    windows = list(starmap(_Window, zip(AXIS_NAMES[axes], *every, paddings, strict=True)))
    wanted = (None,) * axes if output_size is None else per_axis(output_size, axes, "output_size")
    return [w.cut(n, out) for w, n, out in zip(windows, images.shape[2:], wanted, strict=True)]


@dataclass(frozen=True)
class _Cut:
    """How one axis comes to its size: what PyTorch trims and adds, and the part kept of that."""

    trimmed: int
    extended: int
    start: int
    size: int


@dataclass(frozen=True)
class _Window:
    """One axis of the convolution that is transposed."""

    axis: str
    kernel_size: int
    stride: int
    dilation: int
    output_padding: int
    padding: AxisPadding

    def cut(self, size: int, wanted: int | None) -> _Cut:
        """Return how `size` pixels become `wanted`; None is what the other numbers say."""
        out = self._default(size) if wanted is None else self._agreed(size, wanted)
        before, _ = self._pads(out)
        after = self._whole(size) - out - before  # below 0: cells that no pixel reaches
        # PyTorch trims both ends alike and extends the far one, but by no more than this.
        most = max(self.stride, self.dilation) - 1
        trimmed = before if before - after <= most else max(after, 0)
        return _Cut(trimmed, max(trimmed - after, 0), before - trimmed, out)

    def _whole(self, size: int) -> int:
        """Return how many cells `size` pixels put something down on."""
        return (size - 1) * self.stride + self.dilation * (self.kernel_size - 1) + 1

    def _pads(self, out: int) -> tuple[int, int]:
        return axis_padding(
            self.padding, out, self.kernel_size, stride=self.stride, dilation=self.dilation
        )

    def _default(self, size: int) -> int:
        return transposed_output_size(
            size, self.kernel_size, stride=self.stride, padding=self.padding,
            output_padding=self.output_padding, dilation=self.dilation,
        )  # fmt: skip

    def _agreed(self, size: int, wanted: int) -> int:
        """Return `wanted` if the convolution takes it to `size`, else refuse it."""
        if self.output_padding:
            raise ShapeError(
                f"output_padding is {self.output_padding}, and output_size is given too; "
                "leave one of them out"
            )
        if self.padding == "same":
            least = (size - 1) * self.stride + 1
        else:
            least = self._whole(size) - sum(self._pads(1))
        most = least + self.stride - 1
        if not max(least, 1) <= wanted <= most:
            raise ShapeError(
                f"output_size asks for a {self.axis} of {wanted}, which the convolution does not "
                f"take to {size}; {max(least, 1)} to {most} would do"
            )
        return wanted


def _each_axis(padding: Padding, axes: int) -> Sequence[AxisPadding]:
    """Return the word for each axis, or the pair of each."""
    if isinstance(padding, str):
        return (padding,) * axes
    return padding_pairs(padding, (1,) * axes, 1)


def _check_channels(images: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    if images.shape[1] != weight.shape[0]:
        raise ShapeError(
            f"weight has shape {tuple(weight.shape)} and reads {weight.shape[0]} channels; images "
            f"have {images.shape[1]} (a transposed weight is laid out as (in, out / groups, ...))"
        )
    check_groups(images.shape[1], images.shape[1], groups)  # any number divides those after
    out_channels = weight.shape[1] * groups
    if bias is not None and tuple(bias.shape) != (out_channels,):
        raise ShapeError(
            f"bias has shape {tuple(bias.shape)}; it must be one number for each of the "
            f"{out_channels} output channels"
        )
