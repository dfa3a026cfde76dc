"""What an output sees of the input: receptive field, effective stride, place. Plain integers."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd

from striate._errors import ShapeError
from striate.ops.arithmetic import Window, axis_padding

__all__ = ["ReceptiveField", "receptive_field", "transposed_receptive_field"]


@dataclass(frozen=True)
class ReceptiveField:
    """The part of one axis that an output reads, behind a chain of windows.

    Attributes:
        size: Pixels from the first that an output reads to the last, both counted.
        stride: Pixels of the input between the fields of two neighbouring outputs (the
            effective stride).
        offset: The first pixel that output 0 reads; below 0 it lies in the padding.
    """

    size: int
    stride: int
    offset: int

    @property
    def centre(self) -> float:
        """Middle of output 0's field, in pixels: 0.0 is the middle of the first pixel."""
        return self.offset + (self.size - 1) / 2

    def interval(self, output: int) -> tuple[int, int]:
        """Return the first and the last pixel that an output reads, padding included.

        >>> ReceptiveField(size=7, stride=2, offset=-3).interval(1)
        (-1, 5)
        """
        first = self.offset + output * self.stride
        return first, first + self.size - 1


def receptive_field(windows: Iterable[Window], *, size: int | None = None) -> ReceptiveField:
    """Return what an output behind several windows, one behind the other, reads of one axis.

    Walked from the input on, with S the product of the strides before a window:

        size   = 1 + sum of (span - 1) * S
        stride = product of all strides
        offset = - sum of (padding before) * S

    Args:
        windows: The chain along one axis, input first.
        size: Length of the axis, in pixels. Only `"same"` with a stride above 1 needs it: how much
            that pads depends on the size.

    Returns:
        The field; every output between the first and the last pixel has taps on it only if the
        kernels are dense.

    Raises:
        ShapeError: `size` is needed and was not given, or a window does not fit it.

    Source:
        Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks",
        Distill 2019, equations 2 and 3; 4 to 6 for stride and place.

    >>> vgg = [*[Window(3, padding=1)] * 2, Window(2, stride=2)]
    >>> receptive_field(vgg)
    ReceptiveField(size=6, stride=2, offset=-2)
    >>> receptive_field([Window(7, stride=2, padding="same")], size=224)
    ReceptiveField(size=7, stride=2, offset=-2)
    """
    seen, jump, offset = 1, 1, 0
    for window in windows:
        if size is None and window.padding == "same" and window.stride > 1:
            raise ShapeError(
                f"padding 'same' with stride {window.stride} adds what the size asks for; "
                "give size= as well"
            )
        before, _ = window.pads(1 if size is None else size)
        seen += (window.span - 1) * jump
        offset -= before * jump
        jump *= window.stride
        if size is not None:
            size = window.output_size(size)
    return ReceptiveField(seen, jump, offset)


def transposed_receptive_field(kernel_size: int, *, stride: int = 1, dilation: int = 1) -> int:
    """Return the most input pixels that an output of one transposed convolution spans.

    Input i reaches the outputs i * stride + t * dilation. Of the taps t only every
    stride / g-th, with g = gcd(stride, dilation), meets a given output, and the inputs that two
    of them come from lie dilation / g apart:

        (ceil(kernel_size * g / stride) - 1) * dilation / g + 1

    Outputs that fewer taps meet read less: with 3 taps and stride 2 every other output reads two
    pixels, the rest one.

    Raises:
        ShapeError: A number is below 1.

    >>> transposed_receptive_field(3, stride=2)
    2
    >>> transposed_receptive_field(5)
    5
    """
    axis_padding(0, 1, kernel_size, stride=stride, dilation=dilation)  # checks the numbers
    common = gcd(stride, dilation)
    return (-(-kernel_size * common // stride) - 1) * (dilation // common) + 1
