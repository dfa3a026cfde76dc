"""Transposed convolutions: by hand, against PyTorch and autograd, and their errors."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import (
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    transposed_output_size,
)
from tests.ops.test_convolution import random

TRANSPOSED = {
    1: (conv_transpose1d, F.conv_transpose1d),
    2: (conv_transpose2d, F.conv_transpose2d),
    3: (conv_transpose3d, F.conv_transpose3d),
}


def numbers(maps):
    return maps.flatten().tolist()


def test_by_hand():
    # 1 puts 1 2 3 down from cell 0, 10 puts 10 20 30 down from cell 2: 1 2 13 20 30
    axis, taps = torch.tensor([[[1.0, 10.0]]]), torch.tensor([[[1.0, 2.0, 3.0]]])
    assert numbers(conv_transpose1d(axis, taps, stride=2)) == [1, 2, 13, 20, 30]
    assert numbers(conv_transpose1d(axis, taps, stride=2, flip=True)) == [3, 2, 31, 20, 10]
    assert numbers(conv_transpose1d(axis, taps, stride=2, padding=1)) == [2, 13, 20]
    assert numbers(conv_transpose1d(axis, taps, stride=2, padding=((0, 2),))) == [1, 2, 13]
    assert numbers(conv_transpose1d(axis, taps, stride=2, padding=((2, 0),))) == [13, 20, 30]
    # a convolution "same" of 4 cells with stride 2 adds one zero after, which is cut off here
    assert numbers(conv_transpose1d(axis, taps, stride=2, padding="same")) == [1, 2, 13, 20]
    # of 3 cells it adds one at both ends
    options: dict[str, Any] = {"stride": 2, "padding": "same", "output_size": 3}
    assert numbers(conv_transpose1d(axis, taps, **options)) == [2, 13, 20]
    # "full" of 1 cell and 3 taps has 3 places: two zeros at each end, stride 2 sees 2 of them
    assert numbers(conv_transpose1d(axis, taps, stride=2, padding="full")) == [13]


def test_cells_that_no_pixel_reaches_have_the_bias_alone():
    axis, taps = torch.tensor([[[1.0, 10.0]]]), torch.tensor([[[2.0]]])
    bias = torch.tensor([0.5])
    options: dict[str, Any] = {"stride": 3, "padding": "same"}
    result = conv_transpose1d(axis, taps, bias, **options)
    # 6 cells in steps of 3: "same" of one tap adds nothing, the pixels lie at 0 and 3
    assert numbers(result) == [2.5, 0.5, 0.5, 20.5, 0.5, 0.5]
    short = conv_transpose1d(axis, taps, bias, output_size=4, **options)
    assert numbers(short) == [2.5, 0.5, 0.5, 20.5]


@pytest.mark.parametrize("axes", [1, 2, 3])
@given(data=st.data())
def test_equals_torch_where_torch_can(axes, data):
    draw = data.draw
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    kernel_size, padding = draw(st.integers(2, 4)), draw(st.integers(0, 1))
    extra = draw(st.integers(0, max(stride, dilation) - 1))
    images, weight = random(2, 4, *[3, 4, 2][:axes]), random(4, 3, *[kernel_size] * axes)
    bias = random(6)
    ours, torchs = TRANSPOSED[axes]
    options = {"stride": stride, "output_padding": extra, "dilation": dilation, "groups": 2}
    expected = torchs(images, weight, bias, padding=padding, **options)
    torch.testing.assert_close(ours(images, weight, bias, padding=padding, **options), expected)
    pairs = ((padding, padding),) * axes  # the way of unlike ends
    torch.testing.assert_close(ours(images, weight, bias, padding=pairs, **options), expected)
    if extra < stride:
        del options["output_padding"]
        sized = ours(images, weight, bias, padding=pairs, output_size=expected.shape[2:], **options)
        torch.testing.assert_close(sized, expected)


WAYS: list[dict[str, Any]] = [
    {"padding": "same", "stride": 2},
    {"padding": "same", "stride": (3, 1), "dilation": (1, 2)},
    {"padding": "valid", "stride": 2, "groups": 2},
    {"padding": "full", "flip": True},
    {"padding": ((0, 2), (2, 0)), "stride": 3},
    {"padding": ((3, 0), (0, 3)), "stride": 1},
]


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("size", [(7, 8), (9, 6)])
def test_equals_the_gradient_by_the_input(options, size):
    weight = random(4, 4 // options.get("groups", 1), 3, 4)
    images = random(2, 4, *size).requires_grad_()
    maps = conv2d(images, weight, **options)
    upstream = torch.randn_like(maps)
    (gradient,) = torch.autograd.grad(maps, images, upstream)
    back = conv_transpose2d(upstream, weight, output_size=size, **options)
    torch.testing.assert_close(back, gradient)


@pytest.mark.parametrize("options", WAYS)
def test_gradients(options):
    weight = random(2, 2 // options.get("groups", 1), 3, 4)
    operands = [random(1, 2, 4, 5), weight, random(2)]
    for operand in operands:
        operand.requires_grad_()
    assert torch.autograd.gradcheck(lambda *xs: conv_transpose2d(*xs, **options), operands)


@given(
    size=st.integers(1, 6), kernel_size=st.integers(1, 4), stride=st.integers(1, 4),
    padding=st.sampled_from(["valid", "same", 0, 1, (0, 1), (1, 0)]), dilation=st.integers(1, 3),
)  # fmt: skip
def test_the_size_is_what_the_arithmetic_says(size, kernel_size, stride, padding, dilation):
    axis, taps = random(1, 1, size), random(1, 1, kernel_size)
    options = {"stride": stride, "dilation": dilation}
    given_padding = (padding,) if isinstance(padding, tuple) else padding
    number = 0 if padding == "valid" else padding
    try:
        expected = transposed_output_size(size, kernel_size, padding=number, **options)
    except ShapeError as refusal:
        with pytest.raises(ShapeError, match=str(refusal)[:17]):
            conv_transpose1d(axis, taps, padding=given_padding, **options)
        return
    actual = conv_transpose1d(axis, taps, padding=given_padding, **options)
    assert actual.shape[-1] == expected


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"stride": 0}, "stride is 0; it must be whole and at least 1"),
    ({"stride": -2, "padding": "same"}, "stride is -2"),
    ({"padding": -1}, "padding is -1; its numbers must be whole and at least 0"),
    ({"padding": 9}, "nothing is left"),
    ({"groups": 3}, "groups is 3, which does not divide in_channels, 4; one of 1, 2, 4 divides"),
    ({"output_padding": 1}, r"output_padding is 1; it must be .*less"),
    ({"output_padding": 1, "stride": 2, "padding": "same"}, "'same' fixes the size"),
    ({"output_padding": 1, "stride": 2, "output_size": 8}, "output_size is given too"),
    ({"output_size": 9}, "asks for a height of 9, which .* not take to 4; 6 to 6 would do"),
    ({"output_size": 9, "stride": 2, "padding": "same"}, "a height of 9, .* 7 to 8 would do"),
    ({"bias": torch.ones(3)}, r"bias has shape \(3,\); it must be one number for each of the 2"),
]


@pytest.mark.parametrize(("options", "text"), MISTAKES)
def test_mistakes(options, text, unannotated):
    if options.get("groups"):
        images, weight = random(1, 4, 4, 4), random(4, 1, 3, 3)
    else:
        images, weight = random(1, 4, 4, 4), random(4, 2, 3, 3)
    with pytest.raises(ShapeError, match=text):
        conv_transpose2d(images, weight, **options)


def test_tensors_that_do_not_fit(unannotated):
    images, weight = random(1, 4, 4, 4), random(4, 2, 3, 3)
    with pytest.raises(ShapeError, match=r"reads 4 channels; images have 3 \(a transposed weight"):
        conv_transpose2d(images[:, :3], weight)
    with pytest.raises(ShapeError, match=r"images: shape \(4, 4, 4\); .*images\[None\]"):
        conv_transpose2d(images[0], weight)
    with pytest.raises(ShapeError, match=r"weight: int64 numbers; .*weight\.float\(\)"):
        conv_transpose2d(images, weight.long())


def test_padding_that_leaves_exactly_nothing_is_refused_and_its_remedy_works(unannotated):
    # One pixel spreads over 2; padding 1 cuts 2 off, and PyTorch would return no pixel at all.
    images, weight = random(1, 2, 1, 1), random(2, 3, 2, 2)
    with pytest.raises(ShapeError, match="padding=0 is the most that leaves one"):
        conv_transpose2d(images, weight, padding=1)
    assert conv_transpose2d(images, weight, padding=0).shape == (1, 3, 2, 2)
