"""Global, adaptive and k-max pooling: by hand, against PyTorch, as laws, and their errors."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import (
    adaptive_avg_pool,
    adaptive_max_pool,
    dynamic_k,
    global_avg_pool,
    global_max_pool,
    k_max_pool,
)
from tests.ops.test_convolution import random


@pytest.mark.parametrize("sizes", [(5,), (4, 3), (2, 3, 4)])
def test_global_equals_numpy_and_one_adaptive_window(sizes):
    images = random(2, 3, *sizes)
    axes = tuple(range(2, images.ndim))
    mean, largest = global_avg_pool(images), global_max_pool(images)
    torch.testing.assert_close(mean, torch.from_numpy(images.numpy().mean(axes)))
    torch.testing.assert_close(largest, torch.from_numpy(images.numpy().max(axes)))
    torch.testing.assert_close(adaptive_avg_pool(images, 1).flatten(1), mean)
    torch.testing.assert_close(adaptive_max_pool(images, 1).flatten(1), largest)


@given(size=st.integers(1, 9), out=st.integers(1, 9))
def test_adaptive_windows_are_where_the_formula_says(size, out):
    images = random(1, 2, size, 3)
    bounds = [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]
    means = torch.stack([images[:, :, a:b].mean(2) for a, b in bounds], 2)
    largest = torch.stack([images[:, :, a:b].amax(2) for a, b in bounds], 2)
    torch.testing.assert_close(adaptive_avg_pool(images, (out, 3)), means)
    torch.testing.assert_close(adaptive_max_pool(images, (out, 3)), largest)


def test_adaptive_equals_torch_in_one_and_three_axes():
    axis, volume = random(2, 3, 7), random(2, 3, 4, 5, 6)
    torch.testing.assert_close(adaptive_avg_pool(axis, 3), F.adaptive_avg_pool1d(axis, 3))
    expected = F.adaptive_max_pool3d(volume, (2, 3, 4))
    torch.testing.assert_close(adaptive_max_pool(volume, (2, 3, 4)), expected)


def test_pooling_nothing(unannotated):
    for pool in (global_avg_pool, global_max_pool):
        assert pool(torch.ones(0, 3, 2, 2)).shape == (0, 3)
        with pytest.raises(ShapeError, match=r"\(1, 3, 0, 2\) has no pixels to pool"):
            pool(torch.ones(1, 3, 0, 2))
        with pytest.raises(ShapeError, match="images: uint8 numbers"):
            pool(torch.ones(1, 3, 2, 2).byte())
    for pool in (adaptive_avg_pool, adaptive_max_pool):
        with pytest.raises(ShapeError, match="output_size is 0; it must be whole and at least 1"):
            pool(torch.ones(1, 3, 2, 2), 0)
        with pytest.raises(ShapeError, match="one for each of 2"):
            pool(torch.ones(1, 3, 2, 2), (1, 2, 3))


def test_k_max_by_hand():
    rows = torch.tensor([[[5.0, 1.0, 9.0, 7.0], [1.0, 2.0, 3.0, 4.0]]])
    assert k_max_pool(rows, 2).tolist() == [[[9, 7], [3, 4]]]
    assert k_max_pool(rows, 3).tolist() == [[[5, 9, 7], [2, 3, 4]]]
    # of equal numbers the first: the ones at 0 and 2 stand before and after the 2
    assert k_max_pool(torch.tensor([[[1.0, 2.0, 1.0]]]), 2).tolist() == [[[1, 2]]]


@given(length=st.integers(1, 12), data=st.data())
def test_k_max_keeps_the_largest_in_order(length, data):
    k = data.draw(st.integers(1, length))
    values = torch.randint(0, 5, (2, 3, length)).double()
    kept = k_max_pool(values, k)
    expected = np.sort(values.numpy(), -1)[..., length - k :]
    np.testing.assert_array_equal(np.sort(kept.numpy(), -1), expected)
    for row, chosen in zip(values.flatten(0, 1).tolist(), kept.flatten(0, 1).tolist(), strict=True):
        walk = iter(row)
        assert all(number in walk for number in chosen)  # a subsequence
    assert torch.equal(k_max_pool(values, length), values)
    torch.testing.assert_close(k_max_pool(values, 1)[..., 0], values.amax(-1))


def test_k_max_sends_the_gradient_to_what_it_kept():
    values = torch.tensor([[[5.0, 1.0, 9.0, 7.0]]], dtype=torch.float64, requires_grad=True)
    k_max_pool(values, 2).backward(torch.tensor([[[10.0, 20.0]]], dtype=torch.float64))
    assert values.grad is not None
    assert values.grad.tolist() == [[[0, 0, 10, 20]]]
    assert torch.autograd.gradcheck(lambda x: k_max_pool(x, 3), values)


def test_dynamic_k_of_the_paper():
    assert [dynamic_k(18, layer, 3, top=3) for layer in (1, 2, 3)] == [12, 6, 3]
    assert dynamic_k(7, 1, 2, top=4) == 4  # ceil(3.5)
    assert dynamic_k(7, 1, 3, top=4) == 5  # ceil(4.67)


def test_k_out_of_range():
    with pytest.raises(ShapeError, match=r"k is 5; it must be at least 1 and at most .*, 4"):
        k_max_pool(torch.ones(1, 1, 4), 5)
    with pytest.raises(ShapeError, match="k is 0"):
        k_max_pool(torch.ones(1, 1, 4), 0)
    with pytest.raises(ShapeError, match="layer 4 of 3"):
        dynamic_k(18, 4, 3, top=3)
