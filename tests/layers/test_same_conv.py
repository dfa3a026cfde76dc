"""SAME convolutions as modules: by hand, against TensorFlow's rule, state dicts, compilation."""

import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate._errors import ShapeError
from striate.layers import SameConv1d, SameConv2d, SameConv3d
from striate.ops import padding_same
from tests.ops import loops

KINDS = {1: (SameConv1d, nn.Conv1d), 2: (SameConv2d, nn.Conv2d), 3: (SameConv3d, nn.Conv3d)}


def test_the_course_s_numbers():
    layer = SameConv1d(1, 1, 6, stride=5, bias=False)
    layer.load_state_dict({"weight": torch.tensor([[[2.0, 3, 5, 7, 11, 13]]])})
    assert layer(torch.arange(1.0, 14).view(1, 1, 13)).flatten().tolist() == [143, 348, 204]


@pytest.mark.parametrize("axes", [1, 2, 3])
@given(data=st.data())
def test_equals_the_loops_at_any_size_stride_and_dilation(axes, data):
    draw = data.draw
    sizes, taps = draw(loops.axis_numbers(axes, 7)), draw(loops.axis_numbers(axes, 3))
    stride, dilation = draw(loops.axis_numbers(axes, 3)), draw(loops.axis_numbers(axes, 2))
    layer = KINDS[axes][0](2, 4, taps, stride, dilation=dilation, groups=2).double()
    images = torch.randn(1, 2, *sizes, dtype=torch.float64)
    expected = loops.convolve(
        images.numpy(), layer.weight.detach().numpy(),
        stride=stride, padding="same", dilation=dilation, groups=2,
    )  # fmt: skip
    assert layer.bias is not None
    bias = layer.bias.view(-1, *[1] * axes)
    torch.testing.assert_close(layer(images), torch.from_numpy(expected) + bias)
    assert layer(images).shape[2:] == tuple(-(-n // s) for n, s in zip(sizes, stride, strict=True))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_the_state_dict_is_that_of_torch_s_module(axes, bias):
    ours, torchs = (kind(2, 4, 3, bias=bias) for kind in KINDS[axes])
    ours.load_state_dict(torchs.state_dict())
    torchs.load_state_dict(ours.state_dict())
    images = torch.randn(1, 2, *[6] * axes)
    torchs.padding = (1,) * axes
    torch.testing.assert_close(ours(images), torchs(images))


def test_other_borders():
    layer = SameConv2d(1, 1, 4, stride=3, padding_mode="reflect").double()
    images = torch.randn(1, 1, 8, 9, dtype=torch.float64)
    (top, bottom), (left, right) = (padding_same(n, 4, stride=3) for n in (8, 9))
    padded = F.pad(images, (left, right, top, bottom), mode="reflect")
    expected = F.conv2d(padded, layer.weight, layer.bias, stride=3)
    torch.testing.assert_close(layer(images), expected)


def test_says_what_it_is():
    text = str(SameConv2d(3, 8, 3, stride=2))
    assert text == "SameConv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=same)"


@pytest.mark.parametrize("kind", [SameConv1d, SameConv2d, SameConv3d])
def test_it_has_its_own_padding(kind):
    with pytest.raises(ShapeError, match=r"padding is 1; a SAME convolution has its own\. For ano"):
        kind(1, 1, 3, padding=1)


SCRIPT = """
import warnings
warnings.simplefilter("error")
import torch
from torch.export import Dim, export
from striate.layers import SameConv2d

def agree(run, layer, *sizes):
    for size in sizes:
        images = torch.randn(2, 2, *size)
        torch.testing.assert_close(run(images), layer(images))

for options in ({"stride": 2, "dilation": 3, "padding_mode": "circular"},
                {"kernel_size": 2, "stride": 3, "groups": 2}):
    layer = SameConv2d(2, 4, **({"kernel_size": 3} | options)).eval()
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    agree(compiled, layer, (8, 9), (9, 8), (13, 12))
shapes = {"input": {2: Dim("height", min=4), 3: Dim("width", min=4)}}
for options, strict in (({"stride": 2}, True), ({"kernel_size": 4}, False), ({"stride": 2}, False)):
    layer = SameConv2d(2, 4, **({"kernel_size": 3} | options)).eval()
    program = export(layer, (torch.randn(2, 2, 8, 9),), dynamic_shapes=shapes, strict=strict)
    agree(program.module(), layer, (8, 9), (9, 8), (13, 12), (4, 30))
print("agreed")
"""


def test_compiles_in_one_graph_and_exports_with_sizes_left_open():
    # In a process of its own: what the tests put around functions to check annotations would be
    # compiled too.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "agreed\n"), done.stderr
