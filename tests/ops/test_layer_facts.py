"""Everything of one convolution in a record: against tensors, by hand, and its errors."""

import json
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import conv_transpose2d, convolution_facts
from striate.ops.comparisons import Connected
from striate.ops.counting import Cost


def test_the_courses_layer():
    facts = convolution_facts(
        (100, 150), 5, in_channels=3, out_channels=200, padding="same", batch=2
    )
    assert facts.input_shape == (2, 3, 100, 150)
    assert facts.output_shape == (2, 200, 100, 150)
    assert facts.cost == Cost(15_200, 225_000_000)
    assert facts.multiply_adds == 450_000_000
    assert facts.output_bytes == 2 * 12_000_000
    assert facts.input_bytes == 2 * 180_000
    assert facts.parameter_bytes == 60_800
    assert [axis.name for axis in facts.axes] == ["height", "width"]
    assert facts.connections is not None
    assert facts.connections.convolutional == Connected(225_000_000, 15_000)
    assert facts.separable is not None
    assert facts.separable.cheaper == Cost(75 + 800, 15_000 * 675)
    assert facts.stacked is None  # the channels change


def test_one_axis_by_hand():
    (axis,) = convolution_facts(13, 6, stride=5).axes
    assert (axis.name, axis.before, axis.after, axis.output, axis.unread) == ("length", 0, 0, 2, 2)
    assert axis.formula == "floor((13 + 0 + 0 - 6) / 5) + 1 = 2"
    (axis,) = convolution_facts(13, 6, stride=5, padding="same").axes
    assert (axis.before, axis.after, axis.output, axis.unread) == (1, 2, 3, 0)
    # 10 pixels, 1 before and 2 after, span 3, stride 4: places at -1, 3, 7; 10 and 11 are padding
    (axis,) = convolution_facts(10, 3, stride=4, padding=((1, 2),)).axes
    assert (axis.output, axis.unread, axis.sees) == (3, 0, 3)
    assert convolution_facts((2, 2, 2, 2), 1).axes[3].name == "axis 4"


def test_small_kernels_in_place_of_a_large_one():
    facts = convolution_facts((56, 56), 7, in_channels=64, out_channels=64, padding="same")
    assert facts.stacked is not None
    assert facts.stacked.receptive_field == 7
    assert facts.stacked.cheaper.parameters == 3 * (9 * 64 + 1) * 64
    usual: dict[str, Any] = {"in_channels": 64, "out_channels": 64, "padding": "same"}
    for other in ({"padding": "valid"}, {"stride": 2}, {"out_channels": 32}, {"dilation": 2},
                  {"groups": 2}):  # fmt: skip
        options: dict[str, Any] = usual | other
        assert convolution_facts((56, 56), 7, **options).stacked is None
    assert convolution_facts(9, 3, padding="same").stacked is None
    assert convolution_facts(9, 4, padding="same").stacked is None
    assert convolution_facts((9, 9), (5, 7), padding="same").stacked is None


def worked_out(formula: str) -> int:
    """Return the right side of a formula, once its left side says the same."""
    left, _, right = formula.partition(" = ")
    assert set(left.replace("floor", "")) <= set("0123456789 ()+-*/")
    assert eval(left.replace("floor", "int")) == int(right)  # noqa: S307 - digits and signs only
    return int(right)


small = st.integers(1, 4)
numbers = st.tuples(small, small)
paddings = st.one_of(
    st.sampled_from(["valid", "same", "full"]),
    st.integers(0, 3),
    st.tuples(st.tuples(small, small), small),
)


@given(st.tuples(st.integers(4, 20), st.integers(4, 20)), numbers, numbers, numbers, paddings)
def test_shapes_are_those_of_tensors(size, kernel_size, stride, dilation, padding):
    try:
        facts = convolution_facts(
            size, kernel_size, stride=stride, dilation=dilation, padding=padding, in_channels=2,
            out_channels=4, groups=2, batch=3,
        )  # fmt: skip
    except ShapeError:
        spans = [d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True)]
        assert any(span > n for span, n in zip(spans, size, strict=True))
        return
    height, width = facts.axes
    border = (width.before, width.after, height.before, height.after)
    padded = F.pad(torch.zeros(3, 2, *size), border)
    out = F.conv2d(
        padded, torch.zeros(4, 1, *kernel_size), stride=stride, dilation=dilation, groups=2
    )
    assert facts.output_shape == tuple(out.shape)
    assert facts.output_bytes == out.numel() * out.element_size()
    assert facts.cost.parameters == 4 * (kernel_size[0] * kernel_size[1] + 1)
    for axis in facts.axes:  # the formula is arithmetic, not words
        assert worked_out(axis.formula) == axis.output


@given(st.tuples(small, small), numbers, numbers, st.sampled_from(["valid", "same", 0, 1]))
def test_transposed_shapes_are_those_of_tensors(size, kernel_size, stride, padding):
    images, weight = torch.zeros(2, 2, *size), torch.zeros(2, 3, *kernel_size)
    cut = 2 * padding if isinstance(padding, int) else 0
    whole = [(n - 1) * s + k for n, s, k in zip(size, stride, kernel_size, strict=True)]
    if min(whole) <= cut:
        with pytest.raises(ShapeError, match="nothing is left"):
            convolution_facts(size, kernel_size, stride=stride, padding=padding, transposed=True)
        return
    out = conv_transpose2d(images, weight, stride=stride, padding=padding)
    facts = convolution_facts(
        size, kernel_size, stride=stride, padding=padding, transposed=True, in_channels=2,
        out_channels=3, batch=2,
    )  # fmt: skip
    assert facts.output_shape == tuple(out.shape)
    assert facts.cost.multiply_adds == size[0] * size[1] * weight.numel()
    assert (facts.connections, facts.separable, facts.stacked) == (None, None, None)
    for axis in facts.axes:
        assert worked_out(axis.formula) == axis.output


def test_transposed_by_hand():
    (axis,) = convolution_facts(
        3, 6, stride=5, padding=((1, 2),), output_padding=1, transposed=True
    ).axes
    assert axis.formula == "(3 - 1) * 5 + 6 - 1 - 2 + 1 = 14"
    assert (axis.output, axis.output_padding, axis.sees) == (14, 1, 2)
    (axis,) = convolution_facts(4, 1, stride=3, padding="same", transposed=True).axes
    assert axis.formula == "(4 - 1) * 3 + 1 - 0 + 2 + 0 = 12"
    assert axis.after == -2


def test_json_is_plain():
    facts = convolution_facts((8, 9), 3, padding=((1, 2), 0), in_channels=2, out_channels=2)
    values = json.loads(json.dumps(facts.to_json(), allow_nan=False))
    assert values["output_shape"] == [1, 2, 9, 7]
    assert values["parameters"] == 38
    assert values["multiply_adds"] == 9 * 7 * 36
    assert values["axes"][0]["after"] == 2
    assert values["connections"]["fully_connected"]["connections"] == 144 * 126
    assert "cost" not in values


def test_the_padding_in_the_error_fits_all_axes():
    with pytest.raises(ShapeError, match=r"the axis has 3 .*padding=2 is the least that fits"):
        convolution_facts((6, 3, 5), 7)
    assert convolution_facts((6, 3, 5), 7, padding=2).output_shape == (1, 1, 4, 1, 3)
    with pytest.raises(ShapeError, match="padding=1 is the most that leaves one"):
        convolution_facts((5, 1, 2), 3, padding=3, transposed=True)
    back = convolution_facts((5, 1, 2), 3, padding=1, transposed=True)
    assert back.output_shape == (1, 1, 5, 1, 2)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"output_padding": 1}, "output_padding is for transposed convolutions; leave it at 0"),
        ({"groups": 2}, "groups is 2, but in_channels is 1 and out_channels 1; 1 divides both"),
        ({"batch": 0}, "batch is 0; it must be whole and at least 1"),
        ({"dtype": "float"}, "dtype is 'float'; it must be one of float64, float32"),
        ({"stride": (1, 2)}, r"stride is \(1, 2\); it must be one number, or one for each of 1"),
        ({"padding": "smae"}, "padding is 'smae'; it must be 'valid', 'same', 'full'"),
        ({"padding": 2, "transposed": True, "output_padding": 3}, "output_padding is 3; it must"),
    ],
)
def test_errors(options, why):
    with pytest.raises(ShapeError, match=why):
        convolution_facts(9, 3, **options)
