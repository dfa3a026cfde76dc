"""What a layer costs: parameters, multiply-adds, memory. Plain integers.

A multiply-add is one multiplication and one addition. Biases are parameters, but no multiply-adds;
a place counts in full even where its kernel lies partly on padding. Everything is of one image: a
batch of n costs n times the multiply-adds and the memory, and the same parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, isqrt, prod

from striate._errors import ShapeError
from striate.ops.padding import per_axis

__all__ = [
    "DTYPE_BYTES",
    "Cost",
    "Lengths",
    "check_divides",
    "convolution_cost",
    "convolution_multiply_adds",
    "convolution_parameters",
    "depthwise_cost",
    "fully_connected_cost",
    "locally_connected_cost",
    "memory_bytes",
    "separable_cost",
    "transposed_cost",
]

Lengths = int | Sequence[int]
"""One length an axis; a single number is a square of two axes."""

DTYPE_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1,
}  # fmt: skip
"""Bytes of one number, by the name of its type in PyTorch."""


@dataclass(frozen=True)
class Cost:
    """What a layer, or several together, has and does.

    Attributes:
        parameters: Numbers that are learned, biases included.
        multiply_adds: Multiply-adds for one image, biases not counted.
    """

    parameters: int
    multiply_adds: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.parameters + other.parameters, self.multiply_adds + other.multiply_adds)


def convolution_parameters(
    in_channels: int, out_channels: int, kernel_size: Lengths, *, groups: int = 1, bias: bool = True
) -> int:
    """Return the parameters of a convolution, plain or transposed.

    Each output channel has a kernel over the input channels of its group, and a bias:

        out_channels * (in_channels / groups * taps + 1)

    Args:
        in_channels: Channels before.
        out_channels: Channels after.
        kernel_size: Taps along each axis; a single number is a square of two axes.
        groups: Parts of the channels that do not see one another.
        bias: Whether each output channel has a bias.

    Raises:
        ShapeError: A number is below 1, or `groups` does not divide the channels.

    >>> convolution_parameters(3, 200, 5)
    15200
    """
    check_divides(groups, in_channels, out_channels)
    taps = prod(_lengths(kernel_size, "kernel_size"))
    return out_channels * (in_channels // groups * taps + bias)


def convolution_multiply_adds(
    in_channels: int, out_channels: int, kernel_size: Lengths, places: Lengths, *, groups: int = 1
) -> int:
    """Return the multiply-adds of a convolution, plain or transposed, for one image.

    At each place the whole kernel is multiplied once:

        places * out_channels * in_channels / groups * taps

    Args:
        in_channels: Channels before.
        out_channels: Channels after.
        kernel_size: Taps along each axis; a single number is a square of two axes.
        places: How often the kernel is laid down along each axis. Of a convolution that is the
            size of its output; of a transposed one, the size of its *input*.
        groups: Parts of the channels that do not see one another.

    Raises:
        ShapeError: A number is below 1, or `groups` does not divide the channels.

    >>> convolution_multiply_adds(3, 200, 5, (100, 150))
    225000000
    """
    return prod(_lengths(places, "places")) * convolution_parameters(
        in_channels, out_channels, kernel_size, groups=groups, bias=False
    )


def convolution_cost(
    in_channels: int,
    out_channels: int,
    kernel_size: Lengths,
    output_size: Lengths,
    *,
    groups: int = 1,
    bias: bool = True,
) -> Cost:
    """Return the cost of a convolution whose output has `output_size`.

    >>> convolution_cost(8, 16, 3, 4)  # 4 * 4 * 1,152: the output's places, not the input's
    Cost(parameters=1168, multiply_adds=18432)
    """
    return Cost(
        convolution_parameters(in_channels, out_channels, kernel_size, groups=groups, bias=bias),
        convolution_multiply_adds(
            in_channels, out_channels, kernel_size, output_size, groups=groups
        ),
    )


def transposed_cost(
    in_channels: int,
    out_channels: int,
    kernel_size: Lengths,
    input_size: Lengths,
    *,
    groups: int = 1,
    bias: bool = True,
) -> Cost:
    """Return the cost of a transposed convolution whose *input* has `input_size`.

    Its multiply-adds are those of the convolution that it transposes: each input pixel is
    multiplied with the whole kernel, whatever the stride. Zeros between the pixels are never
    multiplied, so counting places of the output would be too much by stride to the power of axes.

    >>> transposed_cost(16, 8, 4, 8, bias=False)
    Cost(parameters=2048, multiply_adds=131072)
    """
    return convolution_cost(
        in_channels, out_channels, kernel_size, input_size, groups=groups, bias=bias
    )


def depthwise_cost(
    in_channels: int,
    kernel_size: Lengths,
    output_size: Lengths,
    *,
    multiplier: int = 1,
    bias: bool = True,
) -> Cost:
    """Return the cost of a depthwise convolution: `multiplier` kernels for each channel by itself.

    >>> depthwise_cost(32, 3, 112, bias=False)  # the first of MobileNet
    Cost(parameters=288, multiply_adds=3612672)
    """
    per_axis(multiplier, 1, "multiplier")
    return convolution_cost(
        in_channels, in_channels * multiplier, kernel_size, output_size,
        groups=in_channels, bias=bias,
    )  # fmt: skip


def separable_cost(
    in_channels: int,
    out_channels: int,
    kernel_size: Lengths,
    output_size: Lengths,
    *,
    multiplier: int = 1,
    bias: bool = True,
) -> Cost:
    """Return the cost of a separable convolution: depthwise, then 1 x 1 across the channels.

    The bias, if any, stands behind the second part.

    Source:
        Howard et al., "MobileNets", arXiv:1704.04861, equation 5 and the cost above it.

    >>> separable_cost(32, 64, 3, 112, bias=False)
    Cost(parameters=2336, multiply_adds=29302784)
    """
    depthwise = depthwise_cost(
        in_channels, kernel_size, output_size, multiplier=multiplier, bias=False
    )
    ones = (1,) * len(_lengths(output_size, "output_size"))
    return depthwise + convolution_cost(
        in_channels * multiplier, out_channels, ones, output_size, bias=bias
    )


def locally_connected_cost(
    in_channels: int,
    out_channels: int,
    kernel_size: Lengths,
    output_size: Lengths,
    *,
    groups: int = 1,
    bias: bool = True,
) -> Cost:
    """Return the cost of a convolution that has kernels and biases of its own at every place.

    The multiply-adds are those of the convolution; the parameters, as many times its as there are
    places.

    >>> locally_connected_cost(3, 200, 5, (100, 150))
    Cost(parameters=228000000, multiply_adds=225000000)
    """
    shared = convolution_cost(
        in_channels, out_channels, kernel_size, output_size, groups=groups, bias=bias
    )
    places = prod(_lengths(output_size, "output_size"))
    return Cost(shared.parameters * places, shared.multiply_adds)


def fully_connected_cost(in_features: int, out_features: int, *, bias: bool = True) -> Cost:
    """Return the cost of a layer in which each output reads each input.

    >>> fully_connected_cost(784, 30)
    Cost(parameters=23550, multiply_adds=23520)
    """
    check_divides(1, in_features, out_features, names=("in_features", "out_features"))
    return Cost(out_features * (in_features + bias), out_features * in_features)


def memory_bytes(shape: Sequence[int], dtype: str = "float32") -> int:
    """Return the bytes of a tensor, such as a feature map (c, h, w).

    Raises:
        ShapeError: A length is negative, or `dtype` is none of `DTYPE_BYTES`.

    >>> memory_bytes((200, 100, 150))  # 96,000,000 bits: 11.44 MiB
    12000000
    """
    if dtype not in DTYPE_BYTES:
        raise ShapeError(f"dtype is {dtype!r}; it must be one of {', '.join(DTYPE_BYTES)}")
    if any(length < 0 for length in shape):
        raise ShapeError(f"shape is {tuple(shape)}; its lengths must be at least 0")
    return prod(shape) * DTYPE_BYTES[dtype]


def check_divides(
    groups: int,
    in_channels: int,
    out_channels: int,
    *,
    names: tuple[str, str] = ("in_channels", "out_channels"),
) -> None:
    """Refuse numbers of channels below 1, and groups that do not divide both.

    Raises:
        ShapeError: They do not; the text says which numbers would.

    >>> check_divides(3, 4, 6)
    Traceback (most recent call last):
    ...
    striate._errors.ShapeError: groups is 3, but in_channels is 4 and out_channels 6; \
1 or 2 divides both
    """
    for name, channels in zip(names, (in_channels, out_channels), strict=True):
        if channels < 1:
            raise ShapeError(f"{name} is {channels}; it must be at least 1")
    if groups < 1 or in_channels % groups or out_channels % groups:
        common = gcd(in_channels, out_channels)
        low = [n for n in range(1, isqrt(common) + 1) if common % n == 0]
        both = sorted({*low, *(common // n for n in low)})
        *first, last = map(str, both[-8:])  # the largest few: of 4,096 channels there are many
        raise ShapeError(
            f"groups is {groups}, but in_channels is {in_channels} and out_channels "
            f"{out_channels}; {', '.join(first)}{' or ' * bool(first)}{last} divides both"
        )


def _lengths(value: Lengths, name: str) -> tuple[int, ...]:
    return per_axis(value, 2 if isinstance(value, int) else len(value), name)
