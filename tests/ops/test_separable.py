"""Depthwise, separable and locally connected convolutions: by hand, oracles, laws."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import conv2d, depthwise_conv2d, locally_connected2d, separable_conv2d
from tests.ops.test_convolution import cases, random


def test_depthwise_by_hand():
    images = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    weight = torch.tensor([[1.0, 1.0], [2.0, 0.0], [0.0, 5.0], [1.0, -1.0]]).view(4, 1, 1, 2)
    # channel 0: 1 + 2 and 2 * 1; channel 1: 5 * 4 and 3 - 4
    assert depthwise_conv2d(images, weight).flatten().tolist() == [3, 2, 20, -1]


@given(channels=st.integers(1, 4), multiplier=st.integers(1, 3))
def test_depthwise_reads_each_channel_alone(channels, multiplier):
    images, weight = random(2, channels, 6, 5), random(channels * multiplier, 1, 3, 2)
    bias = random(channels * multiplier)
    options: dict[str, Any] = {"stride": 2, "padding": "same", "padding_mode": "reflect"}
    maps = depthwise_conv2d(images, weight, bias, **options)
    for o in range(channels * multiplier):
        c = o // multiplier
        alone = conv2d(images[:, c : c + 1], weight[o : o + 1], bias[o : o + 1], **options)
        torch.testing.assert_close(maps[:, o : o + 1], alone)


@given(multiplier=st.integers(1, 2), dilation=st.integers(1, 2), flip=st.booleans())
def test_separable_is_one_convolution_with_the_product_kernel(multiplier, dilation, flip):
    images = random(2, 3, 7, 6)
    depthwise, pointwise = random(3 * multiplier, 1, 3, 2), random(4, 3 * multiplier, 1, 1)
    bias = random(4)
    options: dict[str, Any] = {"stride": (2, 1), "padding": "same", "dilation": dilation}
    options["flip"] = flip
    products = pointwise * depthwise.transpose(0, 1)  # (o, m, kh, kw)
    product = products.unflatten(1, (3, multiplier)).sum(2)
    expected = conv2d(images, product, bias, **options)
    actual = separable_conv2d(images, depthwise, pointwise, bias, **options)
    torch.testing.assert_close(actual, expected)


def test_a_pointwise_kernel_is_one_by_one(unannotated):
    with pytest.raises(ShapeError, match=r"pointwise has shape \(4, 3, 2, 2\); it must be \(out"):
        separable_conv2d(torch.ones(1, 3, 5, 5), torch.ones(3, 1, 3, 3), torch.ones(4, 3, 2, 2))
    with pytest.raises(ShapeError, match="reads 2 channels a group; images have 3"):
        separable_conv2d(torch.ones(1, 3, 5, 5), torch.ones(3, 1, 3, 3), torch.ones(4, 2, 1, 1))
    with pytest.raises(ShapeError, match="images: int64 numbers"):
        depthwise_conv2d(torch.ones(1, 3, 5, 5).long(), torch.ones(3, 1, 3, 3))


def test_locally_connected_by_hand():
    # windows 1 2 and 2 3; kernels (10, 1) and (100, 1)
    image = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    weight = torch.tensor([[10.0, 1.0], [100.0, 1.0]]).view(1, 2, 1, 1, 1, 2)
    bias = torch.tensor([0.5, 0.25]).view(1, 1, 2)
    assert locally_connected2d(image, weight, bias).tolist() == [[[[12.5, 203.25]]]]


@given(case=cases(2))
def test_locally_connected_is_the_convolution_of_each_window(case):
    images, kernel, options = case
    shared = conv2d(images, kernel, **options)
    rows, columns = shared.shape[2:]
    weight, bias = random(rows, columns, *kernel.shape), random(len(kernel), rows, columns)
    maps = locally_connected2d(images, weight, bias, **options)
    for r in range(rows):
        for c in range(columns):
            there = conv2d(images, weight[r, c], bias[:, r, c], **options)[:, :, r, c]
            torch.testing.assert_close(maps[:, :, r, c], there)
    # with the same kernels everywhere it is the convolution
    everywhere = kernel.expand(rows, columns, *kernel.shape)
    torch.testing.assert_close(locally_connected2d(images, everywhere, **options), shared)
    torch.testing.assert_close(
        locally_connected2d(images, everywhere, bias[:, 0, 0], **options),
        shared + bias[:, 0, 0, None, None],
    )


def test_locally_connected_gradients():
    operands = [random(1, 2, 4, 4), random(2, 2, 2, 1, 3, 3), random(2, 2, 2)]
    for operand in operands:
        operand.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, w, b: locally_connected2d(x, w, b, stride=2, padding="same", groups=2), operands
    )


def test_locally_connected_equals_a_dense_layer_where_the_window_is_the_image():
    images, weight = random(3, 2, 4, 5), random(1, 1, 7, 2, 4, 5)
    expected = F.linear(images.flatten(1), weight.flatten(0, 2).flatten(1))
    torch.testing.assert_close(locally_connected2d(images, weight).flatten(1), expected)
