"""Padding in words and numbers: by hand, against its definitions, and its errors."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import output_size, padding_pairs, padding_same, per_axis

small = st.integers(1, 5)


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("valid", ((0, 0), (0, 0))),
        # height 7: 4 places, (4 - 1) * 2 + 5 - 7 = 4; width 8: 4 places, 6 + 5 - 8 = 3
        ("same", ((2, 2), (1, 2))),
        ("full", ((4, 4), (4, 4))),
        (3, ((3, 3), (3, 3))),
        ((3, 1), ((3, 3), (1, 1))),
        ([3, (1, 2)], ((3, 3), (1, 2))),
        (((0, 1), [2, 3]), ((0, 1), (2, 3))),
    ],
)
def test_by_hand(padding, expected):
    assert padding_pairs(padding, (7, 8), 5, stride=2) == expected


def test_each_axis_has_its_own_kernel_stride_and_dilation():
    # span 5 on 10 pixels, stride 3: 4 places, 9 + 5 - 10 = 4; span 7, stride 1: 6 in all
    same = padding_pairs("same", (10, 9), (5, 4), stride=(3, 1), dilation=(1, 2))
    assert same == ((2, 2), (3, 3))
    assert padding_pairs("full", (10, 9), (5, 4), dilation=(1, 2)) == ((4, 4), (6, 6))


def test_one_axis():
    assert padding_pairs(((1, 2),), (9,), 3) == ((1, 2),)
    assert padding_pairs((1,), (9,), 3) == ((1, 1),)
    with pytest.raises(
        ShapeError, match=r"padding is \(1, 2\); for 1 axis .*such as \(\(1, 2\),\)"
    ):
        padding_pairs((1, 2), (9,), 3)


@given(size=st.integers(1, 20), kernel_size=small, stride=small, dilation=small)
def test_words_against_their_definitions(size, kernel_size, stride, dilation):
    options = {"stride": stride, "dilation": dilation}
    (same,) = padding_pairs("same", (size,), kernel_size, **options)
    assert same == padding_same(size, kernel_size, **options)
    # "full" has as many places at stride 1 as NumPy's full convolution with the stuffed kernel
    ((before, after),) = padding_pairs("full", (size,), kernel_size, dilation=dilation)
    span = dilation * (kernel_size - 1) + 1
    full = len(np.convolve(np.ones(size), np.ones(span), mode="full"))
    assert before == after
    assert output_size(size, kernel_size, padding=before, dilation=dilation) == full


def test_numbers_of_other_kinds_pass_through(unannotated):
    assert padding_pairs(torch.Size((1, 2)), (9, 9), 3) == ((1, 1), (2, 2))
    assert per_axis(torch.Size((3, 4)), 2, "kernel_size") == (3, 4)
    numpys: Any = np.int64(3)
    assert per_axis(numpys, 2, "stride") == (3, 3)
    assert per_axis(0, 2, "output_padding", least=0) == (0, 0)


@pytest.mark.parametrize(
    ("padding", "text"),
    [
        ("sam", "padding is 'sam'; it must be 'valid', 'same', 'full', a number, or one entry"),
        ((1, 2, 3, 4), r"padding is \(1, 2, 3, 4\); for 2 axes .*\(\(1, 2\), \(1, 2\)\)"),
        (((1, 2, 3), 1), "must be a number or one entry an axis"),
        (-1, "padding is -1; its numbers must be whole and at least 0"),
        ((0, (1, -2)), "its numbers must be whole and at least 0"),
        (1.5, "its numbers must be whole"),
    ],
)
def test_padding_that_makes_no_sense(unannotated, padding, text):
    with pytest.raises(ShapeError, match=text):
        padding_pairs(padding, (9, 9), 3)


def test_numbers_that_make_no_sense(unannotated):
    with pytest.raises(ShapeError, match=r"stride is \(1, 2, 3\); it must be one number, or one "):
        per_axis((1, 2, 3), 2, "stride")
    with pytest.raises(ShapeError, match="dilation is 0; it must be whole and at least 1"):
        padding_pairs("full", (9, 9), 3, dilation=0)
    with pytest.raises(ShapeError, match=r"stride is \(1, -1\); it must be whole and at least 1"):
        padding_pairs("same", (9, 9), 3, stride=(1, -1))
    halves: Any = 2.0
    with pytest.raises(ShapeError, match=r"kernel_size is 2.0; it must be whole and at least 1"):
        per_axis(halves, 2, "kernel_size")


def test_the_arithmetic_loads_no_torch():
    script = (
        "import sys\n"
        "import striate.ops.arithmetic, striate.ops.padding\n"
        "from striate.ops import output_size, padding_pairs\n"
        "sys.exit('torch is loaded' if 'torch' in sys.modules else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_that_is_not_there():
    import striate.ops as room

    assert set(dir(room)) >= {"Window", "padding_pairs"}
    with pytest.raises(AttributeError, match=r"module 'striate\.ops' has no attribute 'conv4d'"):
        room.conv4d  # noqa: B018 - touching it is the test
