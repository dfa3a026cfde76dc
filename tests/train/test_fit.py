"""`fit` and `decide`: what they choose, what they refuse, and what they leave as it was."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from striate._errors import DataError, NetworkError
from striate.data import ImageSet
from striate.infer import predict_scores, predictions
from striate.train import Recipe, decide, fit
from striate.train import fit as fit_function
from striate.train.fit import place
from striate.train.log import TrainingLog
from striate.train.objective import Objective
from striate.train.validate import validate
from tests.conftest import unchanged
from tests.train.sample import GREY, after, image_set, network, recipe, same, weights

CPU = torch.device("cpu")


def rows(net: nn.Module, images: ImageSet, chosen: Recipe) -> tuple[str, str]:
    log = fit(net, images, chosen).log
    return log.csv("steps"), log.csv("epochs")


def test_it_learns_where_the_bright_corner_is():
    net, images = network(), image_set(128, 64)
    fitted = fit(net, images, recipe(epochs=5))
    assert fitted.network is net
    held = images["validation"]
    scores = predict_scores(net, held.images, GREY, classes=4)
    accuracy = (predictions(scores) == held.labels).float().mean().item()
    assert accuracy == fitted.log.epochs[fitted.best_epoch - 1][7]
    assert accuracy > 0.95


def test_the_same_seed_is_the_same_run_and_another_is_not():
    images, chosen = image_set(), recipe(flip=True, shift=1)
    first = rows(network(dropout=0.5), images, chosen)
    torch.rand(11)  # the global random state has no say
    assert rows(network(dropout=0.5), images, chosen) == first
    assert rows(network(dropout=0.5), images, recipe(flip=True, shift=1, seed=1)) != first


def test_the_random_state_and_the_modes_are_as_before():
    net = network(dropout=0.5).train()
    net[1].eval()
    modes = [module.training for module in net.modules()]
    state = torch.get_rng_state()
    fit(net, image_set(), recipe(flip=True, mixup=0.4))
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in net.modules()] == modes


def test_the_random_state_and_the_modes_are_as_before_when_it_raises():
    net = network(dropout=0.5).eval()
    state = torch.get_rng_state()
    told = 0

    def tell(_: object) -> None:
        nonlocal told
        told += 1
        if told == 2:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        fit(net, image_set(), recipe(), progress=tell)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in net.modules())


def test_nothing_of_the_data_is_changed():
    images = image_set()
    before = {name: images[name].images.clone() for name in ("train", "validation")}
    fit(network(), images, recipe(flip=True, shift=2, erase=1.0, mixup=0.5))
    assert same({name: images[name].images for name in before}, before)


def test_a_run_is_told_to_stop():
    saved: list[Any] = []

    def save(state: Any, log: TrainingLog) -> None:
        saved.append((state["clock"]["step"], len(log.steps)))

    fitted = fit(network(), image_set(), recipe(), stop=after(3), save=save)
    assert (fitted.interrupted, saved) == (True, [(3, 3)])


def test_a_checkpoint_and_the_log_after_each_epoch():
    saved: list[Any] = []

    def save(state: Any, log: TrainingLog) -> None:
        saved.append((state["clock"]["step"], len(log.epochs)))

    fit(network(), image_set(), recipe(epochs=3), save=save)
    assert saved == [(4, 1), (8, 2), (12, 3)]


def test_without_a_recipe_everything_is_chosen(monkeypatch: pytest.MonkeyPatch):
    chosen: list[Recipe] = []
    monkeypatch.setattr(Recipe, "resolved", noting(Recipe.resolved, chosen))
    fitted = fit(network(), image_set(), stop=after(1))
    assert fitted.interrupted
    assert (chosen[-1].epochs, chosen[-1].batch_size) == (40, 8)


def noting(resolved: Callable[..., Recipe], chosen: list[Recipe]) -> Callable[..., Recipe]:
    def note(self: Recipe, images: ImageSet, **more: Any) -> Recipe:
        chosen.append(resolved(self, images, **more))
        return chosen[-1]

    return note


class Ringed(nn.Module):
    """Distances to a learned centre a class; the loss reads the network's own weights."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network(2)
        self.centres = nn.Parameter(torch.eye(4)[:, :2] * 2)
        self.radius = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"place": self.body(images)}

    def scores(self, outputs: dict[str, Tensor]) -> Tensor:
        return -torch.cdist(outputs["place"], self.centres)

    def loss(self, outputs: dict[str, Tensor], labels: Tensor) -> Tensor:
        distance = torch.cdist(outputs["place"], self.centres)
        return distance.gather(1, labels[:, None]).mean() + (self.radius - 2).square()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_a_network_with_its_own_loss_and_scores(ema: float, precision: str):
    net, images = Ringed(), image_set()
    fitted = fit(net, images, recipe(ema=ema, statistics=2, precision=precision))
    held = images["validation"]
    # The average is judged by its own loss, with its own radius and centres.
    objective = Objective(net, 4)
    found = validate(net, held.images, held.labels, GREY, objective, precision=precision)
    assert fitted.log.epochs[fitted.best_epoch - 1][6:8] == (found.loss, found.accuracy)
    assert net.radius.item() != 1.0


def test_a_binary_network():
    net, images = network(1), image_set(64, 32, classes=2)
    fitted = fit(net, images, recipe(epochs=5, class_weights="balanced", label_smoothing=0.1))
    assert (fitted.log.epochs[fitted.best_epoch - 1][7] or 0) > 0.9
    assert predict_scores(net, images["validation"].images, GREY, classes=2).shape == (32, 1)


def test_bfloat16_trains_float32_weights():
    net = network()
    fitted = fit(net, image_set(), recipe(precision="bfloat16"))
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    exact = fit(network(), image_set(), recipe())
    near = [row[4] for row in fitted.log.steps]
    assert near == pytest.approx([row[4] for row in exact.log.steps], rel=0.05)
    assert near != [row[4] for row in exact.log.steps]


@pytest.mark.parametrize("door", [fit_function, decide])
def test_no_training_images(door: Callable[..., Any]):
    with pytest.raises(DataError, match="there are no training images"):
        door(network(), image_set(0), Recipe(precision="float32"))


@pytest.mark.parametrize("door", [fit_function, decide])
@pytest.mark.parametrize("precision", ["auto", "float32"])
@pytest.mark.parametrize(
    ("net", "said"),
    [
        (nn.Conv2d(3, 4, 3), r"cannot take images of shape \(1, 8, 8\): .*channels"),
        (nn.Conv2d(1, 4, 9), r"cannot take images of shape \(1, 8, 8\): .*[Kk]ernel size"),
        (network(5), r"outputs have shape \(2, 5\), but 4 classes need \(n, 4\)"),
        (network(1), r"outputs have shape \(2, 1\), but 4 classes need \(n, 4\)"),
        (nn.Conv2d(1, 4, 3), r"outputs have shape \(2, 4, 6, 6\), but 4 classes need"),
        (nn.Sequential(nn.Flatten(), nn.LSTM(64, 4)), r"the network returns tuple, but must"),
    ],
    ids=["channels", "size", "five", "one", "map", "tuple"],
)
def test_a_network_that_does_not_fit(
    door: Callable[..., Any], precision: str, net: nn.Module, said: str
):
    with pytest.raises(NetworkError, match=said):
        door(net, image_set(), Recipe(precision=precision, epochs=1))


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_a_network_with_nothing_to_train(precision: str):
    with pytest.raises(NetworkError, match="no trainable parameters"):
        fit(network().requires_grad_(False), image_set(), recipe(precision=precision))


class Broken(nn.Module):
    def forward(self, scores: Tensor) -> Tensor:
        return scores * float("nan")


def test_an_untrained_network_that_is_broken():
    net = network()
    net.append(Broken())
    with pytest.raises(NetworkError, match="the untrained network's loss is nan; its outputs must"):
        decide(net, image_set(), recipe())


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_deciding_leaves_the_network_as_it_was(precision: str):
    net = network(dropout=0.5).train()
    net[1].eval()
    place(net, CPU)
    with unchanged(net):
        chosen, choice = decide(net, image_set(), Recipe(precision=precision))
    assert chosen.precision == choice["precision"]
    assert chosen == chosen.resolved(image_set())


def test_deciding_keeps_what_is_set():
    chosen, choice = decide(network(), image_set(), recipe())
    assert (chosen, choice["why"]) == (recipe(), "set in the recipe")


@pytest.mark.parametrize(
    ("norm", "rate"),
    [
        (nn.BatchNorm2d(6), 0.01),
        (nn.GroupNorm(2, 6), 0.01),
        (nn.InstanceNorm2d(6), 0.01),
        (nn.LayerNorm([6, 8, 8]), 0.01),
        (nn.Identity(), 0.004),
    ],
)
def test_a_network_without_norms_gets_a_low_rate(norm: nn.Module, rate: float):
    net = network()
    net[1] = norm
    chosen, _ = decide(net, image_set(1024), Recipe(precision="float32"))
    assert (chosen.learning_rate, chosen.batch_size) == (rate, 128)


def test_placing_changes_the_order_in_memory_and_no_value():
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    before = weights(net)
    kept = list(net.parameters())
    place(net, CPU)
    assert same(weights(net), before)
    assert kept[0].is_contiguous(memory_format=torch.channels_last)
    assert all(now is then for now, then in zip(net.parameters(), kept, strict=True))


def test_a_recipe_that_leaves_the_precision_open_goes_on_with_that_of_its_checkpoint():
    saved: list[Any] = []
    chosen = recipe(precision="bfloat16")
    fit(network(), image_set(), chosen, save=lambda state, _: saved.append(state), stop=after(3))
    fitted = fit(network(), image_set(), recipe(precision="auto"), resume=saved[-1])
    assert len(fitted.log.steps) == 8
