"""First weights: their spread, and what they do to the spread of activations."""

import pytest
import torch
from torch import nn

from striate.layers import ConvBlock, initialise_glorot, initialise_he


def net() -> nn.Sequential:
    return nn.Sequential(
        ConvBlock(32, 64, 3, norm="batch", bias=True), nn.Flatten(), nn.Linear(64 * 64, 300)
    )


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 32 * 9), ("fan_out", 64 * 9)])
def test_he(mode, fan):
    network = net()
    for parameter in network.parameters():
        nn.init.constant_(parameter, 7.0)
    initialise_he(network, mode=mode)
    kernel, scores = network.get_parameter("0.conv.weight"), network.get_parameter("2.weight")
    assert kernel.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.03)
    assert scores.std().item() == pytest.approx((1 / 4096) ** 0.5, rel=0.03)
    for name, parameter in network.named_parameters():
        if parameter.ndim == 1:
            assert (parameter == (1 if name == "0.norm.weight" else 0)).all()


def test_glorot():
    network = net()
    initialise_glorot(network)
    for name, fans in (("0.conv.weight", (32 + 64) * 9), ("2.weight", 4096 + 300)):
        weight = network.get_parameter(name)
        assert weight.abs().max().item() == pytest.approx((6 / fans) ** 0.5, rel=0.01)
        assert weight.var().item() == pytest.approx(2 / fans, rel=0.03)  # limit^2 / 3
    assert not network.get_parameter("2.bias").any()


def test_he_keeps_the_second_moment_through_ten_layers():
    layers = [ConvBlock(128, 128, 3, norm="none", padding=0) for _ in range(10)]
    network = nn.Sequential(*layers, ConvBlock(128, 1, 1, norm="none"))
    initialise_he(network)
    images = torch.randn(4, 128, 24, 24)
    after = network[:10](images)
    # Without the 2 for the rectifier it would be 2 ** -10, about 0.001.
    assert 0.2 < (after.square().mean() / images.square().mean()).item() < 5


def test_the_global_seed_rules():
    def draw(seed):
        torch.manual_seed(seed)
        network = net()
        initialise_he(network)
        return network.get_parameter("0.conv.weight")

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))
