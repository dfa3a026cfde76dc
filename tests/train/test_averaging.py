"""The moving average of the weights, recomputed in plain Python."""

import pytest
import torch
from torch import nn

from striate._errors import NetworkError
from striate.train.averaging import Average
from tests.train.sample import network, same, weights


def test_one_weight_by_hand():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 0.0)
    average = Average(layer, 0.5)
    expected = 0.0
    for step, value in enumerate([1.0, 2.0, 4.0, 8.0, 16.0, 3.0, 1.0, 5.0, 2.0], 1):
        nn.init.constant_(layer.weight, value)
        average.update(step)
        # 2/11, 3/12, 4/13, 5/14, 6/15, 7/16, 8/17, 9/18 and then never more than .5
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert average.network.state_dict()["weight"].item() == pytest.approx(expected, rel=1e-5), (
            step
        )


def test_the_statistics_of_batch_norm_are_averaged_and_its_counter_copied():
    net = network()
    average = Average(net, 0.9)
    start = weights(net)
    net.train()(torch.rand(8, 1, 8, 8))
    average.update(1)
    found = weights(average.network)
    mean = start["1.running_mean"].lerp(net.state_dict()["1.running_mean"], 1 - 2 / 11)
    torch.testing.assert_close(found["1.running_mean"], mean)
    assert found["1.num_batches_tracked"].item() == 1


def test_the_network_is_not_touched_and_the_average_is_not_trained():
    net = network()
    before = weights(net)
    average = Average(net, 0.9)
    average.update(1)
    assert same(weights(net), before)
    assert all(p.requires_grad for p in net.parameters())
    assert not any(p.requires_grad for p in average.network.parameters())
    assert not average.network.state_dict()["0.weight"].requires_grad


def test_weights_that_are_shared_are_averaged_once():
    layer = nn.Linear(2, 2, bias=False)
    net = nn.Sequential(layer, layer)
    average = Average(net, 0.9)
    start = layer.weight.detach().clone()
    with torch.no_grad():
        layer.weight.add_(11.0)
    average.update(1)
    torch.testing.assert_close(average.network.state_dict()["0.weight"], start + 9.0)  # 9/11 of it


class Uncopied(nn.Module):
    """A weight that is computed, such as the old weight norm leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.doubled = self.weight * 2


def test_a_network_that_cannot_be_copied():
    with pytest.raises(NetworkError, match=r"ema needs a copy of the network, .* set ema=0"):
        Average(Uncopied(), 0.9)
