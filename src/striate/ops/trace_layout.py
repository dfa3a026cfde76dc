"""How each axis of a map is read, from the settings of an operation; plain integers."""

from collections.abc import Sequence

from striate._errors import ShapeError
from striate.ops.arithmetic import transposed_output_size
from striate.ops.borders import PADDING_MODES
from striate.ops.operations import Convolution, Operation, Pooling
from striate.ops.padding import Padding, padding_pairs, per_axis
from striate.ops.shape_checks import check_fit
from striate.ops.trace_axis import AdaptiveAxis, Axis, SlidingAxis, StretchedAxis

__all__ = ["axes_of"]


def axes_of(
    operation: Operation, sizes: Sequence[int], taps: Sequence[int] = ()
) -> tuple[Axis, ...]:
    """Return how `operation` reads a map of `sizes`.

    Args:
        operation: What is done to the map.
        sizes: Cells of each axis.
        taps: Taps of a convolution's kernel along each axis.

    Raises:
        ShapeError: A setting that does not fit, or a kernel that spans more than the padded map.

    >>> from striate.ops.operations import Pooling
    >>> [axis.output_size for axis in axes_of(Pooling("max", 2), (8, 9))]
    [4, 4]
    """
    if isinstance(operation, Pooling):
        return _pooling(operation, sizes)
    return (_stretched if operation.transposed else _sliding)(operation, sizes, taps)


def _sliding(operation: Convolution, sizes: Sequence[int], taps: Sequence[int]) -> tuple[Axis, ...]:
    if operation.padding_mode not in PADDING_MODES:
        raise ShapeError(
            f"padding_mode is {operation.padding_mode!r}; it must be one of "
            f"{', '.join(PADDING_MODES)}"
        )
    return tuple(
        SlidingAxis(
            size=size, kernel_size=k, stride=s, before=before, after=after, dilation=d,
            padding_mode=operation.padding_mode, flip=operation.flip,
        )
        for size, k, s, (before, after), d in _numbers(operation, sizes, taps, operation.stride)
    )  # fmt: skip


def _pooling(operation: Pooling, sizes: Sequence[int]) -> tuple[Axis, ...]:
    n = len(sizes)
    if operation.kernel_size is None:
        wanted = operation.output_size
        given = tuple(wanted) if isinstance(wanted, Sequence) else (wanted,) * n
        if len(given) != n:
            raise ShapeError(f"output_size is {wanted!r}; it must be one number, or {n}")
        outs = [size if out is None else out for out, size in zip(given, sizes, strict=True)]
        per_axis(outs, n, "output_size")
        return tuple(
            AdaptiveAxis(size=size, output_size=out) for size, out in zip(sizes, outs, strict=True)
        )
    taps = per_axis(operation.kernel_size, n, "kernel_size")
    stride = taps if operation.stride is None else operation.stride
    axes = tuple(
        SlidingAxis(
            size=size, kernel_size=k, stride=s, before=before, after=after, dilation=d,
            ceil=operation.ceil,
        )
        for size, k, s, (before, after), d in _numbers(operation, sizes, taps, stride)
    )  # fmt: skip
    if min(axis.output_size for axis in axes) < 1:
        check_fit(
            sizes, taps, stride=stride, padding=operation.padding, dilation=operation.dilation
        )
    return axes


def _numbers(
    operation: Operation, sizes: Sequence[int], taps: Sequence[int], stride: int | Sequence[int]
) -> list[tuple[int, int, int, tuple[int, int], int]]:
    """Return size, taps, stride, padding and dilation of each axis of a window that slides."""
    padding, dilation = operation.padding, operation.dilation
    if not (isinstance(operation, Pooling) and operation.ceil):
        # With ceil a first window may hang over the end: there the places decide, not the span.
        check_fit(sizes, taps, stride=stride, padding=padding, dilation=dilation)
    strides = per_axis(stride, len(sizes), "stride")
    dilations = per_axis(dilation, len(sizes), "dilation")
    pairs = padding_pairs(padding, sizes, taps, stride=strides, dilation=dilations)
    return list(zip(sizes, taps, strides, pairs, dilations, strict=True))


def _stretched(
    operation: Convolution, sizes: Sequence[int], taps: Sequence[int]
) -> tuple[Axis, ...]:
    n = len(sizes)
    if operation.padding_mode != "zeros":
        raise ShapeError(
            f"padding_mode is {operation.padding_mode!r}; a transposed convolution takes 'zeros'"
        )
    stride = per_axis(operation.stride, n, "stride")
    dilation = per_axis(operation.dilation, n, "dilation")
    extra = per_axis(operation.output_padding, n, "output_padding", least=0)
    axes: list[Axis] = []
    for axis, size in enumerate(sizes):
        padding = _of_axis(operation.padding, axis, n)
        settings = {"stride": stride[axis], "dilation": dilation[axis]}
        out = transposed_output_size(
            size, taps[axis], padding=padding, output_padding=extra[axis], **settings
        )
        shared = padding if isinstance(padding, str) else (padding,)
        ((before, _),) = padding_pairs(shared, (out,), taps[axis], **settings)
        axes.append(
            StretchedAxis(
                size=size, output_size=out, kernel_size=taps[axis], stretch=stride[axis],
                before=before, dilation=dilation[axis], flip=operation.flip,
            )
        )  # fmt: skip
    return tuple(axes)


def _of_axis(padding: Padding, axis: int, axes: int) -> str | tuple[int, int]:
    if isinstance(padding, str):
        return padding
    return padding_pairs(padding, (1,) * axes, 1)[axis]
