"""Dumoulin and Visin, arXiv:1603.07285: their fifteen relationships, each against enumeration.

The oracle lays the kernel down place by place and counts; it knows no formula.
"""

from itertools import product

import pytest

from striate.ops import output_size, transposed_output_size

SIZES, KERNELS = range(1, 13), range(1, 6)
STRIDES, PADS, DILATIONS = range(1, 5), range(4), range(1, 4)


def places(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1):
    """Count the places where every tap lies on the padded axis."""
    axis = set(range(-padding, size + padding))
    starts = range(-padding, size + padding, stride)
    return sum({s + t * dilation for t in range(kernel_size)} <= axis for s in starts)


def spread(size: int, kernel_size: int, stride: int = 1, padding: int = 0) -> int:
    """Count the pixels that a transposed convolution writes to, less what is cut off the ends."""
    written = {i * stride + t for i in range(size) for t in range(kernel_size)}
    # Between two kernels further apart than they are wide lie zeros; they are pixels too.
    return len(range(min(written), max(written) + 1)[padding : max(written) + 1 - padding])


def grid(*axes):
    """Return all combinations; there is no test without a case."""
    cases = list(product(*axes))
    assert cases
    return cases


def test_1_no_padding_unit_stride():
    for i, k in grid(SIZES, KERNELS):
        if k <= i:
            assert output_size(i, k) == places(i, k) == (i - k) + 1


def test_2_padding_unit_stride():
    for i, k, p in grid(SIZES, KERNELS, PADS):
        if k <= i + 2 * p:
            assert output_size(i, k, padding=p) == places(i, k, padding=p) == (i - k) + 2 * p + 1


def test_3_half_padding_keeps_the_size():
    for i, k in grid(SIZES, (1, 3, 5)):
        assert output_size(i, k, padding=k // 2) == places(i, k, padding=k // 2) == i
        assert output_size(i, k, padding="same") == i


def test_4_full_padding_gives_every_overlap():
    for i, k in grid(SIZES, KERNELS):
        assert output_size(i, k, padding=k - 1) == places(i, k, padding=k - 1) == i + (k - 1)
        assert output_size(i, k, padding="full") == i + (k - 1)


def test_5_no_padding_and_a_stride():
    for i, k, s in grid(SIZES, KERNELS, STRIDES):
        if k <= i:
            assert output_size(i, k, stride=s) == places(i, k, s) == (i - k) // s + 1


def test_6_padding_and_a_stride():
    for i, k, s, p in grid(SIZES, KERNELS, STRIDES, PADS):
        if k <= i + 2 * p:
            expected = (i + 2 * p - k) // s + 1
            assert output_size(i, k, stride=s, padding=p) == places(i, k, s, p) == expected


def test_7_pooling_is_counted_like_a_convolution():
    for i, k in grid(SIZES, KERNELS):
        if k <= i:  # windows side by side: as many as fit
            assert output_size(i, k, stride=k) == places(i, k, k) == i // k


def test_8_transposed_no_padding_unit_stride():
    for i, k in grid(SIZES, KERNELS):
        assert transposed_output_size(i, k) == spread(i, k) == i + (k - 1)


def test_9_transposed_padding_unit_stride():
    for i, k, p in grid(SIZES, KERNELS, PADS):
        if p < k and i + (k - 1) > 2 * p:
            expected = i + (k - 1) - 2 * p
            assert transposed_output_size(i, k, padding=p) == spread(i, k, 1, p) == expected


def test_10_transposed_half_padding_keeps_the_size():
    for i, k in grid(SIZES, (1, 3, 5)):
        assert transposed_output_size(i, k, padding=k // 2) == spread(i, k, 1, k // 2) == i
        assert transposed_output_size(i, k, padding="same") == i


def test_11_transposed_full_padding():
    for i, k in grid(SIZES, KERNELS):
        if i > k - 1:
            expected = i - (k - 1)
            assert transposed_output_size(i, k, padding=k - 1) == spread(i, k, 1, k - 1) == expected
            assert transposed_output_size(i, k, padding="full") == expected


def test_12_transposed_no_padding_and_a_stride():
    for i, k, s in grid(SIZES, KERNELS, STRIDES):
        assert transposed_output_size(i, k, stride=s) == spread(i, k, s) == s * (i - 1) + k


def test_13_transposed_padding_and_a_stride():
    for i, k, s, p in grid(SIZES, KERNELS, STRIDES, PADS):
        if s * (i - 1) + k > 2 * p:
            expected = s * (i - 1) + k - 2 * p
            assert transposed_output_size(i, k, stride=s, padding=p) == spread(i, k, s, p)
            assert transposed_output_size(i, k, stride=s, padding=p) == expected


@pytest.mark.parametrize("padding", PADS)
def test_14_each_size_that_a_convolution_shrinks_to_this_one(padding):
    for i, k, s in grid(range(1, 8), KERNELS, STRIDES):
        back = [n for n in range(1, 60) if places(n, k, s, padding) == i]
        if s * (i - 1) + k - 2 * padding < 1:
            continue  # some of them are no sizes at all
        expected = [
            transposed_output_size(i, k, stride=s, padding=padding, output_padding=a)
            for a in range(s)
        ]
        assert back == expected == [s * (i - 1) + a + k - 2 * padding for a in range(s)]


def test_15_dilation():
    for i, k, s, p, d in grid(SIZES, KERNELS, STRIDES, PADS, DILATIONS):
        if k + (k - 1) * (d - 1) <= i + 2 * p:
            expected = (i + 2 * p - k - (k - 1) * (d - 1)) // s + 1
            found = output_size(i, k, stride=s, padding=p, dilation=d)
            assert found == places(i, k, s, p, d) == expected
