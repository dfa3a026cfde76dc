"""Traces by hand, against PyTorch, against the Jacobian, and forward against backward."""

import json
import math
from itertools import product

import hypothesis
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate.layers import LocallyConnected2d, SameConv2d
from striate.ops import Convolution, Pooling, trace_input, trace_map, trace_output
from tests.ops.traced import KINDS, jacobian, made, settings, torch_output

BOARD = torch.arange(16.0).view(4, 4)


def test_a_window_by_hand():
    # 5 6   1 2     5  12
    # 9 10  3 4 -> 27  40, in sum 84, and 0.5 is added.
    kernel = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    trace = trace_output(BOARD, Convolution(kernel, torch.tensor([0.5])), (1, 1))
    assert trace.kind == "convolution"
    assert trace.values.tolist() == [[[5, 6], [9, 10]]]
    assert trace.weights.tolist() == [[[1, 2], [3, 4]]]
    assert trace.products.tolist() == [[[5, 12], [27, 40]]]
    assert (trace.sum, trace.bias, trace.output) == (84, 0.5, 84.5)
    assert trace.positions == ((1, 2), (1, 2)) == trace.sources
    assert not trace.padding.any()


def test_padding_is_told_from_cells_and_where_it_comes_from():
    # Row -1 is padding; reflected about row 0 it is row 1: 5 6 7. Columns 1 to 3 are real.
    edges = Convolution(torch.ones(3, 3), padding=1, padding_mode="reflect")
    trace = trace_output(BOARD, edges, (0, 2))
    assert trace.positions == ((-1, 0, 1), (1, 2, 3))
    assert trace.sources == ((1, 0, 1), (1, 2, 3))
    assert trace.values.tolist() == [[[5, 6, 7], [1, 2, 3], [5, 6, 7]]]
    assert trace.padding.tolist() == [[True] * 3, [False] * 3, [False] * 3]
    first, *_ = trace
    assert (first.position, first.source, first.value) == ((-1, 1), (1, 1), 5)
    zeros = trace_output(BOARD, Convolution(torch.ones(3, 3), padding=1), (0, 2))
    assert zeros.sources == ((None, 0, 1), (1, 2, 3))
    first, *_ = zeros
    assert (first.position, first.source, first.value) == ((-1, 1), None, 0)


def test_replicate_and_circular_repeat_the_right_cell():
    row = torch.arange(4.0)
    for mode, sources in (("replicate", (0, 0, 0, 1, 2)), ("circular", (2, 3, 0, 1, 2))):
        layer = Convolution(torch.ones(5), padding=2, padding_mode=mode)
        assert trace_output(row, layer, 0).sources == (sources,)


def test_same_padding_of_the_course():
    # Input 1..13, filter 2 3 5 7 11 13, stride 5: one zero before, two after; 143, 348, 204.
    taps = torch.tensor([2.0, 3, 5, 7, 11, 13])
    steps = trace_map(torch.arange(1.0, 14), Convolution(taps, stride=5, padding="same"), 1).steps
    assert [step.output for step in steps] == [143, 348, 204]
    assert steps[0].products.tolist() == [[0, 3, 10, 21, 44, 65]]
    assert steps[2].sources == ((9, 10, 11, 12, None, None),)


def test_uneven_padding_dilation_and_flip_by_hand():
    # Padded with one zero before: 0 1 2 3 4; taps two apart, back to front: 10 * x[0] + 1 * x[2].
    layer = Convolution(torch.tensor([1.0, 10.0]), padding=((1, 0),), dilation=2, flip=True)
    steps = trace_map(torch.tensor([1.0, 2.0, 3.0, 4.0]), layer, 1).steps
    assert [step.output for step in steps] == [2, 13, 24]
    assert steps[0].positions == ((-1, 1),)
    assert steps[0].weights.tolist() == [[10, 1]]


def test_a_transposed_convolution_reads_zeros_between_cells():
    # 1 . 2 with taps 1 2 3 laid back to front: output 2 reads 1 * 3 + 0 * 2 + 2 * 1 = 5.
    layer = Convolution(torch.tensor([1.0, 2.0, 3.0]), stride=2, transposed=True)
    trace = trace_output(torch.tensor([1.0, 2.0]), layer, 2)
    assert trace.positions == ((0, 1, 2),)
    assert trace.sources == ((0, None, 1),)
    assert trace.weights.tolist() == [[3, 2, 1]]
    assert trace.output == 5
    assert trace.padding.tolist() == [False, True, False]
    assert trace_map(torch.tensor([1.0, 2.0]), layer, 1).outputs.tolist() == [1, 2, 5, 4, 6]


def test_a_transposed_convolution_turned_round_reads_its_kernel_as_it_is_stored():
    layer = Convolution(torch.tensor([1.0, 2.0, 3.0]), stride=2, transposed=True, flip=True)
    trace = trace_output(torch.tensor([1.0, 2.0]), layer, 2)  # 1 * 1 + 0 * 2 + 2 * 3
    assert (trace.weights.tolist(), trace.output) == ([[1, 2, 3]], 7)


def test_weights_that_are_not_shared():
    layer = LocallyConnected2d(4, 6, (3, 2), size=(5, 6), stride=2, padding=1, groups=2).double()
    images = torch.randn(2, 4, 5, 6, dtype=torch.float64)
    expected = layer(images).detach()
    for channel in (1, 4):
        found = trace_map(images, layer, image=1, channel=channel)
        torch.testing.assert_close(found.outputs, expected[1, channel])
        outputs = torch.tensor([step.output for step in found.steps], dtype=torch.float64)
        torch.testing.assert_close(outputs, expected[1, channel].flatten())
        assert torch.equal(found.steps[0].weights, layer.weight[0, 0, channel].detach())
    change = torch.zeros_like(images)
    change[0, 3, 2, 4] = 1.0
    slopes = (layer(images + change) - layer(images))[0].detach()
    fed = torch.zeros_like(slopes)
    for feed in trace_input(images, layer, (2, 4), channel=3).feeds:
        fed[(feed.channel, *feed.at)] += feed.weight
    torch.testing.assert_close(fed, slopes)


def test_poolings_by_hand():
    board = torch.tensor([[1.0, 5, 2], [5, 3, 0], [7, 1, 4]])
    largest = trace_output(board, Pooling("max", 2, stride=1), (0, 0))
    assert (largest.output, largest.winner) == (5, (0, 1))  # the first of two fives
    assert largest.weights.tolist() == [[[0, 1], [0, 0]]]
    smallest = trace_output(board, Pooling("min", 2, stride=1), (1, 1))
    assert (smallest.output, smallest.winner) == (0, (1, 2))
    mean = trace_output(board, Pooling("average", 2, padding=1), (0, 1))
    assert (mean.output, mean.divisor) == (3.5, 2)  # 5 and 2 under the window, two cells padding
    counted = trace_output(board, Pooling("average", 2, padding=1, count_padding=True), (0, 1))
    assert (counted.output, counted.divisor) == (1.75, 4)
    assert trace_output(board, Pooling("average", 2, divisor=10), (0, 0)).output == 1.4


def test_padding_never_wins_a_pooling():
    lost = trace_output(-torch.ones(2, 2), Pooling("max", 2, padding=1), (0, 0))
    assert (lost.output, lost.winner) == (-1, (0, 0))
    alone = trace_output(torch.ones(2), Pooling("max", 1, padding=1), 0)
    assert (alone.output, alone.winner) == (-math.inf, None)
    assert trace_map(torch.ones(2), Pooling("max", 1, padding=1), 1).outputs[0] == -math.inf


def test_infinities_and_what_is_no_number_stay_where_they_are():
    board = torch.tensor([[math.inf, 1.0], [2.0, 3.0]])
    assert trace_output(board, Pooling("max", 2), (0, 0)).output == math.inf
    assert trace_output(board, torch.ones(1, 1), (1, 1)).output == 3
    assert trace_output(board, Convolution(torch.ones(1, 1), padding=1), (0, 0)).output == 0
    board[1, 0] = math.nan
    trace = trace_output(board, Pooling("max", 2), (0, 0))
    assert trace.winner == (1, 0)
    assert math.isnan(trace.output)


@pytest.mark.parametrize("kind", KINDS)
@hypothesis.settings(max_examples=25)
@given(data=st.data())
def test_products_sum_to_what_pytorch_computes(kind, data):
    images, operation = made(data.draw(settings(kind)))
    expected = torch_output(images, operation)
    for image, channel in product(range(expected.shape[0]), range(expected.shape[1])):
        axes, wanted = images.ndim - 2, expected[image, channel]
        found = trace_map(images, operation, axes, channel=channel, image=image, most=1)
        torch.testing.assert_close(found.outputs, wanted)
        places = list(product(*map(range, wanted.shape)))
        for which in torch.randperm(len(places))[:12].tolist():
            at = places[which]
            step = trace_output(images, operation, at, channel=channel, image=image)
            torch.testing.assert_close(step.products.sum() + (step.bias or 0), wanted[at])
            assert step.output == pytest.approx(float(wanted[at]), abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@hypothesis.settings(max_examples=12)
@given(data=st.data())
def test_window_and_feeds_tell_the_same(kind, data):
    images, operation = made(data.draw(settings(kind)))
    axes, forward, backward = images.ndim - 2, set(), set()
    for channel in range(torch_output(images, operation).shape[1]):
        for step in trace_map(images, operation, axes, channel=channel, most=10**6).steps:
            forward |= {
                (channel, step.at, cell.channel, cell.source, cell.position, cell.weight)
                for cell in step
                if cell.source is not None
            }
    for channel, *cell in product(*map(range, images.shape[1:])):
        trace = trace_input(images, operation, cell, channel=channel)
        assert trace.value == float(images[(0, channel, *cell)])
        assert all(f.product == pytest.approx(f.weight * trace.value) for f in trace.feeds)
        backward |= {
            (feed.channel, feed.at, channel, trace.at, feed.position, feed.weight)
            for feed in trace.feeds
        }
    assert backward == forward


@pytest.mark.parametrize("kind", KINDS)
@hypothesis.settings(max_examples=25)
@given(data=st.data())
def test_feeds_are_the_jacobian(kind, data):
    images, operation = made(data.draw(settings(kind)))
    slopes = jacobian(images, operation)  # (out channel, *places, channel, *cells)
    cell = tuple(size // 2 for size in images.shape[2:])
    for channel in range(images.shape[1]):
        found = torch.zeros_like(slopes[(..., channel, *cell)])
        for feed in trace_input(images, operation, cell, channel=channel).feeds:
            found[(feed.channel, *feed.at)] += feed.weight
        torch.testing.assert_close(found, slopes[(..., channel, *cell)])


def test_groups_are_read_apart():
    layer = nn.Conv2d(4, 6, 1, groups=2, bias=False).double()
    images = torch.randn(1, 4, 2, 2, dtype=torch.float64)
    assert trace_output(images, layer, (0, 0), channel=2).channels == (0, 1)
    assert trace_output(images, layer, (0, 0), channel=3).channels == (2, 3)
    feeds = trace_input(images, layer, (1, 1), channel=3).feeds
    assert [feed.channel for feed in feeds] == [3, 4, 5]
    assert [feed.weight for feed in feeds] == layer.weight[3:, 1, 0, 0].tolist()


def test_a_block_around_a_cell():
    board, kernel = torch.zeros(40, 30), torch.ones(1, 1)
    part = trace_map(board, kernel, at=(20, 29), most=25)
    places = [step.at for step in part.steps]
    assert places == [(row, column) for row in range(18, 23) for column in range(25, 30)]
    assert not part.whole
    assert [step.at for step in trace_map(board, kernel, at=(3, 4), most=1).steps] == [(3, 4)]
    flat = trace_map(torch.zeros(3, 900), kernel, most=100).steps
    assert len({step.at[0] for step in flat}) * len({step.at[1] for step in flat}) == len(flat)
    assert 90 <= len(flat) <= 100
    slices = trace_map(torch.zeros(9, 9, 9), torch.ones(1, 1, 1), 3, at=(4, 0, 0), most=81).steps
    assert [step.at for step in slices] == [(4, r, c) for r in range(9) for c in range(9)]


def test_records_save_to_json(tmp_path):
    trace = trace_output(BOARD, Convolution(torch.ones(2, 2), padding=1), (0, 0))
    trace.save(tmp_path / "out.json")
    saved = json.loads((tmp_path / "out.json").read_text())
    assert saved["at"] == [0, 0]
    assert saved["sources"] == [[None, 0], [None, 0]]
    assert saved["products"] == [[[0, 0], [0, 0]]]
    assert saved["bias"] is None
    feeds = trace_input(BOARD, torch.ones(2, 2), (0, 0))
    feeds.save(tmp_path / "in.json")
    assert json.loads((tmp_path / "in.json").read_text())["feeds"] == [
        {"channel": 0, "at": [0, 0], "position": [0, 0], "weight": 1, "product": 0}
    ]
    whole = trace_map(torch.ones(2), Pooling("max", 1, padding=1), 1)
    whole.save(tmp_path / "map.json")
    saved = json.loads((tmp_path / "map.json").read_text())
    assert saved["outputs"] == [None, 1, 1, None]  # JSON has no infinity
    assert len(saved["steps"]) == 4


def test_a_trace_leaves_the_layer_as_it_was():
    layer = nn.Conv2d(1, 1, 2)
    trace_output(BOARD.requires_grad_(), layer, (0, 0))
    BOARD.requires_grad_(False)
    assert layer.weight.grad is None
    assert layer.weight.requires_grad
    assert layer.weight.dtype == torch.float32


def test_every_layer_of_pytorch_of_the_kind():
    images = torch.randn(2, 4, 11, 9, dtype=torch.float64)
    layers = [
        nn.Conv2d(4, 2, (3, 2), stride=(2, 1), padding="valid"),
        nn.Conv2d(4, 2, (4, 3), padding="same", dilation=2, padding_mode="circular"),
        SameConv2d(4, 3, 4, stride=2), nn.LazyConv2d(3, 3),
        nn.ConvTranspose2d(4, 2, 3, 2, 1, 1, dilation=2),
        nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.MaxPool2d(2, dilation=2),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AvgPool2d(2, divisor_override=3), nn.AdaptiveAvgPool2d((4, None)),
        nn.AdaptiveMaxPool2d(5), nn.AdaptiveAvgPool2d(1),
    ]  # fmt: skip
    for layer in layers:
        expected = layer.double()(images).detach()
        found = trace_map(images, layer, image=1, channel=1, most=10**6)
        torch.testing.assert_close(found.outputs, expected[1, 1])
        outputs = torch.tensor([step.output for step in found.steps], dtype=torch.float64)
        torch.testing.assert_close(outputs, expected[1, 1].flatten())


def test_windows_that_hang_over_the_end():
    fits = [(n, k, s, p) for n in range(1, 7) for k in range(1, 5) for s in (2, 3, 4)
            for p in range(k // 2 + 1) if k < n + 2 * p + s]  # fmt: skip
    for size, k, s, p in fits:
        images = torch.randn(1, 1, size, dtype=torch.float64)
        for layer in (nn.MaxPool1d(k, s, p, ceil_mode=True), nn.AvgPool1d(k, s, p, ceil_mode=True)):
            expected = layer(images)[0, 0]
            last = trace_map(images, layer, 1, at=(len(expected) - 1,), most=1)
            torch.testing.assert_close(last.outputs, expected)
            assert last.steps[0].output == pytest.approx(float(expected[-1]))


def test_a_class_derived_from_a_layer_is_known_by_its_base():
    class Mine(nn.MaxPool2d):
        pass

    assert trace_output(BOARD, Mine(2), (0, 0)).output == 5
    assert F.max_pool2d(BOARD[None], 2)[0, 0, 0] == 5
