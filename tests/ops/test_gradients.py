"""Gradients written out as convolutions: by hand, against autograd, and as laws."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import conv1d, conv2d, conv3d, convolution_matrix, input_gradient, weight_gradient
from tests.ops.test_matrix import drawn, settings

CONVOLVE = {1: conv1d, 2: conv2d, 3: conv3d}


def test_by_hand():
    # y0 = 1 x0 + 2 x1 + 3 x2, y1 = 1 x2 + 2 x3 + 3 x4; x5 is never read
    weight = torch.tensor([[[1.0, 2, 3]]])
    behind = torch.tensor([[[1.0, 10]]])
    assert input_gradient(behind, weight, 6, stride=2).tolist() == [[[1, 2, 13, 20, 30, 0]]]
    assert input_gradient(behind, weight, 5, stride=2).tolist() == [[[1, 2, 13, 20, 30]]]
    # w0 meets x0 and x2, w1 meets x1 and x3, w2 meets x2 and x4
    images = torch.tensor([[[1.0, 2, 3, 4, 5, 6]]])
    assert weight_gradient(behind, images, 3, stride=2).tolist() == [[[31, 42, 53]]]
    # With more padding than the kernel reaches, the places outside give nothing.
    far = torch.tensor([[[7.0, 1, 9]]])
    assert input_gradient(far, weight[..., 1:2], 1, padding=1).tolist() == [[[2]]]


@given(case=settings(), batch=st.integers(1, 3))
def test_they_are_autograds(case, batch):
    weight, size, options = case
    images = drawn(batch, weight.shape[1] * options["groups"], *size).requires_grad_()
    weight.requires_grad_()
    out = CONVOLVE[len(size)](images, weight, **options)
    behind = drawn(*out.shape)
    to_images, to_weight = torch.autograd.grad(out, (images, weight), behind)
    with torch.no_grad():
        found = input_gradient(behind, weight, size, **options)
        torch.testing.assert_close(found, to_images)
        found = weight_gradient(behind, images, tuple(weight.shape[2:]), **options)
        torch.testing.assert_close(found, to_weight)


@given(case=settings())
def test_the_input_gradient_is_the_transposed_matrix(case):
    weight, size, options = case
    images = drawn(1, weight.shape[1] * options["groups"], *size)
    out = CONVOLVE[len(size)](images, weight, **options)
    behind = drawn(*out.shape)
    matrix = convolution_matrix(weight, size, **options)
    found = input_gradient(behind, weight, size, **options)
    torch.testing.assert_close(found.flatten(), matrix.T @ behind.flatten())


@given(case=settings())
def test_the_gradients_meet_in_one_number(case):
    """sum(x * dx) = sum(w * dw) = sum(y * dy): a convolution is linear in images and in weights."""
    weight, size, options = case
    images = drawn(2, weight.shape[1] * options["groups"], *size)
    out = CONVOLVE[len(size)](images, weight, **options)
    behind = drawn(*out.shape)
    whole = (out * behind).sum()
    by_images = input_gradient(behind, weight, size, **options)
    by_weight = weight_gradient(behind, images, tuple(weight.shape[2:]), **options)
    torch.testing.assert_close((images * by_images).sum(), whole)
    torch.testing.assert_close((weight * by_weight).sum(), whole)


def test_they_are_differentiable_themselves():
    weight, images = drawn(4, 1, 2, 3).requires_grad_(), drawn(2, 2, 5, 6).requires_grad_()
    options = {"stride": (2, 1), "padding": "same", "groups": 2}
    behind = drawn(2, 4, 3, 6).requires_grad_()

    def to_images(y, w):
        return input_gradient(y, w, (5, 6), **options)

    def to_weight(y, x):
        return weight_gradient(y, x, (2, 3), **options)

    assert torch.autograd.gradcheck(to_images, (behind, weight))
    assert torch.autograd.gradcheck(to_weight, (behind, images))


def test_a_sum_over_no_images():
    behind, images = torch.zeros(0, 4, 3), torch.zeros(0, 2, 5)
    assert input_gradient(behind, torch.ones(4, 2, 3), 5).shape == (0, 2, 5)
    found = weight_gradient(behind, images, 3)
    torch.testing.assert_close(found, torch.zeros(4, 2, 3))


def test_shapes_that_do_not_belong_together():
    weight, images = torch.ones(4, 1, 3), torch.ones(1, 2, 8)
    with pytest.raises(ShapeError, match=r"shape \(1, 4, 5\), but .* output has \(1, 4, 6\)"):
        input_gradient(torch.ones(1, 4, 5), weight, 8, groups=2)
    assert input_gradient(torch.ones(1, 4, 6), weight, 8, groups=2).shape == (1, 2, 8)
    with pytest.raises(ShapeError, match=r"output has \(1, 4, 6\)"):
        weight_gradient(torch.ones(1, 4, 5), images, 3, groups=2)
    with pytest.raises(ShapeError, match="groups is 3, which does not divide"):
        input_gradient(torch.ones(1, 4, 6), weight, 8, groups=3)
    with pytest.raises(ShapeError, match="groups is 3, which does not divide"):
        weight_gradient(torch.ones(1, 4, 6), images, 3, groups=3)
    with pytest.raises(ShapeError, match="padding=1 is the least that fits"):
        input_gradient(torch.ones(1, 4, 1), weight, 2, groups=2)
    with pytest.raises(ShapeError, match="padding=1 is the least that fits"):
        weight_gradient(torch.ones(1, 4, 1), images[..., :2], 4, groups=2)
    unchecked = inspect.unwrap(weight_gradient)  # as users call it, without the tests' type checks
    with pytest.raises(ShapeError, match="output_gradient is of 2 images, but images are 1"):
        unchecked(torch.ones(2, 4, 6), images, 3, groups=2)
    with pytest.raises(ShapeError, match=r"shape \(4, 6\); it must have an axis for images"):
        unchecked(torch.ones(4, 6), images, 3)
    with pytest.raises(ShapeError, match=r"images: int64 numbers; .*images\.float\(\)"):
        unchecked(torch.ones(1, 4, 6), images.long(), 3, groups=2)
    with pytest.raises(ShapeError, match=r"output_gradient: complex64 numbers"):
        inspect.unwrap(input_gradient)(torch.ones(1, 4, 6) + 1j, weight, 8, groups=2)


def test_pytorchs_own_transposed_convolution_is_the_input_gradient():
    weight, behind = drawn(3, 2, 4, 3), drawn(2, 3, 5, 4)
    expected = F.conv_transpose2d(behind, weight, stride=2, padding=1)
    found = input_gradient(behind, weight, tuple(expected.shape[2:]), stride=2, padding=1)
    torch.testing.assert_close(found, expected)
