"""One layer against another that could stand in its place: connections, parameters, work."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from striate._errors import ShapeError
from striate.ops.counting import (
    Cost,
    Lengths,
    convolution_cost,
    convolution_parameters,
    fully_connected_cost,
    locally_connected_cost,
    separable_cost,
)

__all__ = [
    "Comparison",
    "Connected",
    "Connections",
    "StackComparison",
    "connections",
    "separable_against_full",
    "stacked_against_single",
]


@dataclass(frozen=True)
class Connected:
    """How units hang on inputs.

    Attributes:
        connections: Pairs of a unit and an input (or its bias) that it reads.
        parameters: Weights that those connections have between them.
    """

    connections: int
    parameters: int


@dataclass(frozen=True)
class Connections:
    """Three ways to connect the same units to the same inputs.

    Attributes:
        fully_connected: Each unit reads all inputs, with weights of its own.
        locally_connected: Each unit reads a window, with weights of its own.
        convolutional: Each unit reads a window; all units of a channel share their weights.
    """

    fully_connected: Connected
    locally_connected: Connected
    convolutional: Connected


@dataclass(frozen=True)
class Comparison:
    """A cheaper layer against a full one; ratios below 1 are what is saved."""

    cheaper: Cost
    full: Cost

    @property
    def parameters_ratio(self) -> Fraction:
        """Parameters of the cheaper over those of the full one, exact."""
        return Fraction(self.cheaper.parameters, self.full.parameters)

    @property
    def multiply_adds_ratio(self) -> Fraction:
        """Multiply-adds of the cheaper over those of the full one, exact."""
        return Fraction(self.cheaper.multiply_adds, self.full.multiply_adds)


@dataclass(frozen=True)
class StackComparison(Comparison):
    """Several small kernels behind one another against one that sees as much.

    Attributes:
        receptive_field: Pixels that an output of either sees along an axis.
    """

    receptive_field: int


def connections(
    input_shape: Sequence[int],
    output_shape: Sequence[int],
    kernel_size: Lengths,
    *,
    groups: int = 1,
    bias: bool = False,
) -> Connections:
    """Return connections and parameters, fully and locally connected and convolutional.

    Args:
        input_shape: Channels and lengths of what is read: (c, h, w).
        output_shape: Channels and lengths of the units: (channels, rows, columns).
        kernel_size: Window that a unit reads, along each axis; a single number is a square.
        groups: Parts of the channels that do not see one another (windows only).
        bias: Count each unit's bias, as a connection and as a parameter. LeCun et al. (1998) do:
            LeNet-5's first layer has 156 parameters and 122,304 connections.

    Returns:
        The three. A window counts in full, also where it lies on padding.

    Raises:
        ShapeError: A length is below 1, shapes of unlike rank, or groups that divide no channels.

    >>> three = connections((1, 200, 200), (1, 20, 25), 10)  # 500 units
    >>> three.fully_connected
    Connected(connections=20000000, parameters=20000000)
    >>> three.locally_connected
    Connected(connections=50000, parameters=50000)
    >>> three.convolutional
    Connected(connections=50000, parameters=100)
    """
    lengths = tuple(kernel_size) if isinstance(kernel_size, Sequence) else (kernel_size,) * 2
    if not len(input_shape) == len(output_shape) == len(lengths) + 1:
        raise ShapeError(
            f"input {tuple(input_shape)}, output {tuple(output_shape)} and kernel {lengths}: "
            "both shapes must be channels and then one length for each of the kernel's axes"
        )
    if min(*input_shape, *output_shape) < 1:
        raise ShapeError(
            f"input {tuple(input_shape)}, output {tuple(output_shape)}: "
            "all lengths must be at least 1"
        )
    units = prod(output_shape)
    channels = (input_shape[0], output_shape[0])
    own = fully_connected_cost(prod(input_shape), units, bias=bias)
    local = locally_connected_cost(*channels, lengths, output_shape[1:], groups=groups, bias=bias)
    shared = convolution_parameters(*channels, lengths, groups=groups, bias=bias)
    return Connections(
        Connected(own.parameters, own.parameters),
        Connected(local.parameters, local.parameters),
        Connected(local.parameters, shared),
    )


def separable_against_full(
    in_channels: int,
    out_channels: int,
    kernel_size: Lengths,
    output_size: Lengths,
    *,
    bias: bool = False,
) -> Comparison:
    """Return a separable convolution against the full one that it stands for.

    With as many kernels as input channels and no biases, both ratios are

        1 / out_channels + 1 / taps

    so that with 3 x 3 taps about a ninth of the work is left.

    Raises:
        ShapeError: A number is below 1.

    Source:
        Howard et al., "MobileNets", arXiv:1704.04861, section 3.1.

    >>> both = separable_against_full(32, 64, 3, 112)
    >>> both.multiply_adds_ratio  # 1 / 64 + 1 / 9
    Fraction(73, 576)
    """
    numbers = (in_channels, out_channels, kernel_size, output_size)
    return Comparison(separable_cost(*numbers, bias=bias), convolution_cost(*numbers, bias=bias))


def stacked_against_single(
    channels: int,
    output_size: Lengths,
    *,
    count: int = 3,
    kernel_size: int = 3,
    bias: bool = False,
) -> StackComparison:
    """Return `count` convolutions behind one another against one with the same receptive field.

    All keep the channels and, padded, the size; stride 1. `count` kernels of k taps see
    count * (k - 1) + 1 pixels along an axis, so three of 3 x 3 see what one of 7 x 7 sees, with
    27 c^2 weights in place of 49 c^2.

    Args:
        channels: Channels before and behind each of them.
        output_size: Lengths of the maps; a single number is a square of two axes.
        count: How many stand behind one another.
        kernel_size: Taps of each of them along every axis.
        bias: Whether they have biases.

    Raises:
        ShapeError: A number is below 1.

    Source:
        Simonyan and Zisserman, arXiv:1409.1556, section 2.3.

    >>> both = stacked_against_single(256, 56)
    >>> both.receptive_field, both.parameters_ratio
    (7, Fraction(27, 49))
    """
    if count < 1:
        raise ShapeError(f"count is {count}; it must be at least 1")
    axes = len(output_size) if isinstance(output_size, Sequence) else 2
    seen = count * (kernel_size - 1) + 1
    small, large = (
        convolution_cost(channels, channels, (taps,) * axes, output_size, bias=bias)
        for taps in (kernel_size, seen)
    )
    stack = Cost(count * small.parameters, count * small.multiply_adds)
    return StackComparison(stack, large, seen)
