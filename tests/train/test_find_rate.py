"""The range test: its rates, its loss, its end, and no trace of it."""

import csv
import io
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate._errors import DivergedError, NetworkError, RecipeError
from striate._events import Event, Moved
from striate.train import RateCurve, find_rate, fit
from striate.train.batches import Batches
from striate.train.find_rate import _steepest
from striate.train.fit import place
from tests.conftest import unchanged
from tests.train.sample import image_set, network, recipe, same, weights
from tests.train.test_averaging import Uncopied

PLAIN: dict[str, Any] = {"schedule": "constant", "momentum": 0.9}


def test_rates_by_the_formula():
    curve = find_rate(network(), image_set(), recipe(), lowest=1e-5, highest=1e-2, steps=13)
    # Three decades in 12 equal stretches: four a decade.
    assert curve.rates == pytest.approx([10 ** (-5 + k / 4) for k in range(13)])


def test_losses_are_those_of_a_loop_by_hand():
    images, chosen = image_set(), recipe(**PLAIN)
    curve = find_rate(network(), images, chosen, lowest=1e-4, highest=1e-1, steps=10)
    net = network()
    place(net, torch.device("cpu"))
    rule = torch.optim.SGD(
        [{"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": 5e-4},
         {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0}],
        momentum=0.9, nesterov=True, fused=True,
    )  # fmt: skip
    losses = []
    batches = Batches(images, chosen, torch.device("cpu"))
    shown = [batch for epoch in (1, 2, 3) for batch in batches.epoch(epoch)][:10]
    for rate, batch in zip(curve.rates, shown, strict=True):
        for group in rule.param_groups:
            group["lr"] = rate
        loss = F.cross_entropy(net(batch.images), batch.labels)
        rule.zero_grad()
        loss.backward()
        rule.step()
        losses.append(loss.item())
    assert list(curve.losses) == losses
    # .9 of the mean so far and .1 of the loss, over the sum of these shares.
    mean, expected = 0.0, []
    for k, loss in enumerate(losses, 1):
        mean = 0.9 * mean + 0.1 * loss
        expected.append(mean / (1 - 0.9**k))
    assert curve.smoothed == pytest.approx(expected)


@pytest.mark.parametrize("precision", ["auto", "float32"])
@pytest.mark.parametrize("training", [True, False])
def test_it_leaves_no_trace(precision: str, training: bool):
    net = network(dropout=0.5).train(training)
    net[1].eval()
    images = image_set()
    rule = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    F.cross_entropy(net(torch.rand(4, 1, 8, 8)), torch.arange(4)).backward()
    rule.step()
    moments = [value["momentum_buffer"].clone() for value in rule.state.values()]
    pixels = images["train"].images.clone()
    chosen = recipe(precision=precision, flip=True, mixup=0.4)
    strides = [p.stride() for p in net.parameters()]
    with unchanged(net):
        find_rate(net, images, chosen, steps=12, lowest=0.1, highest=1.0)
    now = [value["momentum_buffer"] for value in rule.state.values()]
    assert all(torch.equal(a, b) for a, b in zip(now, moments, strict=True))
    assert torch.equal(images["train"].images, pixels)
    assert [p.stride() for p in net.parameters()] == strides
    order = [batch.labels for batch in Batches(images, chosen, torch.device("cpu")).epoch(1)]
    again = [batch.labels for batch in Batches(images, chosen, torch.device("cpu")).epoch(1)]
    assert all(torch.equal(a, b) for a, b in zip(order, again, strict=True))


def test_the_same_curve_each_time():
    net = network(dropout=0.5)
    first = find_rate(net, image_set(), recipe(flip=True), steps=10)
    torch.rand(9)
    assert find_rate(net, image_set(), recipe(flip=True), steps=10) == first


def test_it_ends_where_the_loss_blows_up():
    images = image_set()
    images["train"].labels.copy_(torch.randint(0, 4, (32,)))  # nothing to learn, so no rest at 0
    curve = find_rate(network(), images, recipe(), lowest=1e-3, highest=100.0, steps=60)
    assert 10 < len(curve.rates) < 60
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed)
    assert max(curve.smoothed) <= 4 * min(curve.smoothed)
    assert all(math.isfinite(loss) for loss in curve.losses)
    assert curve.rates[0] <= curve.suggested < curve.rates[-1]


class Broken(nn.Sequential):
    """A network whose outputs are no numbers from the fourth training step on."""

    def __init__(self) -> None:
        super().__init__(*network())
        self.left = 3

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Sequential
        outputs = super().forward(input)
        if self.training:
            self.left -= 1
        return outputs if self.left >= 0 else outputs * math.nan


def test_it_ends_where_the_loss_is_not_finite():
    net = Broken()
    curve = find_rate(net, image_set(), recipe(), steps=12)
    assert len(curve.losses) == 3
    assert net.left == 3


@pytest.mark.parametrize(
    ("smoothed", "suggested"),
    [
        ([2.0, 1.9, 1.7, 1.0, 0.8, 2.0], 10**-2.5),  # the fall from 1.7 at 1e-3 to 1.0 at 1e-2
        ([2.0, 1.9, 1.0, 0.9, 3.0, 0.1], 10**-0.5),  # up to the least; the last fall is most
        ([2.0, 1.9, 1.0, 0.9, 3.0, 1.0], 10**-3.5),  # behind the least nothing counts
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1e-5),  # it only rises
        ([1.0], 1e-5),
        ([], 1e-5),
    ],
)
def test_the_suggestion_by_hand(smoothed: list[float], suggested: float):
    rates = [10.0**k for k in range(-5, 1)]
    assert _steepest(rates, smoothed) == pytest.approx(suggested)


def test_the_suggestion_looks_at_a_whole_decade():
    # Four rates a decade. One step falls by 1 and is made up for: noise. From the fifth rate on
    # the loss falls by .5 a step, 2 a decade.
    rates = [10 ** (k / 4) for k in range(-16, -3)]
    smoothed = [9.0, 8.0, 9.0, 9.0, 9.0, 8.5, 8.0, 7.5, 7.0, 6.9, 6.8, 6.7, 9.9]
    assert _steepest(rates, smoothed) == pytest.approx((rates[4] * rates[8]) ** 0.5)


def test_the_suggestion_of_a_curve_shorter_than_a_decade():
    rates = [10 ** (k / 16) for k in range(6)]
    assert _steepest(rates, [3.0, 2.0, 1.0, 5.0, 6.0, 7.0]) == pytest.approx(rates[1])


def test_class_weights_and_mixup_count_as_in_training():
    images = image_set()
    images["train"].labels[::4] = 1
    images["train"].labels[0] = 0
    chosen = recipe(class_weights="balanced", mixup=0.4, clip_gradient=0.5, **PLAIN)
    curve = find_rate(network(), images, chosen, lowest=0.05, highest=0.05001, steps=10)
    fitted = fit(network(), images, recipe(**{"class_weights": "balanced", "mixup": 0.4,
                 "clip_gradient": 0.5, "epochs": 3, **PLAIN}))  # fmt: skip
    losses = [row[4] for row in fitted.log.steps][:10]
    assert list(curve.losses) == pytest.approx(losses, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lowest": 0.0}, r"runs from 0 to 10 in 100 steps, but needs 0 < lowest < highest"),
        ({"lowest": 1.0, "highest": 1.0}, r"from 1 to 1 in"),
        ({"lowest": 2.0, "highest": 1.0}, r"from 2 to 1 in"),
        ({"steps": 9}, r"in 9 steps, but needs .* 10 steps or more"),
        ({"highest": float("inf")}, r"from 1e-05 to inf"),
    ],
)
def test_a_range_that_is_none(changes: dict[str, Any], said: str):
    with pytest.raises(RecipeError, match=said):
        find_rate(network(), image_set(), recipe(), **changes)


def test_a_network_that_cannot_be_copied():
    with pytest.raises(NetworkError, match=r"cannot be copied for the range test \("):
        find_rate(Uncopied(), image_set(), recipe())


def test_a_network_that_does_not_fit():
    net = network(5)
    with unchanged(net), pytest.raises(NetworkError, match=r"4 classes need \(n, 4\)"):
        find_rate(net, image_set(), recipe())


def test_a_network_with_nothing_to_train():
    with pytest.raises(NetworkError, match="no trainable parameters"):
        find_rate(network().requires_grad_(False), image_set(), recipe())


class Wild(nn.Module):
    """Fit to be looked at, but in training mode its scores are infinite."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(images) / (0 if self.training else 1)


def test_a_first_loss_that_is_no_number_is_no_curve():
    with pytest.raises(DivergedError, match=r"the loss of the first step, at a learning rate of"):
        find_rate(Wild(), image_set(), recipe(), lowest=0.01)


def test_progress_counts_every_step():
    events: list[Event] = []
    find_rate(network(), image_set(), recipe(), steps=10, highest=0.1, progress=events.append)
    assert events == [Moved(task="range test", done=k, total=10, unit="steps") for k in range(11)]


def test_csv_and_json_hold_the_curve():
    curve = RateCurve(rates=(0.1, 0.2), losses=(2.0, 1.0), smoothed=(2.0, 1.5), suggested=0.2)
    rows = list(csv.reader(io.StringIO(curve.to_csv())))
    assert rows == [["rate", "loss", "smoothed"], ["0.1", "2.0", "2.0"], ["0.2", "1.0", "1.5"]]
    assert curve.to_json() == {
        "rates": [0.1, 0.2],
        "losses": [2.0, 1.0],
        "smoothed": [2.0, 1.5],
        "suggested": 0.2,
    }


def test_weights_of_the_user_are_those_it_begins_with():
    net = network()
    before = weights(net)
    first = find_rate(net, image_set(), recipe(), steps=10).losses[0]
    other = find_rate(network(seed=8), image_set(), recipe(), steps=10).losses[0]
    assert first != other
    assert same(weights(net), before)
