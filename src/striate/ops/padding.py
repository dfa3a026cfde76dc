"""Padding in words, in numbers and uneven, as plain integers: pixels before and after each axis."""

from collections.abc import Sequence

from striate._errors import ShapeError
from striate.ops.arithmetic import padding_same

__all__ = ["AXIS_NAMES", "PADDING_WORDS", "Padding", "Pairs", "padding_pairs", "per_axis"]

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the axes behind batch and channels are called, by how many there are."""

PADDING_WORDS = ("valid", "same", "full")

Padding = int | str | Sequence[int | Sequence[int]]
"""One of `PADDING_WORDS`; pixels for both ends of all axes; or one entry an axis, each of them
pixels for both ends or a pair (before, after)."""

Pairs = tuple[tuple[int, int], ...]


def padding_pairs(
    padding: Padding,
    sizes: Sequence[int],
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
) -> Pairs:
    """Return the pixels to add before and after each axis.

    * `"valid"`: none; the kernel stays inside.
    * `"same"`: the least with which the result is ceil(size / stride), the odd pixel after
      (TensorFlow's rule, at any stride).
    * `"full"`: span - 1 at both ends, so that every overlap of kernel and axis counts; the kernel
      spans dilation * (kernel_size - 1) + 1 pixels.
    * numbers: as they are.

    Args:
        padding: A word, a number for both ends of all axes, or one entry an axis: a number for
            both ends or a pair (before, after). One axis with unlike ends is `((1, 2),)`.
        sizes: Lengths of the axes, in pixels; only `"same"` reads them.
        kernel_size: Taps; one number for all axes, or one an axis; so too below.
        stride: Pixels between two neighbouring places; only `"same"` reads it.
        dilation: Pixels between two neighbouring taps.

    Returns:
        One (before, after) an axis, in pixels, in the order of `sizes`.

    Raises:
        ShapeError: An unknown word, a number out of range, or not one entry an axis.

    Source:
        TensorFlow's notes on padding, `tf.nn`; Dumoulin and Visin, arXiv:1603.07285, section 2.2.

    >>> padding_pairs("same", (224, 225), 3, stride=2)
    ((0, 1), (1, 1))
    >>> padding_pairs("full", (8,), 3, dilation=2)
    ((4, 4),)
    >>> padding_pairs((1, (0, 2)), (8, 8), 3)
    ((1, 1), (0, 2))
    """
    axes = len(sizes)
    if not isinstance(padding, str):
        return _numbers(padding, axes)
    if padding == "valid":
        return ((0, 0),) * axes
    taps = per_axis(kernel_size, axes, "kernel_size")
    steps = per_axis(dilation, axes, "dilation")
    if padding == "full":
        reach = [d * (k - 1) for k, d in zip(taps, steps, strict=True)]
        return tuple((pixels, pixels) for pixels in reach)
    if padding == "same":
        strides = per_axis(stride, axes, "stride")
        return tuple(
            padding_same(n, k, stride=s, dilation=d)
            for n, k, s, d in zip(sizes, taps, strides, steps, strict=True)
        )
    raise ShapeError(
        f"padding is {padding!r}; it must be {', '.join(map(repr, PADDING_WORDS))}, a number, "
        "or one entry an axis"
    )


def per_axis(
    value: int | Sequence[int], axes: int, name: str, *, least: int = 1
) -> tuple[int, ...]:
    """Return `value` as one number an axis.

    Args:
        value: One number for all axes, or one an axis.
        axes: How many axes there are.
        name: What the caller calls `value`, for the error.
        least: The smallest number that makes sense.

    Raises:
        ShapeError: Not one number an axis, or one below `least`.

    >>> per_axis(2, 3, "stride")
    (2, 2, 2)
    """
    numbers = tuple(value) if isinstance(value, Sequence) else (value,) * axes
    if isinstance(value, str) or len(numbers) != axes:
        raise ShapeError(f"{name} is {value!r}; it must be one number, or one for each of {axes}")
    for number in numbers:
        # `number < least` holds for traced sizes too, which are no `int`.
        if isinstance(number, float | str | Sequence) or number < least:
            raise ShapeError(f"{name} is {value!r}; it must be whole and at least {least}")
    return numbers


def _numbers(padding: int | Sequence[int | Sequence[int]], axes: int) -> Pairs:
    """Return padding given in numbers as pairs."""
    entries = tuple(padding) if isinstance(padding, Sequence) else (padding,) * axes
    pairs = [tuple(e) if isinstance(e, Sequence) else (e, e) for e in entries]
    if len(pairs) != axes or any(len(pair) != 2 for pair in pairs):
        raise ShapeError(
            f"padding is {padding!r}; for {axes} {'axis' if axes == 1 else 'axes'} it must be a "
            f"number or one entry an axis, such as {((1, 2),) * axes!r} for (before, after)"
        )
    if any(isinstance(n, float | str | Sequence) or n < 0 for pair in pairs for n in pair):
        raise ShapeError(f"padding is {padding!r}; its numbers must be whole and at least 0")
    return tuple((pair[0], pair[1]) for pair in pairs)
