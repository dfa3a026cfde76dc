"""Optimisers: what decays, what moves, against updates worked out by hand."""

import pytest
import torch
from torch import nn

from striate._errors import NetworkError
from striate.train.optimizers import build_optimizer, decayed_and_plain, set_rate
from tests.train.sample import network, recipe


class Normed(nn.Module):
    """One of everything: conv, batch, group and layer norm, PReLU, a scalar, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.batch = nn.BatchNorm2d(2)
        self.group = nn.GroupNorm(1, 2)
        self.slope = nn.PReLU(2)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.layer = nn.LayerNorm(2)
        self.linear = nn.Linear(2, 2)
        self.tied = self.linear


def names(net: nn.Module, chosen: list[nn.Parameter]) -> set[str]:
    return {name for name, p in net.named_parameters() if any(p is c for c in chosen)}


def test_only_weights_of_convolutions_and_linears_decay():
    net = Normed()
    decayed, plain = decayed_and_plain(net)
    assert names(net, decayed) == {"conv.weight", "linear.weight"}
    assert names(net, decayed) | names(net, plain) == {name for name, _ in net.named_parameters()}
    assert len(decayed) + len(plain) == len(list(net.parameters()))  # shared ones once


def test_frozen_parameters_are_in_neither():
    net = network()
    net[0].requires_grad_(False)
    decayed, plain = decayed_and_plain(net)
    assert names(net, decayed) == {"6.weight"}
    assert names(net, plain) == {"1.weight", "1.bias", "6.bias"}


@pytest.mark.parametrize("net", [nn.ReLU(), nn.Linear(2, 2).requires_grad_(False)])
def test_nothing_to_train(net: nn.Module):
    with pytest.raises(NetworkError, match="no trainable parameters, so there is nothing to fit"):
        build_optimizer(net, recipe())


@pytest.mark.parametrize(
    ("optimizer", "factor"),
    [
        ("sgd", 1 - 0.1 * 0.5),  # the gradient is 0 + decay * weight
        ("adamw", 1 - 0.1 * 0.5),  # decoupled: weight -= rate * decay * weight
    ],
)
def test_a_step_without_gradient_only_decays(optimizer: str, factor: float):
    net = Normed()
    rule = build_optimizer(net, recipe(optimizer=optimizer, weight_decay=0.5, learning_rate=0.1,
                                       momentum=0.0, least_momentum=0.0))  # fmt: skip
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    rule.step()
    for name, parameter in net.named_parameters():
        share = factor if name in ("conv.weight", "linear.weight") else 1.0
        torch.testing.assert_close(parameter.detach(), before[name] * share, msg=name)


def one_weight() -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    return layer


def stepped(optimizer: str, gradients: list[float], momenta: list[float], rate: float) -> float:
    """Return a weight that was 1, after one step for each gradient and momentum; no decay."""
    net = one_weight()
    rule = build_optimizer(net, recipe(optimizer=optimizer, weight_decay=0.0))
    for gradient, momentum in zip(gradients, momenta, strict=True):
        net.weight.grad = torch.full((1, 1), gradient)
        set_rate(rule, rate, momentum)
        rule.step()
    return net.weight.item()


def test_nesterov_by_hand():
    # v = 1; w = 1 - .1 (1 + .9 * 1) = .81
    # v = .5 * 1 + 2 = 2.5; w = .81 - .1 (2 + .5 * 2.5) = .485
    assert stepped("sgd", [1.0, 2.0], [0.9, 0.5], 0.1) == pytest.approx(0.485, rel=1e-6)


def test_adamw_by_hand():
    # m = .2, v = .01; both corrected are 1 and 1: w = 1 - .1
    # beta1 = .5: m = .5 * .2 + .5 * 2 = 1.1, corrected by 1 - .5^2 = .75;
    # v = .99 * .01 + .01 * 4 = .0499, corrected by 1 - .99^2 = .0199
    expected = 0.9 - 0.1 * (1.1 / 0.75) / (0.0499 / 0.0199) ** 0.5
    assert stepped("adamw", [1.0, 2.0], [0.8, 0.5], 0.1) == pytest.approx(expected, rel=1e-5)


def test_rmsprop_by_hand_has_no_momentum():
    # v = .1; w = 1 - .1 / sqrt(.1);  v = .9 * .1 + .1 * 4 = .49; w -= .1 * 2 / .7
    expected = 1 - 0.1 / 0.1**0.5 - 0.1 * 2 / 0.7
    assert stepped("rmsprop", [1.0, 2.0], [0.9, 0.5], 0.1) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
def test_the_rate_reaches_every_group(optimizer: str):
    net = network()
    rule = build_optimizer(net, recipe(optimizer=optimizer))
    assert len(rule.param_groups) == 2
    set_rate(rule, 0.0, 0.5)
    before = [p.detach().clone() for p in net.parameters()]
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    rule.step()
    assert all(torch.equal(p, b) for p, b in zip(net.parameters(), before, strict=True))
    for group in rule.param_groups:
        if optimizer == "sgd":
            assert group["momentum"] == 0.5
        if optimizer == "adamw":
            assert group["betas"] == (0.5, 0.99)


def test_plain_descent_without_momentum():
    assert stepped("sgd", [1.0], [0.0], 0.1) == pytest.approx(0.9)


def test_momentum_may_fall_to_nothing_and_come_back():
    # v = 1; w = 1 - .1 * 1.9 = .81.  Without momentum w = .81 - .1 * 2 = .61, and v rests.
    # v = .9 * 1 + 1 = 1.9; w = .61 - .1 (1 + .9 * 1.9)
    found = stepped("sgd", [1.0, 2.0, 1.0], [0.9, 0.0, 0.9], 0.1)
    assert found == pytest.approx(0.61 - 0.1 * (1 + 0.9 * 1.9), rel=1e-6)


def test_constant_momentum_is_nesterov_whatever_one_cycle_would_fall_to():
    rule = build_optimizer(
        one_weight(), recipe(schedule="constant", momentum=0.9, least_momentum=0.0)
    )
    assert rule.param_groups[0]["nesterov"]
