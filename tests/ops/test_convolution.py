"""Convolutions: by hand, against NumPy loops, SciPy and PyTorch, and gradients in float64."""

from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from striate.ops import conv1d, conv2d, conv3d
from striate.ops.padding import padding_pairs
from tests.ops import loops

CONVOLUTIONS = {1: conv1d, 2: conv2d, 3: conv3d}


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_by_hand():
    # 1 2 3      -1 0     the window 1 2 / 4 5 gives -1 + 2 * 5 = 9, and 2 more a pixel to the
    # 4 5 6  by   0 2     right; a row further down 3 more of the one and 6 more of the other.
    # 7 8 9
    image = torch.arange(1.0, 10).view(1, 1, 3, 3)
    weight = torch.tensor([[[[-1.0, 0], [0, 2]]]])
    assert conv2d(image, weight, torch.tensor([0.5])).tolist() == [[[[9.5, 10.5], [12.5, 13.5]]]]
    # convolution proper turns the kernel round: 2 * 1 - 5 = -3
    assert conv2d(image, weight, flip=True).tolist() == [[[[-3, -2], [0, 1]]]]
    # the zero column and row of SAME go after: the last pixel sees itself alone, -1 * 9
    assert conv2d(image, weight, padding="same")[0, 0, :, 2].tolist() == [-3, -6, -9]


def test_borders_by_hand():
    axis, ones = torch.tensor([[[1.0, 2, 4]]]), torch.ones(1, 1, 3)
    expected = {"zeros": [3, 7, 6], "reflect": [5, 7, 8], "replicate": [4, 7, 10]}
    for mode, sums in {**expected, "circular": [7, 7, 7]}.items():
        assert conv1d(axis, ones, padding=1, padding_mode=mode).flatten().tolist() == sums


def test_the_course_s_numbers():
    axis = torch.arange(1.0, 14).view(1, 1, 13)
    taps = torch.tensor([2.0, 3, 5, 7, 11, 13]).view(1, 1, 6)
    assert conv1d(axis, taps, stride=5).flatten().tolist() == [184, 389]
    assert conv1d(axis, taps, stride=5, padding="same").flatten().tolist() == [143, 348, 204]
    # the same in two and three axes, along the last one
    images, kernels = axis.view(1, 1, 1, 13), taps.view(1, 1, 1, 6)
    assert conv2d(images, kernels, stride=5, padding="same").flatten().tolist() == [143, 348, 204]
    same = conv3d(images[:, :, None], kernels[:, :, None], stride=5, padding="same")
    assert same.flatten().tolist() == [143, 348, 204]


@st.composite
def cases(draw, axes):
    groups, read, per_group = (draw(st.integers(1, 2)) for _ in range(3))
    sizes, taps = draw(loops.axis_numbers(axes, 6)), draw(loops.axis_numbers(axes, 3))
    options = {
        "stride": draw(loops.axis_numbers(axes, 3)),
        "dilation": draw(loops.axis_numbers(axes, 2)),
        "padding": draw(loops.paddings(axes)),
        "padding_mode": draw(st.sampled_from(["zeros", "zeros", *loops.MODES])),
        "groups": groups,
    }
    pairs = loops.pairs_of(options["padding"], sizes, taps, options["stride"], options["dilation"])
    spans = [d * (k - 1) + 1 for k, d in zip(taps, options["dilation"], strict=True)]
    for n, span, pair in zip(sizes, spans, pairs, strict=True):
        assume(n + sum(pair) >= span)
        assume(options["padding_mode"] == "zeros" or max(pair) < n)
    images = random(draw(st.integers(1, 2)), groups * read, *sizes)
    return images, random(groups * per_group, read, *taps), options


@pytest.mark.parametrize("axes", [1, 2, 3])
@given(data=st.data(), flip=st.booleans())
def test_every_setting_equals_the_loops(axes, data, flip):
    images, weight, options = data.draw(cases(axes))
    bias = random(len(weight))
    actual = CONVOLUTIONS[axes](images, weight, bias, flip=flip, **options)
    turned = np.flip(weight.numpy(), tuple(range(2, axes + 2))) if flip else weight.numpy()
    expected = loops.convolve(images.numpy(), turned, **options)
    expected += bias.numpy().reshape(-1, *[1] * axes)
    torch.testing.assert_close(actual, torch.from_numpy(expected))


@pytest.mark.parametrize("word", ["valid", "same", "full"])
@pytest.mark.parametrize("kernel_size", [(3, 5), (4, 2), (1, 3)])
def test_words_equal_scipy_s(word, kernel_size):
    image, kernel = random(9, 8), random(*kernel_size)
    signal = scipy.signal.convolve2d(image.numpy(), kernel.numpy(), mode=word)
    # SciPy's "same" is centred on the full result, so that an odd pixel comes before
    padding = word
    if word == "same":
        padding = tuple((k // 2, (k - 1) // 2) for k in kernel_size)
    actual = conv2d(image[None, None], kernel[None, None], padding=padding, flip=True)
    torch.testing.assert_close(actual[0, 0], torch.from_numpy(signal))
    correlated = scipy.signal.correlate(image.numpy(), kernel.numpy(), mode="full")
    actual = conv2d(image[None, None], kernel[None, None], padding="full")
    torch.testing.assert_close(actual[0, 0], torch.from_numpy(correlated))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_borders_equal_those_of_torch_s_modules(axes, mode):
    kind = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)[axes - 1]
    module = kind(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, padding_mode=mode).double()
    images = random(2, 4, *(7, 8, 6)[:axes])
    actual = CONVOLUTIONS[axes](
        images, module.weight, module.bias,
        stride=2, padding=2, dilation=2, groups=2, padding_mode=mode,
    )  # fmt: skip
    torch.testing.assert_close(actual, module(images), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("padding", ["valid", "same", 1, (1, 0), ((0, 1), (1, 1)), "full"])
def test_the_same_bits_as_torch_behind_a_border(padding, dtype):
    images, weight = torch.randn(2, 3, 9, 9).to(dtype), torch.randn(4, 3, 3, 3).to(dtype)
    (top, bottom), (left, right) = padding_pairs(padding, (9, 9), 3)
    expected = F.conv2d(F.pad(images, (left, right, top, bottom)), weight)
    actual = conv2d(images, weight, padding=padding)
    assert actual.dtype is dtype
    tolerance = {torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 6e-2}[dtype]
    torch.testing.assert_close(actual, expected, atol=tolerance, rtol=tolerance)


WITH_A_COPY: list[dict[str, Any]] = [
    {"padding": "same", "stride": 2},
    {"padding": "full", "dilation": 2, "flip": True},
    {"padding": ((2, 0), (0, 1)), "padding_mode": "reflect", "stride": (2, 1)},
    {"padding": 1, "padding_mode": "circular", "groups": 2},
    {"padding": ((0, 1), (2, 0)), "padding_mode": "replicate"},
]


@pytest.mark.parametrize("options", WITH_A_COPY)
def test_gradients(options):
    read = 2 // options.get("groups", 1)
    images, weight, bias = random(1, 2, 5, 4), random(2, read, 2, 3), random(2)
    for operand in (images, weight, bias):
        operand.requires_grad_()
    assert torch.autograd.gradcheck(lambda *xs: conv2d(*xs, **options), (images, weight, bias))


WITHOUT_A_COPY: list[dict[str, Any]] = [
    {},
    {"padding": 1},
    {"padding": (1, 0), "stride": 2},
    {"padding": "same"},
    {"padding": "same", "dilation": 2},
    {"padding": "same", "stride": 3},  # one pixel at each end of 7
    {"padding": "full"},
    {"padding": ((1, 1), (0, 0))},
]


@pytest.mark.parametrize("options", WITHOUT_A_COPY)
def test_images_are_not_copied_where_torch_can_pad(options):
    images, weight = torch.randn(1, 2, 7, 7), torch.randn(2, 2, 3, 3, requires_grad=True)
    kept = []

    def keep(tensor):
        kept.append(tensor.data_ptr())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        conv2d(images, weight, **options)
    assert images.data_ptr() in kept


def test_an_empty_axis_and_an_empty_batch():
    weight = torch.ones(1, 1, 1, 1)
    assert conv2d(torch.randn(1, 1, 0, 2), weight, padding=1).tolist() == [[[[0.0] * 4] * 2]]
    assert conv2d(torch.randn(0, 1, 5, 4), weight, padding="same", stride=2).shape == (0, 1, 3, 2)
