"""Padding in words and pairs in the arithmetic of one axis, and the way back."""

import inspect
from functools import reduce

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import (
    Window,
    axis_padding,
    chain_output_size,
    least_size,
    output_size,
    padding_same,
    transposed_output_size,
)

sizes, small = st.integers(1, 40), st.integers(1, 5)
pairs = st.tuples(st.integers(0, 4), st.integers(0, 4))
words = [st.just("valid"), st.just("same"), st.just("full")]
paddings = st.one_of(*words, st.integers(0, 4), pairs)
windows = st.builds(Window, small, small, paddings, small)


def axis(size: int) -> torch.Tensor:
    return torch.empty(1, 1, size, device="meta")  # shapes only


def test_words_by_hand():
    assert axis_padding("valid", 13, 6, stride=5) == (0, 0)
    assert axis_padding("same", 13, 6, stride=5) == (1, 2)
    assert axis_padding("full", 13, 6, stride=5) == (5, 5)
    assert axis_padding("full", 13, 3, dilation=4) == (8, 8)  # a span of 9
    assert axis_padding(2, 13, 6) == (2, 2)
    assert axis_padding((1, 2), 13, 6) == (1, 2)
    assert output_size(13, 6, stride=5, padding="valid") == 2
    assert output_size(13, 6, stride=5, padding="same") == 3
    assert output_size(13, 6, stride=5, padding="full") == 4  # 13 + 10 - 6 = 17 = 3 * 5 + 2
    assert Window(3, stride=2, padding="same").pads(8) == (0, 1)
    assert Window(4, dilation=3).span == 10


@given(size=sizes, window=windows)
def test_a_padded_axis_is_an_axis(size, window):
    before, after = window.pads(size)
    taps = torch.empty(1, 1, window.kernel_size, device="meta")
    padded = F.pad(axis(size), (before, after))
    if window.span > size + before + after:
        with pytest.raises(ShapeError, match=r"is the least that fits"):
            window.output_size(size)
        return
    expected = F.conv1d(padded, taps, stride=window.stride, dilation=window.dilation).shape[-1]
    assert window.output_size(size) == expected


@given(size=sizes, chain=st.lists(windows, max_size=4))
def test_the_least_size_of_a_chain_with_words(size, chain):
    least = least_size(chain)
    if size < least:
        with pytest.raises(ShapeError, match=f"{least} is the least that works"):
            chain_output_size(size, chain)
    else:
        expected = size
        for window in chain:
            expected = window.output_size(expected)
        assert chain_output_size(size, chain) == expected
    assert chain_output_size(least, chain) >= 1
    if least > 1:
        with pytest.raises(ShapeError, match="least that fits"):
            reduce(lambda short, window: window.output_size(short), chain, least - 1)


def test_the_least_size_before_same_by_hand():
    # 3 taps need 3 pixels; SAME at stride 2 gives ceil(n / 2), so 5 is the least. Before that,
    # "full" with 4 taps gives n + 3.
    chain = [Window(4, padding="full"), Window(9, stride=2, padding="same"), Window(3)]
    assert least_size(chain[2:]) == 3
    assert least_size(chain[1:]) == 5
    assert least_size(chain) == 2


def test_the_remedy_for_uneven_padding_works():
    with pytest.raises(ShapeError, match=r"padding \(1, 0\)\); padding=\(1, 2\) is the least"):
        output_size(4, 7, padding=(1, 0))
    assert output_size(4, 7, padding=(1, 2)) == 1
    with pytest.raises(ShapeError, match=r"size 4, padding 'valid'\); padding=2 is the least"):
        output_size(4, 7, padding="valid")
    assert output_size(4, 7, padding=2) == 2  # 2 at both ends: the least number for both


@pytest.mark.parametrize("padding", ["smae", "VALID", (1, 2, 3), (1,), ()])
def test_a_padding_that_is_none(padding):
    unchecked = inspect.unwrap(axis_padding)  # as users call it, without the tests' type checks
    with pytest.raises(ShapeError, match=r"must be 'valid', 'same', 'full', a number for both"):
        unchecked(padding, 8, 3)


def test_a_negative_padding():
    with pytest.raises(ShapeError, match=r"padding is \(0, -1\); it must be at least 0"):
        output_size(8, 3, padding=(0, -1))
    with pytest.raises(ShapeError, match="padding is -1; it must be at least 0"):
        transposed_output_size(8, 3, padding=-1)


# The way back.

numbers = st.tuples(sizes, small, small, st.integers(0, 4), small)


@given(numbers=numbers, output_padding=st.integers(0, 4))
def test_the_way_back_agrees_with_torch(numbers, output_padding):
    size, kernel_size, stride, padding, dilation = numbers
    given_ = {"stride": stride, "padding": padding, "dilation": dilation}
    values, taps = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel_size)  # meta lets all pass
    try:
        back = F.conv_transpose1d(values, taps, output_padding=output_padding, **given_)
    except RuntimeError:
        with pytest.raises(ShapeError, match=r"output_padding is|nothing is left"):
            transposed_output_size(size, kernel_size, output_padding=output_padding, **given_)
        return
    found = transposed_output_size(size, kernel_size, output_padding=output_padding, **given_)
    assert found == back.shape[-1]


@given(size=sizes, window=windows)
def test_there_and_back(size, window):
    """A convolution's output, sent back, gives a size that the convolution shrinks to it again."""
    if window.span > size + sum(window.pads(size)):
        return
    out = window.output_size(size)
    options = {"stride": window.stride, "padding": window.padding, "dilation": window.dilation}
    if window.padding == "same":
        back = transposed_output_size(out, window.kernel_size, **options)
        assert back == out * window.stride
        assert window.output_size(back) == out
        assert back - window.stride < size <= back
        return
    left = (size + sum(window.pads(size)) - window.span) % window.stride
    back = transposed_output_size(out, window.kernel_size, output_padding=left, **options)
    assert back == size


def test_same_on_the_way_back_is_tensorflows():
    # conv2d_transpose of 3 places, kernel 6, stride 5 under SAME: 15 pixels, the largest axis that
    # SAME shrinks to 3 at stride 5.
    assert transposed_output_size(3, 6, stride=5, padding="same") == 15
    assert padding_same(15, 6, stride=5) == (0, 1)
    assert transposed_output_size(3, 6, stride=5, padding=(0, 1)) == 15
    with pytest.raises(ShapeError, match=r"3 \* stride 5; leave output_padding at 0"):
        transposed_output_size(3, 6, stride=5, padding="same", output_padding=1)


def test_too_much_cut_off():
    with pytest.raises(ShapeError, match=r"1 spreads over 3 pixels, and padding 2 cuts off 4; pad"):
        transposed_output_size(1, 3, padding=2)
    assert transposed_output_size(1, 3, padding=1) == 1
    with pytest.raises(ShapeError, match=r"spreads over 2 pixels.* padding=0 is the most"):
        transposed_output_size(1, 2, padding=1)
    assert transposed_output_size(1, 2, padding=0) == 2
    with pytest.raises(ShapeError, match="padding 'full' cuts off 4; padding=1 is the most"):
        transposed_output_size(1, 3, padding="full")


def test_numbers_out_of_range_on_the_way_back():
    with pytest.raises(ShapeError, match="output_padding is 2; it must be 0 to 1, less than"):
        transposed_output_size(8, 3, stride=2, output_padding=2)
    with pytest.raises(ShapeError, match="output_padding is -1; it must be 0 to 0"):
        transposed_output_size(8, 3, output_padding=-1)
    with pytest.raises(ShapeError, match="stride is 0; it must be at least 1"):
        transposed_output_size(8, 3, stride=0)
    with pytest.raises(ShapeError, match="kernel_size is 0; it must be at least 1"):
        transposed_output_size(8, 0, padding="same")
