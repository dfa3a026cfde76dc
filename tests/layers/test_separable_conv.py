"""Separable and locally connected layers: counts by hand, against ops, and their errors."""

from typing import Any

import pytest
import torch
from torch import nn

from striate._errors import ShapeError
from striate.layers import LocallyConnected2d, SeparableConv2d
from striate.ops import conv2d, locally_connected2d, separable_conv2d

PADDINGS: list[Any] = ["valid", "same", "full", 2, (1, 0), ((1, 0), (0, 2))]


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_by_hand():
    assert parameters(SeparableConv2d(32, 64, 3)) == 32 * 9 + 32 * 64 + 64
    assert parameters(SeparableConv2d(4, 6, (3, 5), multiplier=2, bias=False)) == 8 * 15 + 8 * 6
    # 28 x 28 places with 5 x 5 x 1 weights and a bias each
    assert parameters(LocallyConnected2d(1, 6, 5, size=(32, 32))) == 28 * 28 * 6 * 26
    assert parameters(LocallyConnected2d(4, 6, 3, size=(5, 4), groups=2, bias=False)) == 3 * 2 * 108


@pytest.mark.parametrize("padding", PADDINGS)
def test_separable_equals_the_function(padding):
    options: dict[str, Any] = {"stride": (2, 1), "padding": padding, "padding_mode": "replicate"}
    layer = SeparableConv2d(3, 5, [3, 4], multiplier=2, **options).double()
    images = torch.randn(2, 3, 8, 9, dtype=torch.float64)
    pointwise = layer.pointwise
    expected = separable_conv2d(
        images, layer.depthwise.weight, pointwise.weight, pointwise.bias, **options
    )
    torch.testing.assert_close(layer(images), expected)


def test_separable_children_are_called_and_named():
    layer = SeparableConv2d(3, 5, 3, stride=2, dilation=2, padding="same")
    assert [name for name, _ in layer.named_children()] == ["depthwise", "pointwise"]
    seen = []
    for child in layer.children():
        assert isinstance(child, nn.Conv2d)
        child.register_forward_hook(lambda *call: seen.append(tuple(call[2].shape)))
    assert layer(torch.ones(1, 3, 9, 8)).shape == (1, 5, 5, 4)
    assert seen == [(1, 3, 5, 4), (1, 5, 5, 4)]
    assert "padding=same" in str(layer)


@pytest.mark.parametrize("padding", PADDINGS)
def test_locally_connected_equals_the_function(padding):
    options: dict[str, Any] = {"stride": 2, "padding": padding, "dilation": (1, 2), "groups": 2}
    layer = LocallyConnected2d(4, 6, (3, 2), size=(8, 9), **options).double()
    images = torch.randn(2, 4, 8, 9, dtype=torch.float64)
    expected = locally_connected2d(images, layer.weight, layer.bias, **options)
    torch.testing.assert_close(layer(images), expected)
    shared = layer.weight[0, 0].detach()
    with torch.no_grad():
        layer.weight.copy_(shared.expand_as(layer.weight))
        nn.init.zeros_(layer.bias if layer.bias is not None else layer.weight)
    torch.testing.assert_close(layer(images), conv2d(images, shared, **options))


def test_locally_connected_begins_as_torch_s_convolution_does():
    layer = LocallyConnected2d(3, 8, 4, size=(20, 20))
    bound = 1 / 48**0.5
    for parameter in layer.parameters():
        assert 0.99 * bound < parameter.abs().max().item() <= bound
        assert abs(parameter.mean().item()) < 0.02
    assert str(layer).startswith("LocallyConnected2d(3, 8, kernel_size=(4, 4), size=(20, 20), str")


def test_mistakes(unannotated):
    with pytest.raises(ShapeError, match="padding is 'SAME'; it must be 'valid', 'same', 'full'"):
        SeparableConv2d(3, 5, 3, padding="SAME")
    with pytest.raises(ShapeError, match="groups is 2, which does not divide in_channels, 3; one "):
        LocallyConnected2d(3, 5, 3, size=(8, 8), groups=2)
    with pytest.raises(ShapeError, match="padding=1 is the least that fits"):
        LocallyConnected2d(3, 5, 5, size=(3, 8))
    layer = LocallyConnected2d(3, 5, 3, size=(8, 8))
    with pytest.raises(ShapeError, match=r"\(2, 3, 9, 9\) with these settings have 7 x 7 places"):
        layer(torch.ones(2, 3, 9, 9))
