"""Laws of the convolution: linearity, shift, groups, atrous kernels, flips, and its adjoint."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.ops import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from tests.ops import loops
from tests.ops.test_convolution import cases, random

PAIRED = {1: (conv1d, conv_transpose1d), 2: (conv2d, conv_transpose2d),
          3: (conv3d, conv_transpose3d)}  # fmt: skip
numbers = st.floats(-3, 3)


@given(case=cases(2), a=numbers, b=numbers)
def test_linear_in_the_images_and_in_the_weight(case, a, b):
    images, weight, options = case
    others, kernels = torch.randn_like(images), torch.randn_like(weight)
    whole = conv2d(a * images + b * others, weight, **options)
    parts = a * conv2d(images, weight, **options) + b * conv2d(others, weight, **options)
    torch.testing.assert_close(whole, parts)
    whole = conv2d(images, a * weight + b * kernels, **options)
    parts = a * conv2d(images, weight, **options) + b * conv2d(images, kernels, **options)
    torch.testing.assert_close(whole, parts)


@given(rows=st.integers(0, 8), columns=st.integers(0, 8), dilation=st.integers(1, 3))
def test_what_is_wrapped_round_moves_with_the_images(rows, columns, dilation):
    images, weight = random(1, 2, 8, 9), random(3, 2, 3, 2)
    options = {"padding": "same", "padding_mode": "circular", "dilation": dilation}
    moved = conv2d(images.roll((rows, columns), (2, 3)), weight, **options)
    expected = conv2d(images, weight, **options).roll((rows, columns), (2, 3))
    torch.testing.assert_close(moved, expected)


@given(rows=st.integers(0, 2), columns=st.integers(0, 2))
def test_a_shift_by_the_stride_shifts_the_result_by_one(rows, columns):
    images, weight = random(1, 1, 20, 20), random(1, 1, 3, 3)
    whole = conv2d(images, weight, stride=3)
    shifted = conv2d(images[:, :, 3 * rows :, 3 * columns :], weight, stride=3)
    torch.testing.assert_close(shifted, whole[:, :, rows:, columns:])


@given(groups=st.integers(1, 4), read=st.integers(1, 3), write=st.integers(1, 3))
def test_groups_are_a_block_diagonal_kernel(groups, read, write):
    images, weight = random(2, groups * read, 5, 6), random(groups * write, read, 3, 2)
    dense = torch.zeros(groups * write, groups * read, 3, 2, dtype=torch.float64)
    for g in range(groups):
        rows, columns = slice(g * write, (g + 1) * write), slice(g * read, (g + 1) * read)
        dense[rows, columns] = weight[rows]
    expected = conv2d(images, dense, padding="same", stride=2)
    torch.testing.assert_close(
        conv2d(images, weight, padding="same", stride=2, groups=groups), expected
    )


@given(case=cases(2))
def test_atrous_is_a_kernel_stuffed_with_zeros(case):
    images, weight, options = case
    down, right = options.pop("dilation")
    height, width = weight.shape[2:]
    stuffed = weight.new_zeros(*weight.shape[:2], down * (height - 1) + 1, right * (width - 1) + 1)
    stuffed[:, :, ::down, ::right] = weight
    expected = conv2d(images, stuffed, **options)
    torch.testing.assert_close(conv2d(images, weight, dilation=(down, right), **options), expected)


@given(case=cases(3))
def test_flip_is_the_flipped_kernel(case):
    images, weight, options = case
    expected = conv3d(images, weight.flip(2, 3, 4), **options)
    torch.testing.assert_close(conv3d(images, weight, flip=True, **options), expected)


def test_convolution_proper_does_not_mind_the_order():
    a, b = random(1, 1, 6, 5), random(1, 1, 4, 3)
    first = conv2d(a, b, padding="full", flip=True)
    torch.testing.assert_close(first, conv2d(b, a, padding="full", flip=True))
    assert not torch.allclose(first, conv2d(b, a, padding="full"))


@given(case=cases(2))
def test_a_batch_equals_its_images_one_by_one(case):
    images, weight, options = case
    one_by_one = [conv2d(image[None], weight, **options) for image in images]
    torch.testing.assert_close(conv2d(images, weight, **options), torch.cat(one_by_one))


@pytest.mark.parametrize("axes", [1, 2, 3])
@given(data=st.data(), flip=st.booleans())
def test_the_transposed_convolution_is_the_adjoint(axes, data, flip):
    images, weight, options = data.draw(cases(axes))
    options |= {"flip": flip}
    del options["padding_mode"]
    convolve, transpose = PAIRED[axes]
    spans = [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], options["dilation"], strict=True)]
    pairs = loops.pairs_of(options["padding"], images.shape[2:], weight.shape[2:],
                           options["stride"], options["dilation"])  # fmt: skip
    if any(n + sum(p) < s for n, p, s in zip(images.shape[2:], pairs, spans, strict=True)):
        return
    there = convolve(images, weight, **options)
    maps = torch.randn_like(there)
    back = transpose(maps, weight, output_size=images.shape[2:], **options)
    assert back.shape == images.shape
    torch.testing.assert_close((there * maps).sum(), (images * back).sum())
