"""A network's state is whole: buffers that it does not save are in it."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from striate.train import fit
from striate.train.state import load_state, network_state
from tests.train.sample import (
    after,
    assert_same_end,
    image_set,
    network,
    recipe,
    same,
    weights,
)


class Counting(nn.Module):
    """Counts its images in a buffer that is not saved; makes another when it first runs."""

    seen: Tensor
    last: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Linear(2, 2)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64), persistent=False)
        self.register_buffer("last", None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        self.last = x.detach().clone()
        return self.scale(x)


def ran(images: int) -> nn.Sequential:
    """Return a network that has seen so many images."""
    torch.manual_seed(0)
    made = nn.Sequential(nn.Identity(), Counting())
    if images:
        made(torch.arange(2.0 * images).view(images, 2))
    return made


def test_the_state_holds_what_state_dict_leaves_out():
    state = network_state(ran(3))
    assert state["1.seen"].item() == 3
    assert state["1.last"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert sorted(state) == ["1.last", "1.scale.bias", "1.scale.weight", "1.seen"]
    plain = network()
    assert same(network_state(plain), plain.state_dict())


@pytest.mark.parametrize("images", [0, 2, 3])
def test_a_state_goes_into_a_network_that_saw_other_images(images: int):
    """Its buffer `last` is not there yet, of another shape, or of the same."""
    state = copy.deepcopy(network_state(ran(3)))
    other = ran(images)
    counting = other[1]
    assert isinstance(counting, Counting)
    with torch.no_grad():
        counting.scale.weight.add_(1)
    count = counting.seen
    load_state(other, state)
    assert same(dict(sorted(network_state(other).items())), dict(sorted(state.items())))
    assert counting.seen is count  # in place
    other(torch.ones(4, 2))
    assert counting.seen.item() == 7
    assert state["1.seen"].item() == 3  # what was loaded stays as it was
    assert "1.seen" not in other.state_dict()  # and still is not saved with the network


def test_what_does_not_fit_is_refused():
    state = copy.deepcopy(network_state(ran(3)))
    with pytest.raises(RuntimeError, match=r"the key of the buffer 1\.seen is missing"):
        load_state(ran(0), {k: v for k, v in state.items() if k != "1.seen"})
    with pytest.raises(RuntimeError, match=r"Missing key.*1\.scale\.bias"):
        load_state(ran(0), {k: v for k, v in state.items() if k != "1.scale.bias"})
    for name in ("1.sean", "2.seen", "seen"):
        with pytest.raises(RuntimeError, match=rf'Unexpected key.*"{name}"'):
            load_state(ran(0), state | {name: torch.zeros(())})
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_state(ran(0), state | {"1.scale.bias": torch.zeros(5)})
    before = weights(network())
    with pytest.raises(RuntimeError, match=r"Missing key"):
        load_state(network(), state)
    assert same(weights(network()), before)


class Drifting(nn.Module):
    """A network whose scores depend on a buffer that it moves as it trains, but does not save."""

    drift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = network(dropout=0.5)
        self.register_buffer("drift", torch.ones(4), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        scores = self.body(images)
        if self.training:
            self.drift.lerp_(scores.detach().abs().mean(dim=0), 0.3)
        return scores / self.drift


@pytest.mark.parametrize("ema", [0.0, 0.8])
def test_buffers_that_a_network_does_not_save_are_in_the_checkpoint(ema: float):
    chosen, images = recipe(ema=ema), image_set()
    ended = fit(Drifting(), images, chosen)
    for steps in range(1, 8):
        written: list[Any] = []
        fit(Drifting(), images, chosen, stop=after(steps),
            save=lambda state, _, to=written: to.append(copy.deepcopy(state)))  # fmt: skip
        again = fit(Drifting(), images, chosen, resume=written[-1])
        assert_same_end(again, ended)
        assert same(network_state(again.network), network_state(ended.network))


def test_the_kept_weights_come_with_the_buffers_of_their_epoch():
    """Validated anew, the network that fit returns is as good as its best epoch was."""
    chosen = recipe(epochs=4, learning_rate=0.5)
    images = image_set()
    fitted = fit(Drifting(), images, chosen)
    assert 0 < fitted.best_epoch < 4
    held = images["validation"]
    with torch.no_grad():
        scores = fitted.network.eval()(images.preprocessing.normalize(held.images))
    right = (scores.argmax(dim=1) == held.labels).float().mean().item()
    loss = torch.nn.functional.cross_entropy(scores, held.labels).item()
    row = fitted.log.epochs[fitted.best_epoch - 1]
    assert (loss, right) == (pytest.approx(row[6], rel=1e-5), row[7])
