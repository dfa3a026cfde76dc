"""One layer against another: the numbers of papers and courses, and enumeration."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import (
    Connected,
    Cost,
    Window,
    connections,
    receptive_field,
    separable_against_full,
    stacked_against_single,
)

small = st.integers(1, 5)


def test_two_hundred_by_two_hundred_to_five_hundred_units():
    three = connections((1, 200, 200), (1, 20, 25), 10)
    assert three.fully_connected == Connected(20_000_000, 20_000_000)
    assert three.locally_connected == Connected(50_000, 50_000)  # 500 units, windows of 100
    assert three.convolutional == Connected(50_000, 100)


def test_lenets_layers_count_biases_as_connections():
    # LeCun et al. 1998: C1 has 156 parameters and 122,304 connections, C5 48,120 of both.
    c1 = connections((1, 32, 32), (6, 28, 28), 5, bias=True)
    assert c1.convolutional == Connected(122_304, 156)
    c5 = connections((16, 5, 5), (120, 1, 1), 5, bias=True)
    assert c5.convolutional == c5.fully_connected == c5.locally_connected
    assert c5.convolutional == Connected(48_120, 48_120)


def test_other_numbers_of_axes_and_groups():
    assert connections((2, 10), (4, 8), (3,)).convolutional == Connected(8 * 4 * 6, 24)
    halves = connections((2, 10), (4, 8), (3,), groups=2)
    assert halves.convolutional == Connected(8 * 4 * 3, 12)
    assert halves.fully_connected.parameters == 20 * 32
    assert connections((1, 4, 4, 4), (2, 3, 3, 3), (2, 2, 2)).locally_connected.parameters == 432


@given(c=small, o=small, taps=small, rows=small, columns=small)
def test_connections_drawn_one_by_one(c, o, taps, rows, columns):
    shape = (c, rows + taps - 1, columns + taps - 1)  # stride 1, no padding
    window = list(product(range(c), range(taps), range(taps)))
    lines = set()
    for unit in product(range(o), range(rows), range(columns)):
        lines |= {(unit, (i, unit[1] + a, unit[2] + b)) for i, a, b in window}
    cells = list(product(*map(range, shape)))
    assert {cell for _, cell in lines} == set(cells)  # windows cover the image and stay inside
    three = connections(shape, (o, rows, columns), taps)
    assert three.convolutional.connections == three.locally_connected.connections == len(lines)
    assert three.fully_connected.connections == o * rows * columns * len(cells)
    assert three.convolutional.parameters == o * len(window)


def test_connections_refuse():
    with pytest.raises(ShapeError, match=r"both shapes must be channels and then one length"):
        connections((200, 200), (500,), 10)
    with pytest.raises(ShapeError, match=r"output \(1, 0, 2\): all lengths must be at least 1"):
        connections((1, 4, 4), (1, 0, 2), 3)
    with pytest.raises(ShapeError, match="groups is 2, but in_channels is 1"):
        connections((1, 4, 4), (2, 2, 2), 3, groups=2)


@given(c=small, n=small, taps=small, side=small, axes=st.integers(1, 3))
def test_the_separable_ratio_is_one_over_n_plus_one_over_taps(c, n, taps, side, axes):
    both = separable_against_full(c, n, (taps,) * axes, (side,) * axes)
    assert both.multiply_adds_ratio == Fraction(1, n) + Fraction(1, taps**axes)
    assert both.parameters_ratio == both.multiply_adds_ratio


def test_mobilenets_first_block():
    # depthwise 32 * 9 and pointwise 32 * 64 weights at 112 * 112 places, against 32 * 64 * 9
    both = separable_against_full(32, 64, 3, 112)
    assert both.cheaper == Cost(288 + 2_048, 12_544 * 2_336)
    assert both.full == Cost(18_432, 12_544 * 18_432)
    biased = separable_against_full(32, 64, 3, 112, bias=True)
    assert biased.cheaper.parameters == 2_336 + 64
    assert biased.multiply_adds_ratio == both.multiply_adds_ratio
    assert biased.parameters_ratio == Fraction(2_400, 18_496)


def test_three_of_three_against_one_of_seven():
    # VGG's section 2.3: 27 c^2 against 49 c^2, 81 % more
    both = stacked_against_single(64, 56)
    assert both.receptive_field == 7
    assert both.cheaper == Cost(27 * 64**2, 27 * 64**2 * 56**2)
    assert both.full == Cost(49 * 64**2, 49 * 64**2 * 56**2)
    assert round(float(1 / both.parameters_ratio - 1), 2) == 0.81
    two = stacked_against_single(8, (10,), count=2, kernel_size=5, bias=True)
    assert (two.receptive_field, two.cheaper.parameters, two.full.parameters) == (9, 656, 584)


@given(count=small, taps=small)
def test_a_stack_sees_what_a_chain_of_windows_sees(count, taps):
    chain = [Window(taps, padding="same")] * count
    both = stacked_against_single(3, 20, count=count, kernel_size=taps)
    assert both.receptive_field == receptive_field(chain).size
    assert both.receptive_field == receptive_field([Window(both.receptive_field)]).size


def test_a_stack_of_nothing_is_refused():
    with pytest.raises(ShapeError, match="count is 0; it must be at least 1"):
        stacked_against_single(3, 8, count=0)
    with pytest.raises(ShapeError, match=r"kernel_size is \(0, 0\)"):
        stacked_against_single(3, 8, kernel_size=0)
