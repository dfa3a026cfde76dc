"""What cannot be traced is refused in a line that says what would do."""

from typing import Any

import pytest
import torch
from torch import nn

from striate._errors import NetworkError, ShapeError
from striate.ops import Convolution, Pooling, trace_input, trace_map, trace_output

BOARD = torch.arange(16.0).view(4, 4)
PAIR = torch.ones(2, 2)


def assert_refused(
    text: str, operation: Any, at: Any = (0, 0), images: Any = BOARD, **more: int
) -> None:
    with pytest.raises(ShapeError, match=text):
        trace_output(images, operation, at, **more)


def test_a_cell_outside_the_map():
    kernel = torch.ones(3, 3)
    assert_refused(
        "output cell 2, 0 is outside the map of 2 x 2; its row may be 0 to 1", kernel, (2, 0)
    )
    assert_refused("its column may be 0 to 1", kernel, (0, -1))
    assert_refused("output channel 1 is not there; channels run from 0 to 0", kernel, channel=1)
    assert_refused("image is 1; the batch has 1, counted from 0", kernel, image=1)
    assert_refused("its cell may be 0 to 2", torch.ones(2), 3, BOARD[0])
    assert_refused("its slice may be 0 to 0", torch.ones(1, 1, 1), (1, 0, 0), BOARD[None])
    with pytest.raises(ShapeError, match="input cell 0, 4 is outside the map of 4 x 4"):
        trace_input(BOARD, kernel, (0, 4))
    with pytest.raises(ShapeError, match="input channel 2 is not there"):
        trace_input(BOARD, kernel, (0, 0), channel=2)
    with pytest.raises(ShapeError, match="most is 0"):
        trace_map(BOARD, kernel, most=0)
    with pytest.raises(ShapeError, match=r"at is \(0,\); the map has 2 axes"):
        trace_map(BOARD, kernel, at=(0,))


def test_numbers_and_ranks():
    assert_refused(r"images: int32 numbers; .*images\.float\(\)", PAIR, images=BOARD.int())
    assert_refused(r"complex64 numbers; take images\.real", PAIR, images=BOARD + 0j)
    assert_refused(r"weight: int64 numbers; .*weight\.float\(\)", PAIR.long())
    assert_refused(r"weight: shape \(2, 2\); for a place of 1 number", PAIR, 0)
    assert_refused(r"weight: shape \(2,\); for a place of 2 numbers", torch.ones(2))
    assert_refused(r"images: shape \(4,\); for a place of 2 numbers", PAIR, images=BOARD[0])
    assert_refused("a place has 4 numbers; maps have one, two or three axes", PAIR, (0, 0, 0, 0))
    assert_refused("there is no cell to read", PAIR, images=BOARD[:0])
    assert_refused("a kernel has a number or more", torch.ones(0, 2))


def test_settings():
    assert_refused("stride is 0", Convolution(PAIR, stride=0))
    assert_refused("stride is -1", Convolution(PAIR, stride=-1))
    assert_refused("dilation is 0", Convolution(PAIR, dilation=0, transposed=True))
    assert_refused("padding is 'some'", Convolution(PAIR, padding="some"))
    assert_refused("padding_mode is 'mirror'", Convolution(PAIR, padding=1, padding_mode="mirror"))
    assert_refused("takes 'zeros'", Convolution(PAIR, transposed=True, padding_mode="circular"))
    assert_refused("output_size is", Pooling("max", output_size=(1, 2, 3)))
    assert_refused("output_size is", Pooling("max", output_size=0))


def test_channels():
    assert_refused("images have 3 in groups=1", nn.Conv2d(4, 6, 1), images=torch.ones(3, 4, 4))
    assert_refused(
        "reads 4 channels, but images have 3", nn.ConvTranspose2d(4, 6, 1),
        images=torch.ones(3, 4, 4),
    )  # fmt: skip
    assert_refused("groups is 2", Convolution(PAIR, groups=2))
    assert_refused("groups is 2", Convolution(PAIR, groups=2, transposed=True))
    assert_refused("bias has shape", Convolution(PAIR, torch.ones(2)))
    assert_refused("bias has shape", Convolution(PAIR, torch.ones(2), transposed=True))


def test_weights_that_are_not_shared():
    weight = torch.ones(3, 3, 1, 1, 2, 2)
    assert trace_output(BOARD, weight, (2, 1)).output == 9 + 10 + 13 + 14
    assert_refused("kernels for 2 x 3 places, but the output has 3 x 3", weight[:2])
    assert_refused("bias has shape", Convolution(weight, torch.ones(2)))
    other = Convolution(weight, torch.ones(1, 2, 3))
    assert_refused(r"bias has shape \(1, 2, 3\); it must be \(1,\) or \(1, 3, 3\)", other)


def test_remedies_work():
    assert_refused("padding=1 is the least that fits", torch.ones(6, 6))
    assert trace_output(BOARD, Convolution(torch.ones(6, 6), padding=1), (0, 0)).output == 120
    reflecting: dict[str, Any] = {"padding_mode": "reflect"}
    assert_refused(
        "3 is the most at either end", Convolution(torch.ones(4, 4), padding=4, **reflecting)
    )
    at_most = Convolution(torch.ones(4, 4), padding=3, **reflecting)
    assert trace_map(BOARD, at_most).outputs.shape == (7, 7)


def test_layers_that_cannot_be_traced_are_named():
    with pytest.raises(NetworkError, match="a Linear is no convolution and no pooling"):
        trace_output(BOARD, nn.Linear(4, 4), (0, 0))
    with pytest.raises(NetworkError, match="a LPPool2d is no convolution"):
        trace_output(BOARD, nn.LPPool2d(2, 2), (0, 0))
    with pytest.raises(NetworkError, match="which is 'median'; it must be one of max"):
        Pooling("median", 2)
    with pytest.raises(NetworkError, match="a pooling needs kernel_size, or output_size"):
        Pooling("max")
