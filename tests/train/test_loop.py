"""The loop against one written out by hand, bit for bit, and what it must leave alone."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate._errors import DivergedError
from striate._events import EpochEnded, Event, TrainingStep
from striate.data import ImageSet
from striate.train import clock as clock_module
from striate.train import fit
from striate.train import loop as loop_module
from striate.train.objective import Objective, balanced_weights
from striate.train.randomness import epoch_order, kept_random_state, seed_for
from striate.train.schedule import rate_and_momentum
from striate.train.validate import Validation, validate
from tests.train.sample import GREY, image_set, network, recipe, same, weights

CONSTANT = {"schedule": "constant", "momentum": 0.9}
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass
class ByHand:
    """What a plain loop ends with."""

    net: nn.Module
    losses: list[float] = field(default_factory=list)
    average: dict[str, Tensor] = field(default_factory=dict)


def channels_last(net: nn.Module) -> nn.Module:
    for weight in net.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return net


def optimizer_of(net: nn.Module, name: str, decay: float) -> torch.optim.Optimizer:
    trained = [p for p in net.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=0.05, betas=(0.9, 0.99), fused=True)
    if name == "rmsprop":
        return torch.optim.RMSprop(groups, lr=0.05, alpha=0.9)
    return torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True, fused=True)


def shown(images: ImageSet, epochs: int) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """Yield epoch, step, images and labels of every batch of 8, seed 0, no augmentation."""
    train = images["train"]
    for epoch in range(1, epochs + 1):
        order = epoch_order(len(train), 0, epoch)
        for step in range(len(train) // 8):
            chosen = order[8 * step : 8 * step + 8]
            yield epoch, step, GREY.normalize(train.images[chosen]), train.labels[chosen]


def by_hand(
    net: nn.Module,
    *,
    epochs: int = 2,
    loss_of: Loss = F.cross_entropy,
    optimizer: str = "sgd",
    decay: float = 5e-4,
    clip: float = 0.0,
    mixup: float = 0.0,
    ema: float = 0.0,
) -> ByHand:
    """Train as one writes it without a library: constant rate .05, momentum .9."""
    rule = optimizer_of(channels_last(net).train(), optimizer, decay)
    end = ByHand(net, average=weights(net))
    with kept_random_state():
        for count, (epoch, step, x, y) in enumerate(shown(image_set(), epochs), 1):
            torch.manual_seed(seed_for(0, epoch, step, "network"))
            if mixup:
                draws = np.random.default_rng(seed_for(0, epoch, step, "mixup"))
                share, other = draws.beta(mixup, mixup), draws.permutation(8)
                out = net(x.mul(share).add(x[other], alpha=1 - share))
                loss = share * loss_of(out, y) + (1 - share) * loss_of(out, y[other])
            else:
                loss = loss_of(net(x), y)
            rule.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_([p for g in rule.param_groups for p in g["params"]], clip)
            rule.step()
            end.losses.append(loss.item())
            kept = min(ema, (1 + count) / (10 + count))
            for name, value in net.state_dict().items():
                moved = (
                    torch.lerp(end.average[name], value, 1 - kept) if name[2:5] != "num" else value
                )
                end.average[name] = moved.clone()
    return end


def trained(net: nn.Module, images: ImageSet | None = None, **changes: Any) -> Any:
    """Train without validation, so that the last weights are kept."""
    return fit(net, images or image_set(validation=0), recipe(**(CONSTANT | changes)))


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


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give a function that says what the validation of each epoch will find."""

    def script(*found: tuple[float, float]) -> None:
        left = [Validation(accuracy=accuracy, loss=loss) for accuracy, loss in found]
        monkeypatch.setattr(loop_module, "validate", lambda *_, **__: left.pop(0))

    return script


def test_the_weights_of_the_best_epoch_are_kept(judged: Callable[..., None]):
    judged((0.5, 1.0), (0.9, 1.0), (0.9, 1.0), (0.6, 0.1))
    fitted = fit(network(), image_set(), recipe(**CONSTANT, epochs=4))
    assert (fitted.best_epoch, fitted.weights) == (2, "best")
    assert [row[8] for row in fitted.log.epochs] == [1, 1, 0, 0]
    assert same(weights(fitted.network), weights(by_hand(network(), epochs=2).net))


@pytest.mark.parametrize(
    ("patience", "accuracies", "ended", "best"),
    [
        (2, [0.5, 0.6, 0.4, 0.6, 0.9], 4, 2),  # 3 and 4 are no better
        (1, [0.5, 0.4, 0.9], 2, 1),
        (2, [0.5, 0.4, 0.6, 0.5, 0.4, 0.9], 5, 3),  # epoch 3 starts the count anew
        (3, [0.5, 0.4, 0.4], 3, 1),  # the epochs are over first
        (0, [0.5, 0.4, 0.4, 0.4, 0.4], 5, 1),  # never
    ],
)
def test_early_stopping(
    judged: Callable[..., None], patience: int, accuracies: list[float], ended: int, best: int
):
    judged(*((accuracy, 1.0) for accuracy in accuracies))
    chosen = recipe(**CONSTANT, epochs=len(accuracies), early_stopping=patience)
    fitted = fit(network(), image_set(), chosen)
    assert (len(fitted.log.epochs), fitted.best_epoch) == (ended, best)
    assert not fitted.interrupted
    assert same(weights(fitted.network), weights(by_hand(network(), epochs=best).net))


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


class Turned:
    """A clock that moves only when a network runs."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


class Slow(nn.Sequential):
    """A network that takes 1 s for a training step and half a second for a validation batch."""

    def __init__(self, time: Turned) -> None:
        super().__init__(*network())
        self.time = time

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Sequential
        self.time.now += 1.0 if self.training else 0.5
        return super().forward(input)


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> Turned:
    time = Turned()
    for module in (clock_module, loop_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=time))
    return time


def test_with_minutes_the_schedule_follows_the_clock(turned: Turned):
    chosen = recipe(epochs=None, minutes=10 / 60, warm_up=0.25)
    fitted = fit(Slow(turned), image_set(), chosen)
    # 4 steps of 1 s and a validation of .5 s; from then on .5 s are kept free: 9.5 s for steps.
    shares = [0.0, 0.1, 0.2, 0.3, 4.5 / 9.5, 5.5 / 9.5, 6.5 / 9.5, 7.5 / 9.5, 9 / 9.5]
    expected = [rate_and_momentum(chosen, share) for share in shares]
    assert [row[2:4] for row in fitted.log.steps] == [
        pytest.approx(pair, rel=1e-9) for pair in expected
    ]
    # The ninth step began in time and ended at 10; with its validation that is half a second over.
    assert [row[1] for row in fitted.log.epochs] == [4, 8, 9]
    assert fitted.seconds == 10.5


class Poisoned(nn.Sequential):
    """A network whose outputs are no numbers from the n-th training step on."""

    def __init__(self, sound: int) -> None:
        super().__init__(*network())
        self.sound = sound

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Sequential
        if self.training:
            self.sound -= 1
        outputs = super().forward(input)
        return outputs if self.sound >= 0 else outputs * math.nan


@pytest.mark.parametrize(("sound", "epoch", "step"), [(0, 1, 1), (3, 1, 4), (5, 2, 6)])
def test_a_loss_that_is_not_finite_names_where(sound: int, epoch: int, step: int):
    said = rf"the loss is nan at epoch {epoch}, step {step} \(learning rate 0\.05\); "
    said += r"try learning_rate=0\.017 or clip_gradient=1$"
    with pytest.raises(DivergedError, match=said):
        fit(Poisoned(sound), image_set(), recipe(**CONSTANT))


def test_no_checkpoint_is_made_of_weights_that_diverged():
    saved: list[int] = []
    with pytest.raises(DivergedError, match="epoch 2, step 6"):
        fit(Poisoned(5), image_set(), recipe(**CONSTANT),
            save=lambda state, _: saved.append(state["clock"]["step"]))  # fmt: skip
    assert saved == [4]


def test_a_rate_far_too_high_diverges():
    with pytest.raises(DivergedError, match=r"the loss is (nan|inf) at epoch \d+, step \d+"):
        trained(network(), learning_rate=100.0, momentum=0.99, epochs=40)


class LastStep(nn.Sequential):
    """A network that the eighth step has spoilt, after a finite loss."""

    steps = 0

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Sequential
        self.steps += self.training
        outputs = super().forward(input)
        return outputs if self.training or self.steps < 8 else outputs * math.nan


def test_a_validation_that_is_not_finite_has_diverged_too():
    said = r"the validation loss is nan after epoch 2, step 8 \(learning rate 0\.05\); try learn"
    with pytest.raises(DivergedError, match=said):
        fit(LastStep(*network()), image_set(), recipe(**CONSTANT))
