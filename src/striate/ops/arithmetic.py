"""Sizes of convolutions and poolings, as plain integers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from striate._errors import ShapeError

__all__ = ["Window", "chain_output_size", "least_size", "output_size", "padding_same"]


@dataclass(frozen=True)
class Window:
    """What a convolution or a pooling does to one axis; fields as in `output_size`."""

    kernel_size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


def output_size(
    size: int, kernel_size: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Return the length of one axis after a convolution or a pooling.

    The kernel, spread out by `dilation`, spans `dilation * (kernel_size - 1) + 1` pixels.
    It is laid at every `stride`-th place of the padded axis where all of it fits:

        out = floor((size + 2 * padding - span) / stride) + 1

    Pixels left over at the far end are never read.

    Args:
        size: Length of the axis before, in pixels.
        kernel_size: Length of the kernel, in taps.
        stride: Pixels between two neighbouring places.
        padding: Pixels added at *each* end.
        dilation: Pixels between two neighbouring taps; 1 is a dense kernel.

    Returns:
        Length of the axis after, in pixels; at least 1.

    Raises:
        ShapeError: The kernel spans more than the padded axis, or a number is out of range.

    Source:
        Dumoulin and Visin, "A guide to convolution arithmetic for deep learning",
        arXiv:1603.07285, relationship 15.

    >>> output_size(224, 7, stride=2, padding=3)  # the stem of ResNet
    112
    >>> output_size(5, 4, dilation=2)
    Traceback (most recent call last):
    ...
    striate._errors.ShapeError: kernel spans 7 pixels (4 taps, dilation 2), but the axis \
has 5 (size 5, padding 0); padding=1 is the least that fits
    """
    _check(size=size, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
    span = dilation * (kernel_size - 1) + 1
    room = size + 2 * padding
    if span > room:
        least = padding + (span - room + 1) // 2
        raise ShapeError(
            f"kernel spans {span} pixels ({kernel_size} taps, dilation {dilation}), "
            f"but the axis has {room} (size {size}, padding {padding}); "
            f"padding={least} is the least that fits"
        )
    return (room - span) // stride + 1


def padding_same(
    size: int, kernel_size: int, *, stride: int = 1, dilation: int = 1
) -> tuple[int, int]:
    """Return the pixels to add before and after one axis so that it ends as ceil(size / stride).

    This is TensorFlow's SAME: the least padding with that result, the odd pixel after.

    >>> padding_same(224, 3, stride=2)
    (0, 1)
    >>> padding_same(28, 5)
    (2, 2)
    """
    _check(size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel_size - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def chain_output_size(size: int, windows: Iterable[Window]) -> int:
    """Return the length of one axis after several windows, one behind the other.

    Raises:
        ShapeError: One of them does not fit; the text says the least `size` with which all do.

    >>> chain_output_size(28, [Window(3), Window(2, stride=2), Window(3)])
    11
    >>> chain_output_size(4, [Window(3), Window(2, stride=2), Window(3)])
    Traceback (most recent call last):
    ...
    striate._errors.ShapeError: 4 pixels are too few for these layers; 8 is the least that works
    """
    windows = list(windows)
    if size < (least := least_size(windows)):
        raise ShapeError(
            f"{size} pixels are too few for these layers; {least} is the least that works"
        )
    for window in windows:
        size = output_size(
            size,
            window.kernel_size,
            stride=window.stride,
            padding=window.padding,
            dilation=window.dilation,
        )
    return size


def least_size(windows: Sequence[Window]) -> int:
    """Return the shortest axis that leaves at least one pixel behind all `windows`.

    Walked backwards: to give n pixels, a window needs (n - 1) * stride + span - 2 * padding.

    >>> least_size([Window(5), Window(2, stride=2), Window(5), Window(2, stride=2)])
    16
    """
    least = 1
    for window in reversed(windows):
        span = window.dilation * (window.kernel_size - 1) + 1
        least = max((least - 1) * window.stride + span - 2 * window.padding, 1)
    return least


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < (least := 0 if name == "padding" else 1):
            raise ShapeError(f"{name} is {number}; it must be at least {least}")
