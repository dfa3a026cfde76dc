"""Poolings: by hand, against loops and PyTorch, as laws, and their errors."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from striate import ops
from striate._errors import ShapeError
from striate.ops import avg_pool, avg_pool2d, max_pool, max_pool2d, min_pool, min_pool2d
from tests.ops import loops
from tests.ops.test_convolution import random

REDUCED = {max_pool: np.nanmax, min_pool: np.nanmin, avg_pool: np.nanmean}


def test_by_hand():
    #  1 -2 -3      the second column's windows and the last row are half padding: it never wins
    # -4 -5 -6
    # -7 -8 -9
    image = torch.tensor([[[[1.0, -2, -3], [-4, -5, -6], [-7, -8, -9]]]])
    assert max_pool2d(image, 2, padding="same").tolist() == [[[[1, -3], [-7, -9]]]]
    assert min_pool2d(-image, 2, padding="same").tolist() == [[[[-1, 3], [7, 9]]]]
    assert max_pool2d(image, 2).tolist() == [[[[1]]]]
    # the means of 1 -2 -4 -5, of -3 -6, of -7 -8, and of -9 alone
    assert avg_pool2d(image, 2, padding="same").tolist() == [[[[-2.5, -4.5], [-7.5, -9]]]]
    zeros = avg_pool2d(image, 2, padding="same", count_include_pad=True)
    assert zeros.tolist() == [[[[-2.5, -2.25], [-3.75, -2.25]]]]
    assert avg_pool2d(image, 2, padding=((1, 0), (1, 0))).tolist() == [[[[1, -2.5], [-5.5, -7]]]]


@st.composite
def pooled(draw, axes):
    sizes, taps = draw(loops.axis_numbers(axes, 6)), draw(loops.axis_numbers(axes, 3))
    options = {
        "stride": draw(loops.axis_numbers(axes, 3)),
        "padding": draw(loops.paddings(axes)),
    }
    pairs = loops.pairs_of(options["padding"], sizes, taps, options["stride"], (1,) * axes)
    for n, k, pair in zip(sizes, taps, pairs, strict=True):
        assume(n + sum(pair) >= k > max(pair))
    return random(2, 2, *sizes), taps, options


@pytest.mark.parametrize("pool", REDUCED)
@pytest.mark.parametrize("axes", [1, 2, 3])
@given(data=st.data())
def test_every_setting_equals_the_loops(pool, axes, data):
    images, taps, options = data.draw(pooled(axes))
    expected = loops.pool(
        images.numpy(), REDUCED[pool], kernel_size=taps, dilation=(1,) * axes, **options
    )
    numbered = getattr(ops, f"{pool.__name__}{axes}d")
    torch.testing.assert_close(numbered(images, taps, **options), torch.from_numpy(expected))
    torch.testing.assert_close(pool(images, taps, **options), torch.from_numpy(expected))


@given(data=st.data(), dilation=st.integers(1, 3))
def test_dilated_windows(data, dilation):
    images, padding = random(1, 1, 7, 6), data.draw(loops.paddings(2))
    options: dict[str, Any] = {"stride": (2, 1), "padding": padding}
    spans = (2 * dilation + 1, dilation + 1)
    pairs = loops.pairs_of(padding, (7, 6), (3, 2), (2, 1), (dilation, dilation))
    assume(all(max(p) < s <= n + sum(p) for n, s, p in zip((7, 6), spans, pairs, strict=True)))
    expected = loops.pool(
        images.numpy(), np.fmax.reduce, kernel_size=(3, 2), dilation=(dilation,) * 2, **options
    )
    expected = np.where(np.isnan(expected), -np.inf, expected)  # over no real cell at all
    actual = max_pool2d(images, (3, 2), dilation=dilation, **options)
    torch.testing.assert_close(actual, torch.from_numpy(expected))


@given(data=st.data())
def test_the_mean_with_padding_counted_equals_torch_s(data):
    images, taps, options = data.draw(pooled(2))
    (top, bottom), (left, right) = loops.pairs_of(
        options["padding"], images.shape[2:], taps, options["stride"], (1, 1)
    )
    padded = F.pad(images, (left, right, top, bottom))
    expected = F.avg_pool2d(padded, taps, options["stride"])
    torch.testing.assert_close(
        avg_pool2d(images, taps, count_include_pad=True, **options), expected
    )


@given(data=st.data())
def test_minimum_upside_down_and_the_order_of_the_three(data):
    images, taps, options = data.draw(pooled(2))
    low, mean, high = (pool(images, taps, **options) for pool in (min_pool, avg_pool, max_pool))
    torch.testing.assert_close(low, -max_pool(-images, taps, **options))
    assert (low <= mean + 1e-9).all()
    assert (mean <= high + 1e-9).all()
    constant = torch.full_like(images, 3.0)
    assert (avg_pool(constant, taps, **options) - 3).abs().max() < 1e-12


@pytest.mark.parametrize("pool", [max_pool2d, min_pool2d, avg_pool2d])
@pytest.mark.parametrize("padding", ["valid", "same", "full", ((0, 1), (2, 0))])
def test_gradients(pool, padding):
    images = torch.randperm(42, dtype=torch.float64).view(1, 1, 6, 7).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: pool(x, 3, stride=2, padding=padding), images, eps=1e-3
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_floats_stay_what_they_are(dtype):
    images = torch.randn(1, 2, 7, 7).to(dtype)
    for pool in (max_pool2d, min_pool2d, avg_pool2d):
        maps = pool(images, 3, stride=1, padding=((2, 0), (0, 1)))
        assert maps.dtype is dtype
        exact = pool(images.double(), 3, stride=1, padding=((2, 0), (0, 1)))
        torch.testing.assert_close(maps.double(), exact, atol=2e-2, rtol=1e-2)


def test_an_uneven_end_needs_no_copy_for_the_largest():
    # 8 cells, 3 taps, stride 2: one cell after, where PyTorch lets the last window stick out
    images = torch.randn(1, 1, 8, 8, requires_grad=True)
    maps = max_pool2d(images, 3, stride=2, padding="same")
    assert maps.grad_fn is not None
    (source, _), *_ = maps.grad_fn.next_functions
    assert source is not None
    assert "AccumulateGrad" in source.name()


def test_empty_batch():
    for pool in (max_pool2d, min_pool2d, avg_pool2d):
        assert pool(torch.ones(0, 3, 5, 5), 2, padding="same").shape == (0, 3, 3, 3)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"kernel_size": 0}, "kernel_size is 0; it must be whole and at least 1"),
    ({"kernel_size": (2, 2, 2)}, r"kernel_size is \(2, 2, 2\); it must be one number, or one for"),
    ({"stride": 0}, "stride is 0"),
    ({"stride": -1, "padding": "same"}, "stride is -1"),
    ({"padding": 2}, r"padding \(2, 2\) of the height leaves windows of 2 without a real cell; 1 "),
    ({"padding": "SAME"}, "padding is 'SAME'"),
    ({"kernel_size": 7}, r"kernel spans 7 pixels .* the height has 5 .*; padding=1 is the least"),
]


@pytest.mark.parametrize("pool", [max_pool2d, min_pool2d, avg_pool2d])
@pytest.mark.parametrize(("options", "text"), MISTAKES)
def test_mistakes(pool, options, text, unannotated):
    with pytest.raises(ShapeError, match=text):
        pool(torch.ones(1, 1, 5, 6), **({"kernel_size": 2} | options))


@pytest.mark.parametrize("pool", [max_pool, min_pool, avg_pool])
def test_tensors_that_are_no_images(pool, unannotated):
    with pytest.raises(ShapeError, match=r"\(5, 6\); it must be \(n, c\) and one to three axes"):
        pool(torch.ones(5, 6), 2)
    with pytest.raises(ShapeError, match="images: int64 numbers"):
        pool(torch.ones(1, 1, 5, 6).long(), 2)
    with pytest.raises(ShapeError, match="images: complex64 numbers"):
        pool(torch.ones(1, 1, 5, dtype=torch.cfloat), 2)
    with pytest.raises(ShapeError, match=r"must be \(n, c, height, width\)"):
        getattr(ops, f"{pool.__name__}2d")(torch.ones(1, 1, 5), 2)
