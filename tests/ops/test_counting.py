"""Costs of layers: by hand, against PyTorch's modules and its operation counter, and as laws."""

from itertools import product
from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from striate._errors import ShapeError
from striate.ops import (
    Cost,
    convolution_cost,
    convolution_multiply_adds,
    convolution_parameters,
    depthwise_cost,
    fully_connected_cost,
    locally_connected_cost,
    memory_bytes,
    separable_cost,
    transposed_cost,
)
from striate.ops.counting import DTYPE_BYTES, check_divides

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


def measured(layer: nn.Module, in_channels: int, size: tuple[int, ...]) -> tuple[Cost, list[int]]:
    """Return what PyTorch itself counts, and the lengths of the output."""
    with FlopCounterMode(display=False) as counter:
        out = layer(torch.empty(1, in_channels, *size, device="meta"))
    parameters = sum(p.numel() for p in layer.parameters())
    return Cost(parameters, counter.get_total_flops() // 2), list(out.shape[2:])


def test_the_courses_layer():
    # 5 x 5 over 3 channels, 200 maps of 150 x 100 under SAME: (75 + 1) * 200 parameters; 75
    # multiplications at each of 100 * 150 places of each of 200 maps.
    assert convolution_parameters(3, 200, 5) == 15_200
    assert convolution_multiply_adds(3, 200, 5, (100, 150)) == 225_000_000
    assert memory_bytes((200, 100, 150)) * 8 == 96_000_000
    assert round(memory_bytes((200, 100, 150)) / 2**20, 2) == 11.44


def test_the_third_layer_of_the_courses_three_against_seven_net():
    # Its note multiplies 1,168 - 16 weights with the 7 x 7 places of the layer's *input* grid. The
    # kernel is laid down once for each of the output's 4 x 4 places.
    parameters = convolution_parameters(8, 16, 3)
    assert parameters == 1_168
    assert 7 * 7 * (parameters - 16) == 56_448
    assert convolution_cost(8, 16, 3, 4) == Cost(1_168, 18_432)
    layer = nn.Conv2d(8, 16, 3, stride=2, padding=1, device="meta")
    assert measured(layer, 8, (7, 7)) == (Cost(1_168, 18_432), [4, 4])


def test_the_courses_fully_connected_nets():
    # 784-30-1, and the head of the MNIST convnet: 576-64-10
    assert fully_connected_cost(784, 30) + fully_connected_cost(30, 1) == Cost(23_581, 23_550)
    head = fully_connected_cost(576, 64) + fully_connected_cost(64, 10)
    convolutions = [(1, 32), (32, 64), (64, 64)]
    assert sum(convolution_parameters(*c, 3) for c in convolutions) == 55_744
    assert head.parameters + 55_744 == 93_322


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_convolutions_of_torch(axes, groups, bias):
    kernel, size = (3, 2, 4)[:axes], (9, 8, 7)[:axes]
    layer = CONVOLUTIONS[axes](
        4, 8, kernel, stride=2, padding=1, groups=groups, bias=bias, device="meta"
    )
    cost, out = measured(layer, 4, size)
    assert convolution_cost(4, 8, kernel, out, groups=groups, bias=bias) == cost


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed_convolutions_of_torch(axes, stride):
    kernel, size = (4, 3, 2)[:axes], (5, 6, 7)[:axes]
    layer = TRANSPOSED[axes](4, 6, kernel, stride=stride, groups=2, device="meta")
    cost, _ = measured(layer, 4, size)
    assert transposed_cost(4, 6, kernel, size, groups=2) == cost


def test_the_small_transposed_convolution_that_is_often_counted_four_times():
    # 8 x 8 pixels of 16 channels, each times 8 kernels of 4 x 4: 64 * 16 * 8 * 16 = 131,072
    layer = nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1, bias=False, device="meta")
    assert measured(layer, 16, (8, 8)) == (Cost(2_048, 131_072), [16, 16])
    assert transposed_cost(16, 8, 4, 8, bias=False) == Cost(2_048, 131_072)


@given(
    st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6)
)
def test_multiply_adds_are_multiplications_counted_one_by_one(channels, out, taps, rows, columns):
    cells = [range(rows), range(columns), range(out), range(channels), range(taps), range(taps)]
    counted = sum(1 for _ in product(*cells))
    found = convolution_cost(channels, out, taps, (rows, columns), bias=False)
    assert found.multiply_adds == counted
    assert found.parameters * rows * columns == counted


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_and_separable_are_two_convolutions_of_torch(multiplier):
    wide = 4 * multiplier
    depthwise = nn.Conv2d(4, wide, 3, padding=1, groups=4, device="meta")
    cost, out = measured(depthwise, 4, (6, 7))
    assert depthwise_cost(4, 3, out, multiplier=multiplier) == cost
    bare = nn.Conv2d(4, wide, 3, padding=1, groups=4, bias=False, device="meta")
    both = nn.Sequential(bare, nn.Conv2d(wide, 5, 1, device="meta"))
    cost, out = measured(both, 4, (6, 7))
    assert separable_cost(4, 5, 3, out, multiplier=multiplier) == cost


def test_separable_in_one_and_three_axes():
    assert separable_cost(4, 6, (3,), (10,), bias=False) == Cost(12 + 24, 10 * 36)
    assert separable_cost(4, 6, (3, 3, 3), (2, 2, 2)) == Cost(108 + 24 + 6, 8 * 132)


def test_locally_connected_has_weights_at_each_place():
    # 2 x 3 places, 2 maps: 12 units, each with 4 taps on 3 channels and a bias
    assert locally_connected_cost(3, 2, 2, (2, 3)) == Cost(12 * (12 + 1), 12 * 12)
    assert locally_connected_cost(3, 2, 2, (2, 3), bias=False).parameters == 144
    layer = nn.Linear(12, 12, device="meta")  # what each unit reads, on its own
    assert sum(p.numel() for p in layer.parameters()) == 12 * (12 + 1)
    # In groups, each unit reads half of the channels.
    assert locally_connected_cost(4, 2, 2, 3, groups=2) == Cost(18 * (8 + 1), 18 * 8)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=2), st.integers(1, 9), st.integers(1, 9))
def test_a_kernel_as_large_as_the_image_is_a_fully_connected_layer(sides, channels, units):
    full = fully_connected_cost(channels * prod(sides), units)
    assert convolution_cost(channels, units, sides, (1, 1)) == full
    assert locally_connected_cost(channels, units, sides, (1, 1)) == full


def test_memory_of_every_type_that_is_named():
    for name in DTYPE_BYTES:
        tensor = torch.empty(2, 3, 5, dtype=getattr(torch, name))
        assert memory_bytes((2, 3, 5), name) == tensor.numel() * tensor.element_size()
    assert memory_bytes(()) == 4
    assert memory_bytes((0, 3)) == 0


def test_errors():
    with pytest.raises(ShapeError, match="dtype is 'float'; it must be one of float64, float32"):
        memory_bytes((1,), "float")
    with pytest.raises(ShapeError, match=r"shape is \(2, -1\); its lengths must be at least 0"):
        memory_bytes((2, -1))
    with pytest.raises(ShapeError, match="in_channels is 0; it must be at least 1"):
        convolution_parameters(0, 4, 3)
    with pytest.raises(ShapeError, match="out_features is -3; it must be at least 1"):
        fully_connected_cost(4, -3)
    with pytest.raises(ShapeError, match=r"kernel_size is \(3, 0\); it must be whole and at least"):
        convolution_parameters(1, 1, (3, 0))
    with pytest.raises(ShapeError, match="places is 0; it must be whole and at least 1"):
        convolution_multiply_adds(1, 1, 3, 0)
    with pytest.raises(ShapeError, match="multiplier is 0"):
        depthwise_cost(3, 3, 4, multiplier=0)


@pytest.mark.parametrize("groups", [3, 0, -1, 8])
def test_the_groups_in_the_error_work(groups):
    with pytest.raises(ShapeError, match=f"groups is {groups}, but in_channels is 4 and") as info:
        check_divides(groups, 4, 12)
    assert str(info.value).endswith("; 1, 2 or 4 divides both")
    for works in (1, 2, 4):
        assert convolution_parameters(4, 12, 1, groups=works, bias=False) == 48 // works
    with pytest.raises(ShapeError, match="; 1 divides both"):
        check_divides(2, 3, 4)
