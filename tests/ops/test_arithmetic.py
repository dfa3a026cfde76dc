"""Arithmetic of convolutions: by hand, against PyTorch, as laws, and its errors."""

from functools import reduce

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import Window, chain_output_size, least_size, output_size, padding_same

sizes = st.integers(1, 64)
small = st.integers(1, 5)
windows = st.builds(Window, small, small, st.integers(0, 4), small)


def torch_size(size: int, window: Window) -> int:
    axis = torch.empty(1, 1, size, device="meta")  # shapes only: no memory, no arithmetic
    taps = torch.empty(1, 1, window.kernel_size, device="meta")
    stride, padding, dilation = window.stride, window.padding, window.dilation
    return F.conv1d(axis, taps, stride=stride, padding=padding, dilation=dilation).shape[-1]


@pytest.mark.parametrize(
    ("size", "kernel_size", "options", "expected"),
    [
        pytest.param(224, 7, {"stride": 2, "padding": 3}, 112, id="resnet-stem"),
        pytest.param(32, 5, {}, 28, id="lenet-c1"),
        pytest.param(8, 3, {"stride": 2}, 3, id="last-pixel-never-read"),
        pytest.param(9, 3, {"dilation": 4}, 1, id="span-9-fits-once"),
        pytest.param(1, 1, {}, 1, id="one-pixel"),
    ],
)
def test_known_layers(size, kernel_size, options, expected):
    assert output_size(size, kernel_size, **options) == expected


@given(size=sizes, window=windows)
def test_agrees_with_torch(size, window):
    try:
        expected = torch_size(size, window)
    except RuntimeError:
        with pytest.raises(ShapeError, match=r"padding=\d+ is the least that fits"):
            _output(size, window)
    else:
        assert _output(size, window) == expected


def _output(size, window):
    return output_size(
        size,
        window.kernel_size,
        stride=window.stride,
        padding=window.padding,
        dilation=window.dilation,
    )


@given(size=sizes, kernel_size=small, dilation=small)
def test_the_padding_in_the_error_is_the_least(size, kernel_size, dilation):
    try:
        output_size(size, kernel_size, dilation=dilation)
    except ShapeError as error:
        least = int(str(error).split("padding=")[1].split()[0])
        assert output_size(size, kernel_size, dilation=dilation, padding=least) >= 1
        with pytest.raises(ShapeError, match="least that fits"):
            output_size(size, kernel_size, dilation=dilation, padding=least - 1)


def test_numbers_out_of_range():
    with pytest.raises(ShapeError, match="stride is 0; it must be at least 1"):
        output_size(8, 3, stride=0)
    with pytest.raises(ShapeError, match="padding is -1; it must be at least 0"):
        output_size(8, 3, padding=-1)
    with pytest.raises(ShapeError, match="size is 0; it must be at least 1"):
        padding_same(0, 3)


def test_same_padding_gives_tensorflows_numbers():
    # Input 1..13, filter 2 3 5 7 11 13, stride 5. Three places: (3 - 1) * 5 + 6 - 13 = 3 zeros, one
    # before and two after: 0 1 2 3 4 5 -> 0*2 + 1*3 + 2*5 + 3*7 + 4*11 + 5*13 = 143, and so on.
    values = torch.arange(1.0, 14).view(1, 1, 13)
    taps = torch.tensor([2.0, 3, 5, 7, 11, 13]).view(1, 1, 6)
    assert F.conv1d(values, taps, stride=5).flatten().tolist() == [184, 389]
    assert padding_same(13, 6, stride=5) == (1, 2)
    padded = F.pad(values, padding_same(13, 6, stride=5))
    assert F.conv1d(padded, taps, stride=5).flatten().tolist() == [143, 348, 204]


@given(size=sizes, kernel_size=small, stride=small, dilation=small)
def test_same_padding_is_the_least_that_keeps_every_place(size, kernel_size, stride, dilation):
    before, after = padding_same(size, kernel_size, stride=stride, dilation=dilation)

    def places(total):
        return output_size(size + total, kernel_size, stride=stride, dilation=dilation)

    assert after - before in (0, 1)
    expected = -(-size // stride)
    span = dilation * (kernel_size - 1) + 1
    if span <= size + before + after:
        assert places(before + after) == expected
    if before + after and span <= size + before + after - 1:
        assert places(before + after - 1) < expected


@given(size=sizes, chain=st.lists(windows, max_size=4))
def test_a_chain_is_one_window_behind_the_other(size, chain):
    if size < least_size(chain):
        with pytest.raises(ShapeError, match=rf"{least_size(chain)} is the least that works"):
            chain_output_size(size, chain)
        return
    expected = size
    for window in chain:
        expected = torch_size(expected, window)
    assert chain_output_size(size, chain) == expected


@given(chain=st.lists(windows, max_size=4))
def test_the_least_size_works_and_one_less_does_not(chain):
    least = least_size(chain)
    assert chain_output_size(least, chain) >= 1
    if least == 1:
        return
    with pytest.raises((RuntimeError, ValueError)):  # torch refuses somewhere on the way
        reduce(torch_size, chain, least - 1)


def test_a_window_nonsensical_in_a_chain_is_refused():
    with pytest.raises(ShapeError, match="stride is 0"):
        chain_output_size(8, [Window(1, stride=0)])
