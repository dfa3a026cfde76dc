"""Sizes of convolutions and poolings, as plain integers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from striate._errors import ShapeError

__all__ = [
    "AxisPadding",
    "Window",
    "axis_padding",
    "chain_output_size",
    "least_size",
    "output_size",
    "padding_same",
    "transposed_output_size",
]

AxisPadding = int | str | tuple[int, int]
"""Padding of one axis: pixels at each end, a pair (before, after), or one of the words
"valid", "same" and "full"."""


@dataclass(frozen=True)
class Window:
    """What a convolution or a pooling does to one axis; fields as in `output_size`."""

    kernel_size: int
    stride: int = 1
    padding: AxisPadding = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """Pixels from the first tap to the last, both counted."""
        return self.dilation * (self.kernel_size - 1) + 1

    def output_size(self, size: int) -> int:
        """Return `output_size` of an axis of `size` pixels.

        >>> Window(3, stride=2, padding="same").output_size(224)
        112
        """
        return output_size(size, self.kernel_size, stride=self.stride, padding=self.padding,
                           dilation=self.dilation)  # fmt: skip

    def pads(self, size: int) -> tuple[int, int]:
        """Return `axis_padding` of an axis of `size` pixels."""
        return axis_padding(self.padding, size, self.kernel_size, stride=self.stride,
                            dilation=self.dilation)  # fmt: skip


def output_size(
    size: int, kernel_size: int, *, stride: int = 1, padding: AxisPadding = 0, dilation: int = 1
) -> int:
    """Return the length of one axis after a convolution or a pooling.

    The kernel, spread out by `dilation`, spans `dilation * (kernel_size - 1) + 1` pixels.
    It is laid at every `stride`-th place of the padded axis where all of it fits:

        out = floor((size + before + after - span) / stride) + 1

    which with the same padding at both ends is floor((size + 2 * padding - span) / stride) + 1.
    Pixels left over at the far end are never read.

    Args:
        size: Length of the axis before, in pixels.
        kernel_size: Length of the kernel, in taps.
        stride: Pixels between two neighbouring places.
        padding: Pixels added at *each* end, a pair (before, after), or a word: see `axis_padding`.
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
    >>> output_size(13, 6, stride=5, padding="same")
    3
    >>> output_size(5, 4, dilation=2)
    Traceback (most recent call last):
    ...
    striate._errors.ShapeError: kernel spans 7 pixels (4 taps, dilation 2), but the axis \
has 5 (size 5, padding 0); padding=1 is the least that fits
    """
    before, after = axis_padding(padding, size, kernel_size, stride=stride, dilation=dilation)
    span = dilation * (kernel_size - 1) + 1
    room = size + before + after
    if span > room:
        missing = span - room
        least = before + (missing + 1) // 2 if before == after else (before, after + missing)
        raise ShapeError(
            f"kernel spans {span} pixels ({kernel_size} taps, dilation {dilation}), "
            f"but the axis has {room} (size {size}, padding {padding!r}); "
            f"padding={least} is the least that fits"
        )
    return (room - span) // stride + 1


def transposed_output_size(
    size: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: AxisPadding = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """Return the length of one axis after a transposed convolution.

    It is the way back through a convolution with the same numbers: each pixel spreads over `span`
    pixels, `stride` apart from the next one's, and `padding` is cut off the ends:

        out = (size - 1) * stride + span - before - after + output_padding

    A convolution of stride s gives the same size for s sizes in a row; this is the smallest of
    them, and `output_padding` chooses one of the others. `"same"` is the largest, size * stride,
    as in TensorFlow.

    Args:
        size: Length of the axis before, in pixels.
        kernel_size: Length of the kernel, in taps.
        stride: Pixels between the places of two neighbouring input pixels.
        padding: Padding of the convolution whose way back this is; as in `output_size`.
        output_padding: Pixels more at the far end; less than `stride` or `dilation`.
        dilation: Pixels between two neighbouring taps.

    Returns:
        Length of the axis after, in pixels; at least 1.

    Raises:
        ShapeError: Nothing would be left, or a number is out of range.

    Source:
        Dumoulin and Visin, arXiv:1603.07285, relationships 8 to 14.

    >>> transposed_output_size(112, 7, stride=2, padding=3, output_padding=1)
    224
    >>> transposed_output_size(112, 7, stride=2, padding="same")
    224
    """
    _check(size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    if padding == "same":
        if output_padding:
            raise ShapeError(
                f"output_padding is {output_padding}, but padding 'same' fixes the size: "
                f"{size} * stride {stride}; leave output_padding at 0"
            )
        return size * stride
    _check_output_padding(output_padding, stride, dilation)
    before, after = axis_padding(padding, size, kernel_size, stride=stride, dilation=dilation)
    span = dilation * (kernel_size - 1) + 1
    whole = (size - 1) * stride + span + output_padding
    if (out := whole - before - after) < 1:
        raise ShapeError(
            f"nothing is left: size {size} spreads over {whole} pixels, and padding {padding!r} "
            f"cuts off {before + after}; padding={(whole - 1) // 2} is the most that leaves one"
        )
    return out


def axis_padding(
    padding: AxisPadding, size: int, kernel_size: int, *, stride: int = 1, dilation: int = 1
) -> tuple[int, int]:
    """Return the pixels to add before and after one axis.

    A number is for both ends, a pair is (before, after). `"valid"` adds nothing. `"same"` is
    `padding_same`. `"full"` adds span - 1 at both ends, so that each overlap of the kernel with
    the axis is a place.

    Raises:
        ShapeError: An unknown word, or a number out of range.

    >>> axis_padding("full", 8, 3, dilation=2)
    (4, 4)
    >>> axis_padding((1, 2), 13, 6)
    (1, 2)
    """
    _check(size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    if padding == "valid":
        return 0, 0
    if padding == "same":
        return padding_same(size, kernel_size, stride=stride, dilation=dilation)
    if padding == "full":
        edge = dilation * (kernel_size - 1)
        return edge, edge
    if isinstance(padding, int):
        padding = (padding, padding)
    if isinstance(padding, str) or len(padding) != 2:
        raise ShapeError(
            f"padding is {padding!r}; it must be 'valid', 'same', 'full', a number for both "
            "ends, or a pair (before, after)"
        )
    before, after = padding
    if min(before, after) < 0:
        shown = before if before == after else (before, after)
        raise ShapeError(f"padding is {shown}; it must be at least 0")
    return before, after


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
    span = (kernel_size - 1) * dilation + 1
    total = (out - 1) * stride + span - size  # at least span - stride, for out * stride >= size
    if span < stride:  # only then: where a size is a symbol (torch.export), max leaves a condition
        total = max(total, 0)
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
        size = window.output_size(size)
    return size


def least_size(windows: Sequence[Window]) -> int:
    """Return the shortest axis that leaves at least one pixel behind all `windows`.

    Walked backwards: to give n pixels, a window needs (n - 1) * stride + span - before - after;
    with "same", which gives ceil(size / stride), (n - 1) * stride + 1.

    >>> least_size([Window(5), Window(2, stride=2), Window(5), Window(2, stride=2)])
    16
    """
    least = 1
    for window in reversed(windows):
        spared = sum(window.pads(least))
        if window.padding == "same":  # what it spares depends on the size that is sought
            spared = window.span - 1
        least = max((least - 1) * window.stride + window.span - spared, 1)
    return least


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ShapeError(f"{name} is {number}; it must be at least 1")


def _check_output_padding(output_padding: int, stride: int, dilation: int) -> None:
    # PyTorch's bound. From `stride` on, the convolution that it is the way back of would have one
    # place more; PyTorch allows it below `dilation`.
    if not 0 <= output_padding < max(stride, dilation):
        raise ShapeError(
            f"output_padding is {output_padding}; it must be 0 to {max(stride, dilation) - 1}, "
            f"less than the larger of stride {stride} and dilation {dilation}"
        )
