"""The loop against one written out by hand, bit for bit, and what it writes down."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate._events import EpochEnded, Event, TrainingStep
from striate.train import fit
from striate.train.objective import Objective, balanced_weights
from striate.train.schedule import rate_and_momentum
from striate.train.validate import validate
from tests.train.by_hand import CONSTANT, by_hand, channels_last, optimizer_of, shown, trained
from tests.train.sample import GREY, image_set, network, recipe, same, weights


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
def test_the_loop_is_the_one_written_by_hand(optimizer: str, dropout: float):
    end = by_hand(network(dropout=dropout), optimizer=optimizer)
    fitted = trained(network(dropout=dropout), optimizer=optimizer)
    assert same(weights(fitted.network), weights(end.net))
    assert [row[4] for row in fitted.log.steps] == end.losses
    assert (fitted.weights, fitted.best_epoch) == ("last", 2)


def test_one_cycle_sets_rate_and_momentum_before_each_step():
    chosen = recipe(momentum=0.9, least_momentum=0.8, warm_up=0.5)
    net = channels_last(network()).train()
    rule = optimizer_of(net, "sgd", 5e-4)
    for count, (_, _, x, y) in enumerate(shown(image_set(), 2)):
        for group in rule.param_groups:
            group["lr"], group["momentum"] = rate_and_momentum(chosen, count / 8)
        rule.zero_grad()
        F.cross_entropy(net(x), y).backward()
        rule.step()
    fitted = fit(network(), image_set(validation=0), chosen)
    assert same(weights(fitted.network), weights(net))
    # Half of the 8 steps up from .05 / 25, half down; momentum from .9 to .8 and back.
    rates = [row[2] for row in fitted.log.steps]
    assert rates[:5] == pytest.approx([0.002 + 0.048 * k / 4 for k in range(5)])
    assert rates[5:] == pytest.approx([0.05 * (1 - 0.999 * k / 4) for k in (1, 2, 3)])
    # An epoch's row has those of its last step.
    assert [row[2:4] for row in fitted.log.epochs] == [fitted.log.steps[k][2:4] for k in (3, 7)]
    momenta = [row[3] for row in fitted.log.steps]
    assert momenta == pytest.approx([0.9, 0.875, 0.85, 0.825, 0.8, 0.825, 0.85, 0.875])


def test_label_smoothing_is_torchs():
    end = by_hand(network(), loss_of=nn.CrossEntropyLoss(label_smoothing=0.1))
    assert same(weights(trained(network(), label_smoothing=0.1).network), weights(end.net))


def test_class_weights_are_torchs():
    images = image_set(validation=0)
    images["train"].labels[::4] = 1  # class 0 has none, class 1 twice as many
    images["train"].labels[0] = 0
    weight = balanced_weights(images.counts("train"))
    net = channels_last(network()).train()
    rule = optimizer_of(net, "sgd", 5e-4)
    for _, _, x, y in shown(images, 2):
        rule.zero_grad()
        F.cross_entropy(net(x), y, weight=weight).backward()
        rule.step()
    assert weight.unique().numel() > 2
    fitted = trained(network(), images, class_weights="balanced")
    assert same(weights(fitted.network), weights(net))


def test_mixup_is_its_formula():
    end = by_hand(network(), mixup=0.4)
    fitted = trained(network(), mixup=0.4)
    assert [row[4] for row in fitted.log.steps] == pytest.approx(end.losses, rel=1e-5)
    for name, value in weights(end.net).items():
        torch.testing.assert_close(fitted.network.state_dict()[name], value)


def test_clipping_is_torchs():
    end = by_hand(network(), clip=0.1)
    assert same(weights(trained(network(), clip_gradient=0.1).network), weights(end.net))
    free = by_hand(network())
    assert same(weights(trained(network(), clip_gradient=1e6).network), weights(free.net))
    assert not same(weights(free.net), weights(end.net))


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_weight_decay(decay: float):
    end = by_hand(network(), decay=decay)
    assert same(weights(trained(network(), weight_decay=decay).network), weights(end.net))


def test_the_average_is_what_is_kept_with_ema():
    end = by_hand(network(), ema=0.9)
    fitted = trained(network(), ema=0.9)
    assert fitted.weights == "ema"
    assert same(weights(fitted.network), end.average)


def test_the_average_is_what_is_validated_with_ema():
    fitted = fit(network(), image_set(), recipe(**CONSTANT, ema=0.9))
    held = image_set()["validation"]
    found = validate(fitted.network, held.images, held.labels, GREY, Objective(fitted.network, 4))
    row = fitted.log.epochs[fitted.best_epoch - 1]
    assert (row[6], row[7]) == (found.loss, found.accuracy)


def test_steps_and_epochs_are_written_down():
    fitted = fit(network(), image_set(), recipe(**CONSTANT))
    steps, epochs = fitted.log.steps, fitted.log.epochs
    assert [row[:4] for row in steps] == [(k + 1, 1 + k // 4, 0.05, 0.9) for k in range(8)]
    assert {row[5] for row in steps} <= {k / 8 for k in range(9)}  # shares of 8 images
    for epoch, row in enumerate(epochs, 1):
        mine = steps[4 * epoch - 4 : 4 * epoch]
        assert row[:4] == (epoch, 4 * epoch, 0.05, 0.9)
        assert row[4] == pytest.approx(sum(step[4] or 0 for step in mine) / 4)
        assert row[5] == pytest.approx(sum(step[5] or 0 for step in mine) / 4)
    assert [row[0] for row in fitted.log.timings] == [1, 2]
    assert epochs[fitted.best_epoch - 1][8] == 1
    held = image_set()["validation"]
    found = validate(fitted.network, held.images, held.labels, GREY, Objective(fitted.network, 4))
    assert epochs[fitted.best_epoch - 1][6:8] == (found.loss, found.accuracy)


def test_without_validation_the_cells_are_empty_and_the_last_weights_kept():
    fitted = trained(network())
    assert [row[6:] for row in fitted.log.epochs] == [(None, None, 1), (None, None, 1)]


def test_frozen_parameters_stay_equal():
    net = network()
    net[0].requires_grad_(False)
    before = weights(net)
    fitted = trained(net, ema=0.5, weight_decay=0.1)
    now = weights(fitted.network)
    assert torch.equal(now["0.weight"], before["0.weight"])
    assert torch.equal(now["0.bias"], before["0.bias"])
    assert not torch.equal(now["6.weight"], before["6.weight"])
    assert [p.requires_grad for p in net.parameters()] == [False, False, True, True, True, True]


def test_statistics_change_no_bit_of_the_training():
    plain = fit(network(dropout=0.3), image_set(), recipe(flip=True, shift=1))
    watched = fit(network(dropout=0.3), image_set(), recipe(flip=True, shift=1, statistics=5))
    assert same(weights(plain.network), weights(watched.network))
    assert plain.log.csv("steps") == watched.log.csv("steps")
    assert plain.activations is None
    assert watched.activations is not None
    # Marks at 0, .2, .4, .6, .8 of the way are passed before steps 1, 3, 5, 6 and 8 of 8.
    assert watched.activations.steps.tolist() == [1, 3, 5, 6, 8]


def test_events_tell_each_epoch():
    events: list[Event] = []
    fitted = fit(network(), image_set(), recipe(), progress=events.append)
    ended = [event for event in events if isinstance(event, EpochEnded)]
    for event, row in zip(ended, fitted.log.epochs, strict=True):
        assert (event.epoch, event.epochs) == (row[0], 2)
        told = (event.train_loss, event.train_accuracy)
        told += (event.validation_loss, event.validation_accuracy, int(event.best))
        assert told == row[4:]
    steps = [event for event in events if isinstance(event, TrainingStep)]
    assert [(event.step, event.steps) for event in steps if event.step % 4 == 0] == [(4, 8), (8, 8)]
    assert steps[-1].loss == fitted.log.epochs[-1][4]
