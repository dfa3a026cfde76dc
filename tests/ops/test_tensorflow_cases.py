"""TensorFlow's own numbers for VALID, SAME and explicit padding: 41 cases."""

import json
from math import prod
from pathlib import Path

import pytest
import torch

from striate.ops import avg_pool2d, conv2d, conv_transpose2d, max_pool2d

CASES = json.loads(
    Path(__file__).parents[1].joinpath("facts/tf_same_cases.json").read_text(encoding="utf-8")
)


def counted(shape):
    """1, 2, 3 ... in TensorFlow's order: (n, h, w, c) for images, (h, w, in, out) for kernels."""
    return torch.arange(1.0, prod(shape) + 1, dtype=torch.float64).view(shape)


def images_of(shape):
    return counted(shape).permute(0, 3, 1, 2)


def kernels_of(shape):
    return counted(shape).permute(3, 2, 0, 1)


def padding_of(padding):
    return padding.lower() if isinstance(padding, str) else padding


def flat(maps):
    """Numbers in TensorFlow's order."""
    return maps.permute(0, 2, 3, 1).flatten()


def assert_same_numbers(actual, expected):
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64))


def named(kind):
    return [pytest.param(*case[1:], id=case[0]) for case in CASES[kind]]


def test_all_are_there():
    assert sum(map(len, CASES.values())) == 41


@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "expected"), named("conv"))
def test_convolution(size, kernel, stride, padding, expected):
    options = {"stride": stride, "padding": padding_of(padding)}
    assert_same_numbers(flat(conv2d(images_of(size), kernels_of(kernel), **options)), expected)


@pytest.mark.parametrize(
    ("size", "kernel", "out", "stride", "padding", "expected"), named("conv_bwd_input")
)
def test_the_transposed_convolution_is_the_gradient_by_the_input(
    size, kernel, out, stride, padding, expected
):
    maps, weight = images_of(out), kernels_of(kernel)
    options = {"stride": stride, "padding": padding_of(padding)}
    result = conv_transpose2d(maps, weight, output_size=size[1:3], **options)
    assert_same_numbers(flat(result), expected)
    images = torch.zeros(images_of(size).shape, dtype=torch.float64, requires_grad=True)
    conv2d(images, weight, **options).backward(maps)
    assert images.grad is not None
    assert_same_numbers(flat(images.grad), expected)


@pytest.mark.parametrize(
    ("size", "kernel", "out", "stride", "padding", "expected"), named("conv_bwd_filter")
)
def test_gradient_by_the_weight(size, kernel, out, stride, padding, expected):
    weight = kernels_of(kernel).requires_grad_()
    maps = conv2d(images_of(size), weight, stride=stride, padding=padding_of(padding))
    (gradient,) = torch.autograd.grad(maps, weight, images_of(out))
    assert_same_numbers(gradient.permute(2, 3, 1, 0).flatten(), expected)


@pytest.mark.parametrize(
    ("kind", "size", "kernel_size", "stride", "padding", "expected"),
    [pytest.param(c[0], *c[2:], id=f"{c[0]}-{c[1]}") for c in CASES["pool"]],
)
def test_pooling(kind, size, kernel_size, stride, padding, expected, request):
    images = images_of(size)
    if "Negative" in request.node.name:
        images = -images
    pool = {"avg": avg_pool2d, "max": max_pool2d}[kind]
    maps = pool(images, kernel_size, stride=stride, padding=padding_of(padding))
    assert_same_numbers(flat(maps), expected)
