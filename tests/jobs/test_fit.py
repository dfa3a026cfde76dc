import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch import nn

from striate import jobs
from striate._errors import StorageError
from striate._events import EpochEnded, Event, Said, silent
from striate.data import Split
from striate.infer import predict_scores
from striate.runs import Run
from tests.jobs.sample import (
    after,
    assert_same,
    digests,
    fit,
    image_set,
    net,
    read_csv,
)

# Equal runs, equal bytes.


def test_equal_runs_are_equal_bytes(
    finished: Path, photos: Path, tiny: str, tmp_path: Path
) -> None:
    again = fit(photos, tiny, tmp_path / "again")
    assert_same(finished, again.folder)


def test_another_seed_is_another_run(
    finished: Path, photos: Path, tiny: str, tmp_path: Path
) -> None:
    other = digests(fit(photos, tiny, tmp_path / "other", seed=1).folder)
    mine = digests(finished)
    for name in ("model.safetensors", "history.csv", "steps.csv", "predictions.npz"):
        assert other[name] != mine[name]


def test_the_global_random_state_neither_matters_nor_changes(
    finished: Path, photos: Path, tiny: str, tmp_path: Path
) -> None:
    torch.manual_seed(12345)
    np.random.seed(7)  # noqa: NPY002 - the global state is what is watched
    before = torch.get_rng_state()
    assert_same(finished, fit(photos, tiny, tmp_path / "again").folder)
    assert torch.equal(torch.get_rng_state(), before)


class Tried(nn.Module):
    """Notes the passes that are made with it before it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.passes, self.begun = net(), 0, False

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.begun |= self.training
        self.passes += not self.begun
        return self.body(images)


def test_a_network_is_tried_once_whether_the_run_is_begun_or_gone_on_with(tmp_path: Path) -> None:
    first, second = Tried(), Tried()
    run = fit(image_set(), first, tmp_path / "run", stop=after(2))
    assert (first.passes, first.begun) == (1, True)
    jobs.resume(run.folder, images=image_set(), network=second, progress=silent)
    assert (second.passes, second.begun) == (1, True)
    whole = fit(image_set(), Tried(), tmp_path / "whole")
    assert_same(whole.folder, run.folder)


# The test split.


class Watched(Mapping[str, Split]):
    """Splits that note when they are asked for."""

    def __init__(self, splits: Mapping[str, Split], notes: list[str]) -> None:
        self.splits, self.notes = splits, notes

    def __getitem__(self, name: str) -> Split:
        self.notes.append(name)
        return self.splits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)

    def __len__(self) -> int:
        return len(self.splits)


def test_the_test_split_is_read_when_training_has_ended(tiny: str, tmp_path: Path) -> None:
    notes: list[str] = []
    images = image_set()
    watched = replace(images, splits=Watched(images.splits, notes))

    def note(event: Event) -> None:
        if isinstance(event, EpochEnded):
            notes.append("epoch ended")

    run = fit(watched, tiny, tmp_path / "run", progress=note)
    last = len(notes) - notes[::-1].index("epoch ended")
    assert notes.count("epoch ended") == 2
    assert "test" not in notes[:last]
    assert "test" in notes[last:]
    assert run.metrics["test"]["images"] == 12


def test_the_test_split_is_run_through_the_network_once(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, seen = image_set(), []
    from striate.jobs import finish as room

    def count(network: nn.Module, batch: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
        seen.append(next(name for name in images if images[name].images is batch))
        return predict_scores(network, batch, *rest, **named)

    monkeypatch.setattr(room, "predict_scores", count)
    fit(images, tiny, tmp_path / "run")
    assert seen == ["validation", "test"]


def test_what_the_test_split_holds_changes_nothing_but_its_own_numbers(
    tiny: str, tmp_path: Path
) -> None:
    images = image_set()
    noise = replace(images["test"], images=torch.zeros_like(images["test"].images))
    other = replace(images, splits={**images.splits, "test": noise})
    one = fit(images, tiny, tmp_path / "one").folder
    two = fit(other, tiny, tmp_path / "two").folder
    assert_same(one, two, ["model.safetensors", "history.csv", "steps.csv", "activations.npz"])
    assert Run(one).metrics["validation"] == Run(two).metrics["validation"]
    assert Run(one).metrics["test"] != Run(two).metrics["test"]


@pytest.mark.usefixtures("real_report")
def test_of_an_interrupted_run_the_test_split_is_not_read(tiny: str, tmp_path: Path) -> None:
    notes: list[str] = []
    images = image_set()
    watched = replace(images, splits=Watched(images.splits, notes))
    run = fit(watched, tiny, tmp_path / "run", stop=after(2))
    assert "test" not in notes
    assert "test" not in run.metrics
    assert run.metrics["classes_split"] == "validation"
    assert run.environment["interrupted"] is True
    assert run.environment["finished"] is False
    assert not run.finished
    assert run.report.is_file()


@pytest.mark.usefixtures("real_report")
def test_without_a_test_split_the_numbers_are_of_validation(tiny: str, tmp_path: Path) -> None:
    run = fit(image_set(test=0), tiny, tmp_path / "run")
    assert "test" not in run.metrics
    assert run.metrics["classes_split"] == "validation"
    assert run.finished
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as file:
        assert file["names"][0] == "validation/0"


@pytest.mark.usefixtures("real_report")
def test_without_any_split_but_train_there_is_still_a_run(tiny: str, tmp_path: Path) -> None:
    images = image_set()
    run = fit(replace(images, splits={"train": images["train"]}), tiny, tmp_path / "run")
    assert run.finished
    assert run.metrics["weights"] == "last"
    assert {"validation", "test", "classes", "confusion"}.isdisjoint(run.metrics)
    assert not (run.folder / "predictions.npz").exists()


# What can be given.


def test_a_module_of_the_users_is_trained_in_place(tmp_path: Path) -> None:
    network = net()
    before = network.state_dict()["0.weight"].clone()
    run = fit(image_set(), network, tmp_path / "run")
    assert not torch.equal(network.state_dict()["0.weight"], before)
    weights = safetensors.numpy.load((run.folder / "model.safetensors").read_bytes())
    np.testing.assert_array_equal(weights["0.weight"], network.state_dict()["0.weight"].numpy())
    table = tomllib.loads((run.folder / "recipe.toml").read_text())["network"]
    assert table == {"name": "module Sequential", "code": True, "options": {}}


@pytest.mark.usefixtures("real_report")
def test_a_binary_network(photos: Path, tiny: str, tmp_path: Path) -> None:
    binary = tiny.replace(":tiny", ":binary")
    run = fit(photos, binary, tmp_path / "run", load={"classes": ["cross", "disc"]}, epochs=4)
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as file:
        labels, scores = file["labels"], file["scores"]
    assert scores.shape == (len(labels), 1)
    said = (scores[:, 0] > 0).astype(int)
    assert run.metrics["test"]["accuracy"] == (said == labels).mean()
    confusion = np.zeros((2, 2), int)
    np.add.at(confusion, (labels, said), 1)
    assert run.metrics["confusion"] == confusion.tolist()
    z = scores[:, 0].astype(np.float64)
    loss = np.log1p(np.exp(-z * (2 * labels - 1))).mean()
    assert run.metrics["test"]["loss"] == pytest.approx(loss, rel=1e-5)
    assert run.finished


def test_options_for_loading_and_for_the_network_are_kept(
    photos: Path, tiny: str, tmp_path: Path
) -> None:
    run = fit(photos, tiny, tmp_path / "run", load={"size": 8, "per_class": 9}, drop=0.5)
    tables = tomllib.loads((run.folder / "recipe.toml").read_text())
    assert tables["data"]["size"] == 8
    assert tables["data"]["per_class"] == 9
    assert tables["network"]["options"] == {"drop": 0.5}
    assert json.loads((run.folder / "data.json").read_text())["sizes"]["height"] == 8


def test_the_default_network_is_chosen_by_size(tmp_path: Path) -> None:
    from striate.jobs.fit import network_name

    assert network_name(None, image_set()) == "small_resnet"


def test_runs_are_numbered(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    images = replace(image_set(), name="my été/\x1b pictures" + "x" * 300)
    names = [fit(images, tiny, None, epochs=1).folder for _ in range(2)]  # pyright: ignore[reportArgumentType]
    assert [folder.parent for folder in names] == [Path("runs")] * 2
    assert [folder.name[-10:] for folder in names] == ["-py-tiny-1", "-py-tiny-2"]
    assert names[0].name.startswith("my-été---pictures")
    assert len(names[0].name) < 80


def test_two_processes_that_start_together_never_choose_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from striate.jobs.fit import _free_folder  # pyright: ignore[reportPrivateUsage]

    monkeypatch.chdir(tmp_path)
    assert [_free_folder("a", "b").name for _ in range(3)] == ["a-b-1", "a-b-2", "a-b-3"]
    (tmp_path / "runs").rename(tmp_path / "old")
    (tmp_path / "runs").touch()
    with pytest.raises(StorageError, match="cannot make the folder runs"):
        _free_folder("a", "b")


def test_progress_is_told(photos: Path, tiny: str, tmp_path: Path) -> None:
    events: list[Event] = []
    fit(photos, tiny, tmp_path / "run", progress=events.append)
    ended = [event for event in events if isinstance(event, EpochEnded)]
    history = read_csv(tmp_path / "run" / "history.csv")
    assert [(e.epoch, e.epochs, e.train_loss) for e in ended] == [
        (int(row["epoch"]), 2, float(row["train_loss"])) for row in history
    ]
    assert not [event for event in events if isinstance(event, Said) and event.warning]
