"""Which epoch's weights are kept."""

import math

import pytest
import torch
from torch import nn

from striate.train.best import Best
from striate.train.validate import Validation
from tests.train.sample import network, same, weights


def marked(value: float) -> nn.Linear:
    """Return a network whose one weight tells it from others."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def kept(*found: tuple[float, float]) -> tuple[int, float, list[bool]]:
    """Return epoch and mark that are kept of epochs with (accuracy, loss)."""
    best = Best()
    told = [
        best.offer(marked(float(epoch)), epoch, Validation(accuracy=accuracy, loss=loss))
        for epoch, (accuracy, loss) in enumerate(found, 1)
    ]
    return best.epoch, best.weights["weight"].item(), told


@pytest.mark.parametrize(
    ("found", "epoch"),
    [
        ([(0.5, 1.0), (0.75, 2.0), (0.6, 0.1)], 2),  # accuracy before loss
        ([(0.5, 1.0), (0.5, 0.9), (0.5, 0.95)], 2),  # of equal accuracies the lower loss
        ([(0.5, 1.0), (0.5, 1.0)], 1),  # of equal losses the earlier
        ([(0.0, 5.0)], 1),  # nothing right is still better than nothing
        ([(0.0, math.inf)], 1),
    ],
)
def test_the_best_epoch_by_hand(found: list[tuple[float, float]], epoch: int):
    chosen, mark, told = kept(*found)
    assert (chosen, mark) == (epoch, float(epoch))
    assert max(i for i, better in enumerate(told, 1) if better) == epoch


def test_without_validation_the_last_is_kept():
    best = Best()
    assert best.offer(marked(1.0), 1, None)
    assert best.offer(marked(2.0), 2, None)
    assert (best.epoch, best.weights["weight"].item()) == (2, 2.0)


def test_the_weights_are_copies():
    net = network()
    best = Best()
    before = weights(net)
    best.offer(net, 1, None)
    net(torch.rand(4, 1, 8, 8))  # moves the statistics of the batch norm
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1)
    assert same(best.weights, before)
    assert not same(weights(net), before)
    best.restore(net)
    assert same(weights(net), before)


def test_nothing_kept_restores_nothing():
    net = network()
    before = weights(net)
    Best().restore(net)
    assert same(weights(net), before)
