"""The whole map that a bound operation puts out, as the cells of a trace stand in it."""

import torch
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.convolution import conv1d, conv2d, conv3d
from striate.ops.locally_connected import locally_connected2d
from striate.ops.operations import Convolution, Pooling
from striate.ops.trace_axis import Axis
from striate.ops.trace_binding import Bound
from striate.ops.transposed import conv_transpose1d, conv_transpose2d, conv_transpose3d

__all__ = ["output_map"]

_CONVOLVE = (conv1d, conv2d, conv3d)
_TRANSPOSE = (conv_transpose1d, conv_transpose2d, conv_transpose3d)


def output_map(bound: Bound, channel: int) -> Float[Tensor, "*places"]:
    """Return one output channel of a bound operation, in float64.

    >>> from striate.ops.operations import Pooling
    >>> from striate.ops.trace_binding import bind
    >>> output_map(bind(torch.arange(4.0), Pooling("max", 2), 1), 0).tolist()
    [1.0, 3.0]
    """
    inputs, operation = bound.inputs_of(channel), bound.operation
    planes = bound.images[inputs.start : inputs.stop]
    if isinstance(operation, Pooling):
        return _pooled(planes[0], bound.axes, operation)
    if not bound.shared:
        return _unshared(bound, planes, channel)
    kernels, number = bound.kernels(channel), len(bound.axes) - 1
    if operation.transposed:
        result = _TRANSPOSE[number](
            planes[None], kernels[:, None], stride=operation.stride, padding=operation.padding,
            output_padding=operation.output_padding, dilation=operation.dilation,
            flip=operation.flip,
        )  # fmt: skip
    else:
        result = _CONVOLVE[number](
            planes[None], kernels[None], stride=operation.stride, padding=operation.padding,
            dilation=operation.dilation, padding_mode=operation.padding_mode, flip=operation.flip,
        )  # fmt: skip
    return result[0, 0] + (0.0 if bound.bias is None else bound.bias[channel])


def _unshared(bound: Bound, planes: Tensor, channel: int) -> Tensor:
    operation, weight = bound.operation, bound.weight
    if weight is None or not isinstance(operation, Convolution):
        raise ShapeError("a pooling has no weights")
    kernels = weight[:, :, channel : channel + 1]
    result = locally_connected2d(
        planes[None], kernels.flip(4, 5) if operation.flip else kernels, stride=operation.stride,
        padding=operation.padding, dilation=operation.dilation, padding_mode=operation.padding_mode,
    )[0, 0]  # fmt: skip
    return result if bound.bias is None else result + bound.bias[channel]


def _pooled(plane: Tensor, axes: tuple[Axis, ...], operation: Pooling) -> Tensor:
    """Return the pooling of one channel, an axis at a time: its windows are products of axes."""
    counts = torch.ones((), dtype=torch.float64)
    for number, axis in enumerate(axes):
        windows = [axis.window(place) for place in range(axis.output_size)]
        cells = [[tap.source for tap in taps if tap.source is not None] for taps in windows]
        plane = torch.stack([_one(plane, number, real, operation.which) for real in cells], number)
        counted = windows if operation.count_padding else cells
        along = torch.tensor([float(len(each)) for each in counted], dtype=torch.float64)
        counts = counts[..., None] * along
    if operation.which != "average":
        return plane
    return plane / (counts if operation.divisor is None else operation.divisor)


def _one(plane: Tensor, axis: int, cells: list[int], which: str) -> Tensor:
    read = plane.index_select(axis, torch.tensor(cells, dtype=torch.long))
    if which == "average":
        return read.sum(axis)
    if not cells:
        lost = torch.full_like(plane.sum(axis), float("inf"))
        return -lost if which == "max" else lost
    return read.amax(axis) if which == "max" else read.amin(axis)
