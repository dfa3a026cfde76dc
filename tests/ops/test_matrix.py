"""Convolution as a matrix: by hand, against PyTorch, and as laws."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import toeplitz

from striate._errors import ShapeError
from striate.ops import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    convolution_matrix,
    transposed_convolution_matrix,
)

CONVOLVE = {1: conv1d, 2: conv2d, 3: conv3d}
TRANSPOSE = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}
PLAIN = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def drawn(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, dtype=torch.float64, generator=generator)


@st.composite
def settings(draw, axes=None, *, numbers_only=False):
    """Draw a weight, a size that it fits, and how it is laid."""
    axes = draw(st.integers(1, 3)) if axes is None else axes
    each = st.tuples(*[st.integers(1, 3)] * axes)
    pair = st.tuples(st.integers(0, 2), st.integers(0, 2))
    paddings = [st.integers(0, 2), st.tuples(*[pair] * axes)]
    if not numbers_only:
        paddings += [st.just("same"), st.just("full"), st.just("valid")]
    options = {
        "stride": draw(st.one_of(st.integers(1, 3), each)),
        "dilation": draw(st.one_of(st.integers(1, 2), each)),
        "padding": draw(st.one_of(*paddings)),
        "groups": draw(st.integers(1, 2)),
    }
    taps = draw(each)
    dilation = options["dilation"]
    steps = (dilation,) * axes if isinstance(dilation, int) else dilation
    spans = [d * (k - 1) + 1 for k, d in zip(taps, steps, strict=True)]
    size = tuple(span + draw(st.integers(0, 3)) for span in spans)
    channels = (2 * options["groups"], draw(st.integers(1, 2)))
    return drawn(*channels, *taps), size, options


def test_one_row_an_output_by_hand():
    # 13 numbers, 6 taps, stride 5, SAME: one cell of padding before, two after
    taps = torch.tensor([[[2.0, 3, 5, 7, 11, 13]]])
    matrix = convolution_matrix(taps, 13, stride=5, padding="same")
    assert matrix.to_dense().tolist() == [
        [3, 5, 7, 11, 13, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 2, 3, 5, 7, 11, 13, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 5, 7],
    ]
    assert (matrix @ torch.arange(1.0, 14)).tolist() == [143, 348, 204]
    valid = convolution_matrix(taps, 13, stride=5)
    assert (valid @ torch.arange(1.0, 14)).tolist() == [184, 389]


def test_two_axes_by_hand():
    # Dumoulin and Visin's section 4.1: a 3 x 3 kernel on 4 x 4, four rows of nine entries
    weight = torch.arange(1.0, 10).view(1, 1, 3, 3)
    matrix = convolution_matrix(weight, 4).to_dense()
    assert matrix[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    assert matrix[1].tolist() == [0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0]
    assert matrix[2].tolist() == [0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0]
    assert matrix[3].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9]


def test_in_one_dimension_it_is_scipys_toeplitz_matrix():
    taps = drawn(1, 1, 4)
    column, row = torch.zeros(9), torch.zeros(12)
    column[0], row[:4] = taps[0, 0, 0], taps[0, 0]
    expected = torch.from_numpy(toeplitz(column.double().numpy(), row.double().numpy()))
    torch.testing.assert_close(convolution_matrix(taps, 12).to_dense(), expected.float().double())


@given(case=settings())
def test_the_matrix_does_what_the_convolution_does(case):
    weight, size, options = case
    image = drawn(weight.shape[1] * options["groups"], *size)
    expected = CONVOLVE[len(size)](image[None], weight, **options)[0]
    matrix = convolution_matrix(weight, size, **options)
    assert matrix.shape == (expected.numel(), image.numel())
    torch.testing.assert_close(matrix @ image.flatten(), expected.flatten())


@given(case=settings(numbers_only=True))
def test_the_matrix_does_what_pytorchs_convolution_does(case):
    weight, size, options = case
    padding = options.pop("padding")
    axes = len(size)
    pairs = ((padding, padding),) * axes if isinstance(padding, int) else padding
    image = drawn(weight.shape[1] * options["groups"], *size)
    padded = F.pad(image, [pixels for pair in reversed(pairs) for pixels in pair])
    expected = PLAIN[axes](padded[None], weight, **options)[0]
    matrix = convolution_matrix(weight, size, padding=padding, **options)
    torch.testing.assert_close(matrix @ image.flatten(), expected.flatten())


@given(case=settings(), extra=st.integers(0, 2))
def test_the_transposed_convolution_is_the_transpose(case, extra):
    """In its own words, not by this package's transposed convolution."""
    weight, size, options = case
    convolution = convolution_matrix(weight, size, **options)
    axes = len(size)
    image = drawn(weight.shape[1] * options["groups"], *size)
    out = CONVOLVE[axes](image[None], weight, **options).shape[2:]
    given_ = {name: value for name, value in options.items() if name != "padding"}
    whole = getattr(F, f"conv_transpose{axes}d")(drawn(1, weight.shape[0], *out), weight, **given_)
    full = transposed_convolution_matrix(weight, tuple(out), **given_)
    signal = drawn(1, weight.shape[0], *out).flatten()
    torch.testing.assert_close(full @ signal, whole.flatten())
    if options["padding"] == "valid":
        # What is left over at the far ends no place reads: zeros in the transpose.
        kept = torch.zeros_like(image)
        reach = tuple(min(a, b) for a, b in zip(size, whole.shape[2:], strict=True))
        kept[(..., *map(slice, reach))] = whole[0][(..., *map(slice, reach))]
        torch.testing.assert_close(convolution.T @ signal, kept.flatten())


@given(case=settings(), more=st.integers(0, 2))
def test_the_transposed_matrix_does_what_transposed_convolution_does(case, more):
    weight, size, options = case
    axes = len(size)
    image = drawn(weight.shape[0], *size)
    output_padding = 0 if options["padding"] == "same" else min(more, _least(options["stride"]) - 1)
    try:
        expected = TRANSPOSE[axes](image[None], weight, output_padding=output_padding, **options)
    except ShapeError:
        with pytest.raises(ShapeError, match="nothing is left"):
            transposed_convolution_matrix(weight, size, output_padding=output_padding, **options)
        return
    matrix = transposed_convolution_matrix(weight, size, output_padding=output_padding, **options)
    torch.testing.assert_close(matrix @ image.flatten(), expected.flatten())
    if output_padding < _least(options["stride"]):  # the convolution back has these very places
        there = convolution_matrix(weight, tuple(expected.shape[2:]), **options)
        torch.testing.assert_close(matrix.to_dense(), there.to_dense().T, rtol=0, atol=0)


@pytest.mark.parametrize(("size", "taps", "stride"), [(3, 6, 5), (4, 3, 2), (5, 2, 1), (2, 1, 3)])
def test_under_same_the_transposed_matrix_is_of_size_times_stride(size, taps, stride):
    weight = drawn(2, 1, taps)
    matrix = transposed_convolution_matrix(weight, size, stride=stride, padding="same")
    there = convolution_matrix(weight, size * stride, stride=stride, padding="same")
    torch.testing.assert_close(matrix.to_dense(), there.to_dense().T, rtol=0, atol=0)


def _least(value):
    return value if isinstance(value, int) else min(value)


@given(case=settings())
def test_adjoint_the_inner_products_are_equal(case):
    weight, size, options = case
    axes = len(size)
    image = drawn(1, weight.shape[1] * options["groups"], *size)
    there = CONVOLVE[axes](image, weight, **options)
    signal = drawn(*there.shape)
    matrix = convolution_matrix(weight, size, **options)
    back = (matrix.T @ signal.flatten()).view_as(image)
    torch.testing.assert_close((there * signal).sum(), (image * back).sum())


def test_groups_are_blocks_on_the_diagonal():
    weight = drawn(4, 3, 2, 2)
    matrix = convolution_matrix(weight, (4, 5), groups=2, padding="same").to_dense()
    halves = weight.split(2)
    blocks = [convolution_matrix(half, (4, 5), padding="same").to_dense() for half in halves]
    torch.testing.assert_close(matrix, torch.block_diag(*blocks), rtol=0, atol=0)
    # Depthwise: as many blocks as channels
    lone = convolution_matrix(weight[:, :1], (3, 3), groups=4).to_dense()
    each = [convolution_matrix(w[None, :1], (3, 3)).to_dense() for w in weight]
    torch.testing.assert_close(lone, torch.block_diag(*each), rtol=0, atol=0)


def test_one_by_one_is_a_matrix_product_a_pixel():
    weight, image = drawn(5, 3, 1, 1), drawn(3, 4, 6)
    mixing = weight[:, :, 0, 0]
    found = conv2d(image[None], weight)[0].flatten(1)  # one column a pixel
    torch.testing.assert_close(found, mixing @ image.flatten(1))
    whole = torch.kron(mixing, torch.eye(24, dtype=torch.float64))
    torch.testing.assert_close(convolution_matrix(weight, (4, 6)).to_dense(), whole, rtol=0, atol=0)


def test_a_kernel_as_large_as_the_image_is_a_fully_connected_layer():
    weight = drawn(5, 3, 4, 6)
    matrix = convolution_matrix(weight, (4, 6)).to_dense()
    torch.testing.assert_close(matrix, weight.flatten(1), rtol=0, atol=0)


def test_it_is_sparse_and_ordered():
    matrix = convolution_matrix(drawn(2, 3, 3, 3), 10, padding=1)
    assert matrix.layout is torch.sparse_coo
    assert matrix.is_coalesced()
    # (3 * 10 - 2)^2 meetings of taps and pixels, for 2 * 3 pairs of channels
    assert matrix._nnz() == 28**2 * 6
    assert convolution_matrix(torch.zeros(1, 1, 3), 5)._nnz() == 9  # zeros among the weights stay
    back = transposed_convolution_matrix(drawn(2, 3, 3, 3), 10, padding=1)
    assert back.is_coalesced()


def test_gradients_flow_to_the_weights():
    weight = drawn(2, 1, 2, 2).requires_grad_()
    image = drawn(2, 4, 4)

    def product(w):
        return convolution_matrix(w, 4, stride=2, padding=1, groups=2).to_dense() @ image.flatten()

    assert torch.autograd.gradcheck(product, (weight,))
    direct = F.conv2d(image[None], weight, stride=2, padding=1, groups=2)
    (expected,) = torch.autograd.grad(direct.sum(), weight)
    (found,) = torch.autograd.grad(product(weight).sum(), weight)
    torch.testing.assert_close(found, expected)


def test_errors_and_their_remedies():
    with pytest.raises(ShapeError, match=r"has shape \(3, 3\); it must have two axes for the ch"):
        convolution_matrix(torch.ones(3, 3), 4)
    assert convolution_matrix(torch.ones(3, 3)[None, None], 4).shape == (4, 16)
    with pytest.raises(ShapeError, match=r"padding=1 is the least that fits"):
        convolution_matrix(torch.ones(1, 1, 5, 5), (3, 5))
    assert convolution_matrix(torch.ones(1, 1, 5, 5), (3, 5), padding=1).shape == (3, 15)
    with pytest.raises(ShapeError, match="groups is 2, which does not divide out_channels, 3"):
        convolution_matrix(torch.ones(3, 1, 2), 4, groups=2)
    with pytest.raises(ShapeError, match="size is 0; it must be whole and at least 1"):
        convolution_matrix(torch.ones(1, 1, 2), 0)
    with pytest.raises(ShapeError, match="nothing is left: size 1 spreads over 3 pixels"):
        transposed_convolution_matrix(torch.ones(1, 1, 3), 1, padding=2)
    with pytest.raises(ShapeError, match="leave output_padding at 0"):
        transposed_convolution_matrix(torch.ones(1, 1, 3), 4, padding="same", output_padding=1)


@pytest.mark.parametrize("make", [convolution_matrix, transposed_convolution_matrix])
def test_whole_and_complex_numbers_are_refused(make):
    unchecked = inspect.unwrap(make)  # as users call it, without the tests' type checks
    with pytest.raises(ShapeError, match=r"weight: int64 numbers; .*: weight.float\(\)"):
        unchecked(torch.ones(1, 1, 2, dtype=torch.long), 4)
    with pytest.raises(ShapeError, match=r"weight: complex64 numbers; take weight\.real"):
        unchecked(torch.ones(1, 1, 2, dtype=torch.complex64), 4)
