"""How training ends: the best epoch, early stopping, the clock, and a loss that is no number."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from torch import Tensor, nn

from striate._errors import DivergedError, NetworkError
from striate.train import clock as clock_module
from striate.train import fit
from striate.train import loop as loop_module
from striate.train.schedule import rate_and_momentum
from striate.train.validate import Validation
from tests.train.by_hand import CONSTANT, by_hand, trained
from tests.train.sample import after, image_set, network, recipe, same, weights


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


def test_with_minutes_the_time_between_sessions_does_not_count(turned: Turned):
    chosen = recipe(epochs=None, minutes=10 / 60, schedule="cosine", warm_up=0.5)
    saved: list[Any] = []
    fit(Slow(turned), image_set(), chosen, save=lambda state, _: saved.append(state), stop=after(3))
    turned.now += 1000
    fitted = fit(Slow(turned), image_set(), chosen, resume=saved[-1])
    shares = [0.0, 0.1, 0.2, 0.3, 4.5 / 9.5, 5.5 / 9.5, 6.5 / 9.5, 7.5 / 9.5, 9 / 9.5]
    expected = [rate_and_momentum(chosen, share)[0] for share in shares]
    assert [row[2] for row in fitted.log.steps] == pytest.approx(expected)
    assert fitted.seconds == 10.5


def test_with_minutes_a_run_stopped_at_its_last_second_is_only_judged(turned: Turned):
    chosen = recipe(epochs=None, minutes=6 / 60)
    saved: list[Any] = []
    fit(Slow(turned), image_set(), chosen, save=lambda state, _: saved.append(state), stop=after(5))
    assert saved[-1]["clock"]["before"] == 5.5  # half a second is left, for the validation
    fitted = fit(Slow(turned), image_set(), chosen, resume=saved[-1])
    assert [row[1] for row in fitted.log.epochs] == [4, 5]
    assert not fitted.interrupted


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


class Failing(nn.Sequential):
    """A network that fails in the sixth training step, forward or backward."""

    def __init__(self, *, backward: bool) -> None:
        super().__init__(*network())
        self.backward, self.left = backward, 5

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Sequential
        self.left -= self.training
        outputs = super().forward(input)
        if self.left < 0 and self.backward:
            outputs.register_hook(self.fail)
        elif self.left < 0:
            self.fail(outputs)
        return outputs

    def fail(self, scores: Tensor) -> Tensor:
        raise KeyError(f"no {len(scores)}")


@pytest.mark.parametrize("backward", [False, True])
def test_a_network_that_fails_says_where(backward: bool):
    with pytest.raises(
        NetworkError, match=r"failed at epoch 2, step 6: KeyError: 'no 8' \(test_end"
    ):
        fit(Failing(backward=backward), image_set(), recipe(**CONSTANT))


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
