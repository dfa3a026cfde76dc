"""Resume is exact to the bit, from every step, and refuses what does not belong to it."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from striate._errors import RunError
from striate._events import Event, Said
from striate.train import Fitted, Recipe, differences, fit, surroundings
from striate.train import loop as loop_module
from tests.train.sample import (
    after,
    assert_same_end,
    image_set,
    network,
    recipe,
    same,
    weights,
)

STEPS = 8
EVERYTHING = {
    "flip": True,
    "shift": 2,
    "erase": 0.5,
    "mixup": 0.4,
    "ema": 0.8,
    "label_smoothing": 0.1,
    "class_weights": "balanced",
    "clip_gradient": 1.0,
    "statistics": 5,
}


def on_disk(state: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    torch.save(dict(state), file)
    return file.getvalue()


def from_disk(written: bytes) -> dict[str, Any]:
    return torch.load(io.BytesIO(written), weights_only=True)


def stopped(
    chosen: Recipe, steps: int, resume: Mapping[str, Any] | None = None
) -> tuple[Fitted, bytes]:
    """Train so many steps; return what fit gives and the last checkpoint as a file."""
    written: list[bytes] = []
    fitted = fit(
        network(dropout=0.5),
        image_set(),
        chosen,
        save=lambda state, _: written.append(on_disk(state)),
        stop=after(steps),
        resume=resume,
    )
    return fitted, written[-1]


def resumed(chosen: Recipe, written: bytes) -> Fitted:
    return fit(network(dropout=0.5, seed=99), image_set(), chosen, resume=from_disk(written))


def whole(chosen: Recipe) -> Fitted:
    return fit(network(dropout=0.5), image_set(), chosen)


@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["plain", "everything"])
def test_stopped_after_each_step_and_resumed(changes: dict[str, Any]):
    chosen = recipe(**changes)
    end = whole(chosen)
    for steps in range(1, STEPS + 1):
        first, written = stopped(chosen, steps)
        assert first.interrupted
        assert len(first.log.steps) == steps
        second = resumed(chosen, written)
        assert not second.interrupted
        assert_same_end(second, end)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["plain", "everything"])
def test_stopped_at_every_step_of_one_run(optimizer: str, changes: dict[str, Any]):
    chosen = recipe(optimizer=optimizer, **changes)
    _, written = stopped(chosen, 1)
    for _ in range(STEPS - 1):
        _, written = stopped(chosen, 1, from_disk(written))
    assert_same_end(resumed(chosen, written), whole(chosen))


def test_every_checkpoint_of_a_run_that_was_killed_leads_to_the_same_end(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(loop_module, "CHECKPOINT_SECONDS", -1.0)  # one after each step
    chosen = recipe(**EVERYTHING)
    written: list[bytes] = []
    end = fit(network(dropout=0.5), image_set(), chosen,
              save=lambda state, _: written.append(on_disk(state)))  # fmt: skip
    at = [tuple(from_disk(file)["clock"][k] for k in ("epoch", "step")) for file in written]
    # The steps of epoch 1, its end, those of epoch 2; the last step goes with the end of training.
    assert at == [(1, 1), (1, 2), (1, 3), (1, 4), (2, 4), (2, 5), (2, 6), (2, 7), (3, 8)]
    for file in written:
        assert_same_end(resumed(chosen, file), end)


def test_early_stopping_goes_on_counting():
    chosen = recipe(epochs=9, early_stopping=2, learning_rate=1e-8)  # nothing gets better for long
    end = whole(chosen)
    assert len(end.log.epochs) < 9
    for steps in (5, 4 * len(end.log.epochs) - 1, 4 * len(end.log.epochs)):
        assert_same_end(resumed(chosen, stopped(chosen, steps)[1]), end)


def test_a_run_that_stopped_early_does_not_go_on():
    chosen = recipe(epochs=9, early_stopping=2, learning_rate=1e-8)
    written: list[bytes] = []
    end = fit(network(dropout=0.5), image_set(), chosen,
              save=lambda state, _: written.append(on_disk(state)))  # fmt: skip
    assert len(end.log.epochs) == len(written) < 9
    assert_same_end(resumed(chosen, written[-1]), end)


def test_a_run_without_validation():
    chosen, images = recipe(), image_set(validation=0)
    written: list[bytes] = []
    end = fit(network(), images, chosen)
    fit(network(), images, chosen, save=lambda s, _: written.append(on_disk(s)), stop=after(6))
    again = fit(network(seed=5), images, chosen, resume=from_disk(written[-1]))
    assert_same_end(again, end)


def test_a_run_that_had_ended_only_gives_its_weights_back():
    chosen = recipe()
    written: list[bytes] = []
    end = fit(network(), image_set(), chosen, save=lambda s, _: written.append(on_disk(s)))
    saved_again: list[bytes] = []
    again = fit(network(seed=3), image_set(), chosen, resume=from_disk(written[-1]),
                save=lambda s, _: saved_again.append(on_disk(s)))  # fmt: skip
    assert_same_end(again, end)
    assert saved_again == []


def test_a_checkpoint_in_memory_is_not_changed_by_going_on_from_it():
    chosen = recipe(ema=0.9, statistics=5)
    state = from_disk(stopped(chosen, 3)[1])
    before = on_disk(state)
    first = fit(network(dropout=0.5), image_set(), chosen, resume=state)
    assert on_disk(state) == before
    assert_same_end(fit(network(dropout=0.5), image_set(), chosen, resume=state), first)


def test_a_checkpoint_holds_no_code_and_says_what_it_is_of():
    state = from_disk(stopped(recipe(), 3)[1])
    assert state["fingerprint"] == "a" * 64
    assert Recipe.from_toml(state["recipe"]) == recipe()
    assert state["surroundings"] == surroundings(torch.device("cpu"), "float32")
    assert (state["clock"]["epoch"], state["clock"]["step_in_epoch"]) == (1, 3)


def test_changed_data_is_refused():
    _, written = stopped(recipe(), 3)
    with pytest.raises(RunError, match=r"the data has changed since the checkpoint was made"):
        fit(network(), image_set(fingerprint="b" * 64), recipe(), resume=from_disk(written))


@pytest.mark.parametrize("changes", [{"seed": 1}, {"epochs": 3}, {"ema": 0.9}, {"flip": True}])
def test_another_recipe_is_refused(changes: dict[str, Any]):
    _, written = stopped(recipe(), 3)
    with pytest.raises(RunError, match=r"the checkpoint is of another recipe"):
        resumed(recipe(**changes), written)


def test_another_network_is_refused():
    _, written = stopped(recipe(), 3)
    other = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    with pytest.raises(RunError, match=r"the checkpoint does not fit this run \(.*key") as held:
        fit(other, image_set(), recipe(), resume=from_disk(written))
    assert "\n" not in str(held.value)


def test_another_format_is_refused():
    state = from_disk(stopped(recipe(), 3)[1])
    with pytest.raises(RunError, match=r"has format 2, but this version reads 1"):
        resumed(recipe(), on_disk(state | {"format": 2}))


PARTS = ["network", "optimizer", "average", "statistics", "marked", "best", "log", "clock"]


@pytest.mark.parametrize("part", ["format", "fingerprint", "recipe", *PARTS])
@pytest.mark.parametrize("damage", ["missing", "none", "number", "text", "empty"])
def test_a_damaged_checkpoint_is_refused(part: str, damage: str):
    chosen = recipe(ema=0.5, statistics=3)
    state = from_disk(stopped(chosen, 3)[1])
    values = {"none": None, "number": 3.5, "text": "x", "empty": {}}
    if damage == "missing":
        del state[part]
    else:
        state[part] = values[damage]
    with pytest.raises(RunError, match=r"checkpoint"):
        fit(network(dropout=0.5), image_set(), chosen, resume=state)


@pytest.mark.parametrize(
    ("part", "name"),
    [("clock", "step"), ("clock", "before"), ("best", "weights"), ("best", "epoch"),
     ("log", "steps"), ("network", "0.weight"), ("optimizer", "state")],
)  # fmt: skip
def test_a_missing_value_inside_is_refused(part: str, name: str):
    chosen = recipe()
    state = from_disk(stopped(chosen, 5)[1])
    del state[part][name]
    with pytest.raises(RunError, match=r"the checkpoint does not fit this run"):
        fit(network(dropout=0.5), image_set(), chosen, resume=state)


def test_other_surroundings_are_told():
    state = from_disk(stopped(recipe(), 3)[1])
    state["surroundings"] |= {"threads": 7777, "torch": "2.0.0"}
    said: list[Event] = []
    fit(network(dropout=0.5), image_set(), recipe(), resume=state, progress=said.append)
    warnings = [event for event in said if isinstance(event, Said)]
    threads = torch.get_num_threads()
    assert warnings == [
        Said(text=f"this resume is not bit-exact: torch 2.0.0, now {torch.__version__}; "
             f"threads 7777, now {threads}", warning=True)
    ]  # fmt: skip


def test_the_same_surroundings_are_not_worth_a_word():
    state = from_disk(stopped(recipe(), 3)[1])
    said: list[Event] = []
    fit(network(dropout=0.5), image_set(), recipe(), resume=state, progress=said.append)
    assert not [event for event in said if isinstance(event, Said)]


def test_differences_by_hand():
    now = surroundings(torch.device("cpu"), "float32")
    assert set(now) == {"torch", "device", "capability", "precision", "threads"}
    assert differences(now, now) == []
    assert differences(now | {"precision": "bfloat16"}, now) == ["precision bfloat16, now float32"]
    assert differences({}, {"threads": 4}) == ["threads None, now 4"]


def test_an_interrupted_run_holds_the_best_weights_so_far():
    chosen = recipe()
    ended = whole(recipe(epochs=2))
    first, _ = stopped(chosen, 6)  # in the second epoch: the first is the best there is
    assert (first.interrupted, first.best_epoch, first.weights) == (True, 1, "best")
    assert len(first.log.epochs) == 1
    assert first.log.epochs[0] == ended.log.epochs[0]


def test_interrupted_before_the_first_epoch_ended_the_weights_are_those_of_now():
    first, written = stopped(recipe(), 2)
    assert (first.weights, first.best_epoch, first.log.epochs) == ("last", 0, [])
    assert same(weights(first.network), from_disk(written)["network"])
