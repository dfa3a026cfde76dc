"""Convolutions refuse what makes no sense, say why, and the remedy they name works."""

import re
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import conv1d, conv2d, conv3d, depthwise_conv2d, locally_connected2d

IMAGES, WEIGHT = torch.ones(2, 4, 6, 5), torch.ones(6, 4, 3, 3)

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"stride": 0}, "stride is 0; it must be whole and at least 1"),
    ({"stride": (1, -1)}, r"stride is \(1, -1\); it must be whole and at least 1"),
    ({"stride": -1, "padding": "same"}, "stride is -1; it must be whole and at least 1"),
    ({"stride": 1.5}, "stride is 1.5; it must be whole"),
    ({"stride": (1, 1, 1)}, r"stride is \(1, 1, 1\); it must be one number, or one for each of 2"),
    ({"dilation": 0}, "dilation is 0"),
    ({"padding": -1}, "padding is -1"),
    ({"padding": (1, 2, 3)}, r"padding is \(1, 2, 3\); for 2 axes"),
    ({"padding": "SAME"}, "padding is 'SAME'; it must be 'valid', 'same', 'full'"),
    ({"padding_mode": "mirror"}, "padding_mode is 'mirror'; it must be one of zeros, reflect"),
    ({"groups": 0}, "groups is 0, which does not divide in_channels, 4; one of 1, 2 divides"),
    ({"groups": 3}, "groups is 3, which does not divide in_channels, 4; one of 1, 2 divides"),
    ({"groups": 4}, "groups is 4, which does not divide out_channels, 6; one of 1, 2 divides"),
    ({"groups": 2}, "reads 4 channels a group; images have 4 in groups=2, so it must read 2"),
    ({"bias": torch.ones(4)}, r"bias has shape \(4,\); it must be one number for each of the 6"),
    ({"dilation": 3}, r"kernel spans 7 pixels \(3 taps, dilation 3\), but the height has 6 "),
    (
        {"padding": 6, "padding_mode": "reflect"},
        r"reflect padding adds \(6, 6\) pixels .* the height of 6; 5 is the most",
    ),
    (
        {"padding": (0, 6), "padding_mode": "circular"},
        r"circular padding adds \(6, 6\) pixels .* the width of 5; 5 is the most",
    ),
]


@pytest.mark.parametrize(("options", "text"), MISTAKES)
def test_mistakes(options, text, unannotated):
    with pytest.raises(ShapeError, match=text) as caught:
        conv2d(IMAGES, WEIGHT, **options)
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("images", "weight", "text"),
    [
        (IMAGES[0], WEIGHT, r"images: shape \(4, 6, 5\); it must be \(n, c, height, width\); im"),
        (IMAGES, WEIGHT[0], r"weight: shape \(4, 3, 3\); it must be \(o, i, height, width\)"),
        (IMAGES[:, :3], WEIGHT, "reads 4 channels a group; images have 3 in groups=1"),
        (IMAGES.long(), WEIGHT.long(), r"images: int64 numbers; .* floating point: images.float"),
        (IMAGES.byte(), WEIGHT, "images: uint8 numbers"),
        (IMAGES, WEIGHT.int(), "weight: int32 numbers"),
        (
            IMAGES.to(torch.cfloat),
            WEIGHT.to(torch.cfloat),
            "images: complex64 numbers; take images.real and im",
        ),
        (IMAGES[:, :, :0], WEIGHT, r"the height has 0 \(size 0, padding \(0, 0\)\)"),
        (IMAGES, WEIGHT[:, :, :0], "kernel_size is .* at least 1"),
    ],
)
def test_tensors_that_do_not_fit(images, weight, text, unannotated):
    with pytest.raises(ShapeError, match=text):
        conv2d(images, weight)


def test_the_rank_is_named_in_one_and_three_axes(unannotated):
    with pytest.raises(ShapeError, match=r"it must be \(n, c, length\)"):
        conv1d(IMAGES, WEIGHT)
    with pytest.raises(ShapeError, match=r"it must be \(n, c, depth, height, width\)"):
        conv3d(IMAGES, WEIGHT)


@given(
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)), taps=st.integers(1, 5),
    dilation=st.integers(1, 3), padding=st.sampled_from([0, 1, ((1, 0), (0, 2)), "valid"]),
)  # fmt: skip
def test_the_padding_in_the_error_is_the_least(size, taps, dilation, padding):
    images, weight = torch.ones(1, 1, *size), torch.ones(1, 1, taps, taps)
    try:
        maps = conv2d(images, weight, padding=padding, dilation=dilation)
    except ShapeError as refusal:
        found = re.search(r"padding=(\d+) is the least that fits", str(refusal))
        assert found is not None
        least = int(found[1])
        assert conv2d(images, weight, padding=least, dilation=dilation).numel()
        with pytest.raises(ShapeError, match="is the least that fits"):
            conv2d(images, weight, padding=least - 1, dilation=dilation)
    else:
        assert maps.numel()


def test_what_is_no_matter_of_shapes_stays_torch_s():
    with pytest.raises(RuntimeError, match=r"(?i)sparse"):
        conv2d(IMAGES, WEIGHT.to_sparse())


def test_the_other_kinds(unannotated):
    with pytest.raises(ShapeError, match=r"for 4 channels it must be \(4 \* multiplier, 1, height"):
        depthwise_conv2d(IMAGES, WEIGHT)
    weight = torch.ones(4, 3, 6, 4, 3, 3)
    assert locally_connected2d(IMAGES, weight).shape == (2, 6, 4, 3)
    with pytest.raises(ShapeError, match=r"have 4 x 3 places, so it must be \(4, 3, 6, 4, 3, 3\)"):
        locally_connected2d(IMAGES, weight[:3])
    with pytest.raises(ShapeError, match=r"bias has shape \(3,\); it must be \(6,\) or \(6, 4, 3"):
        locally_connected2d(IMAGES, weight, torch.ones(3))
    with pytest.raises(ShapeError, match="groups is 4, which does not divide out_channels, 6"):
        locally_connected2d(IMAGES, weight, groups=4)
    with pytest.raises(ShapeError, match="padding=1 is the least that fits"):
        locally_connected2d(IMAGES, torch.ones(1, 1, 6, 4, 7, 7))
    with pytest.raises(ShapeError, match=r"weight: shape \(6, 4, 3, 3\); it must be \(rows, col"):
        locally_connected2d(IMAGES, WEIGHT)


ARRAY, NUMBERS = IMAGES.numpy(), IMAGES.tolist()


@pytest.mark.parametrize(
    ("images", "weight", "bias", "text", "remedied"),
    [
        (ARRAY, WEIGHT, None, "images: numpy.ndarray; it must be a torch.Tensor: torch.from_numpy",
         {"images": torch.from_numpy(ARRAY)}),
        (NUMBERS, WEIGHT, None, r"images: list; it must be a torch.Tensor: torch.tensor\(images\)",
         {"images": torch.tensor(NUMBERS)}),
        (IMAGES, WEIGHT.numpy(), None, r"weight: numpy.ndarray; .*: torch.from_numpy\(weight\)$",
         {"weight": WEIGHT}),
        (IMAGES, WEIGHT, [0.0] * 6, r"bias: list; .*: torch.tensor\(bias\)$",
         {"bias": torch.tensor([0.0] * 6)}),
        (IMAGES.double(), WEIGHT, None,
         r"images: float64 numbers, but weight has float32; .*: images.to\(weight.dtype\)$",
         {"images": IMAGES.double().to(WEIGHT.dtype)}),
        (IMAGES, WEIGHT, torch.zeros(6).double(),
         r"bias: float64 numbers, but weight has float32; .*: bias.to\(weight.dtype\)$",
         {"bias": torch.zeros(6).double().to(WEIGHT.dtype)}),
    ],
)  # fmt: skip
def test_no_tensors_and_unlike_types(images, weight, bias, text, remedied, unannotated):
    given = {"images": images, "weight": weight, "bias": bias}
    with pytest.raises(ShapeError, match=text) as caught:
        conv2d(**given)
    assert "\n" not in str(caught.value)
    assert torch.equal(conv2d(**given | remedied), torch.full((2, 6, 4, 3), 36.0))
