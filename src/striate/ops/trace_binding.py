"""An operation bound to the images it reads: axes, weights and channels, checked once."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.borders import AXIS_NAMES
from striate.ops.operations import Convolution, Operation, Pooling
from striate.ops.shape_checks import check_channels, check_groups
from striate.ops.trace_axis import Axis
from striate.ops.trace_layout import axes_of

__all__ = ["Bound", "bind"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bound:
    """An operation and one image, in float64 on the CPU.

    Attributes:
        operation: As it was given.
        images: The image, channels first.
        axes: How each axis is read.
        weight: In PyTorch's layout; None for a pooling.
        bias: One number an output channel, or an output cell where weights are not shared; or None.
        out_channels: Channels of the output.
    """

    operation: Operation
    images: Float[Tensor, "c *sizes"]
    axes: tuple[Axis, ...]
    weight: Float[Tensor, "..."] | None
    bias: Float[Tensor, "o *places"] | None
    out_channels: int

    @property
    def input_size(self) -> tuple[int, ...]:
        """Cells of the input, an axis each."""
        return tuple(axis.size for axis in self.axes)

    @property
    def output_size(self) -> tuple[int, ...]:
        """Cells of the output, an axis each."""
        return tuple(axis.output_size for axis in self.axes)

    def inputs_of(self, channel: int) -> range:
        """Return the input channels that the output channel `channel` reads."""
        if isinstance(self.operation, Pooling):
            return range(channel, channel + 1)
        groups = self.operation.groups
        count = self.images.shape[0] // groups
        first = channel // (self.out_channels // groups) * count
        return range(first, first + count)

    def outputs_of(self, channel: int) -> range:
        """Return the output channels that read the input channel `channel`."""
        if isinstance(self.operation, Pooling):
            return range(channel, channel + 1)
        groups = self.operation.groups
        count = self.out_channels // groups
        first = channel // (self.images.shape[0] // groups) * count
        return range(first, first + count)

    @property
    def shared(self) -> bool:
        """Whether the weights are the same at every place."""
        return self.weight is None or self.weight.ndim == len(self.axes) + 2

    def kernels(self, channel: int, at: tuple[int, ...] = ()) -> Float[Tensor, "i *taps"]:
        """Return the weights between the output channel `channel` and the inputs it reads.

        Args:
            channel: Output channel.
            at: Place of the output cell; heeded where weights are not shared.
        """
        if self.weight is None or not isinstance(self.operation, Convolution):
            raise ShapeError("a pooling has no weights")
        if not self.shared:
            return self.weight[(*at, channel)]
        if not self.operation.transposed:
            return self.weight[channel]
        inputs = self.inputs_of(channel)
        return self.weight[inputs.start : inputs.stop, channel - self.outputs_of(inputs[0]).start]

    def bias_at(self, channel: int, at: tuple[int, ...]) -> float | None:
        """Return what is added to the sum of an output cell; None if there is no bias."""
        if self.bias is None:
            return None
        return float(self.bias[channel] if self.bias.ndim == 1 else self.bias[(channel, *at)])


def bind(
    images: Shaped[Tensor, "*shape"], operation: Operation, axes: int, image: int = 0
) -> Bound:
    """Return `operation` bound to one image of `images`.

    Args:
        images: A map of `axes` axes, channels and map, or a batch of those.
        operation: What is done to it.
        axes: Axes of the map, one to three.
        image: Which image of a batch.

    Raises:
        ShapeError: Whole or complex numbers, ranks, channels or settings that do not fit, or a
            kernel that spans more than the padded map.
    """
    if axes not in AXIS_NAMES:
        raise ShapeError(f"a place has {axes} numbers; maps have one, two or three axes")
    planes = _planes(images, axes, image)
    sizes = tuple(planes.shape[1:])
    if min(planes.shape) < 1:
        raise ShapeError(f"images: shape {tuple(images.shape)}; there is no cell to read")
    if isinstance(operation, Pooling):
        return Bound(
            operation=operation, images=planes, axes=axes_of(operation, sizes), weight=None,
            bias=None, out_channels=planes.shape[0],
        )  # fmt: skip
    weight = _weight(operation.weight, axes)
    bias = None if operation.bias is None else _real(operation.bias, "bias")
    out_channels = _out_channels(operation, planes, weight, bias)
    read = axes_of(operation, sizes, weight.shape[-axes:])
    if weight.ndim > axes + 2:
        _check_unshared(weight, bias, tuple(axis.output_size for axis in read))
    return Bound(
        operation=operation, images=planes, axes=read, weight=weight, bias=bias,
        out_channels=out_channels,
    )  # fmt: skip


def _planes(images: Tensor, axes: int, image: int) -> Tensor:
    """Return one image, channels first."""
    ranks = range(axes, axes + 3)
    if images.ndim not in ranks:
        names = ", ".join(AXIS_NAMES[axes])
        raise ShapeError(
            f"images: shape {tuple(images.shape)}; for a place of {axes} "
            f"{'number' if axes == 1 else 'numbers'} it must be ({names}), (c, {names}) "
            f"or (n, c, {names})"
        )
    images = _real(images, "images")
    if images.ndim < axes + 2:
        images = images[None] if images.ndim == axes + 1 else images[None, None]
    if not 0 <= image < images.shape[0]:
        raise ShapeError(f"image is {image}; the batch has {images.shape[0]}, counted from 0")
    return images[image]


def _real(tensor: Tensor, name: str) -> Tensor:
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.is_complex():
        raise ShapeError(f"{name}: {dtype} numbers; take {name}.real and {name}.imag one by one")
    if not tensor.is_floating_point():
        raise ShapeError(f"{name}: {dtype} numbers; they must be floating point: {name}.float()")
    return tensor.detach().to("cpu", torch.float64)


def _weight(weight: Tensor, axes: int) -> Tensor:
    """Return weights in PyTorch's layout; a bare kernel is that of one channel in, one out."""
    if weight.ndim not in (axes, axes + 2) and (weight.ndim, axes) != (6, 2):
        names = ", ".join(AXIS_NAMES[axes])
        raise ShapeError(
            f"weight: shape {tuple(weight.shape)}; for a place of {axes} "
            f"{'number' if axes == 1 else 'numbers'} it must be a kernel ({names}) or weights "
            f"(o, i, {names})"
        )
    if not weight.numel():
        raise ShapeError(f"weight: shape {tuple(weight.shape)}; a kernel has a number or more")
    return _real(weight[None, None] if weight.ndim == axes else weight, "weight")


def _out_channels(
    operation: Convolution, planes: Tensor, weight: Tensor, bias: Tensor | None
) -> int:
    groups = operation.groups
    if not operation.transposed:
        one = weight if weight.ndim == planes.ndim + 1 else weight[0, 0]  # not shared: of a place
        check_channels(planes[None], one, bias if bias is None or bias.ndim == 1 else None, groups)
        return one.shape[0]
    out_channels = weight.shape[1] * groups
    check_groups(weight.shape[0], out_channels, groups)
    if weight.shape[0] != planes.shape[0]:
        raise ShapeError(
            f"weight has shape {tuple(weight.shape)} and reads {weight.shape[0]} channels, "
            f"but images have {planes.shape[0]}"
        )
    if bias is not None and tuple(bias.shape) != (out_channels,):
        raise ShapeError(
            f"bias has shape {tuple(bias.shape)}; it must be one number for each of the "
            f"{out_channels} output channels"
        )
    return out_channels


def _check_unshared(weight: Tensor, bias: Tensor | None, places: tuple[int, ...]) -> None:
    """Refuse weights, or a bias, of other places than the output has."""
    if tuple(weight.shape[:2]) != places:
        raise ShapeError(
            f"weight has kernels for {' x '.join(map(str, weight.shape[:2]))} places, "
            f"but the output has {' x '.join(map(str, places))}"
        )
    if bias is not None and tuple(bias.shape) not in (
        (weight.shape[2],),
        (weight.shape[2], *places),
    ):
        raise ShapeError(
            f"bias has shape {tuple(bias.shape)}; it must be {(weight.shape[2],)} "
            f"or {(weight.shape[2], *places)}"
        )
