import csv
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch import nn

from striate import jobs
from striate._errors import DataError, DivergedError, NetworkError, RecipeError, RunError
from striate._events import EpochEnded, Event, Said, silent
from striate.data import ImageSet, Split, load
from striate.infer import predict_scores
from striate.runs import Run, open_network
from striate.train import Recipe
from tests.jobs.sample import (
    CLASSES,
    EQUAL,
    FAST,
    OTHERS,
    after,
    assert_same,
    digests,
    fit,
    image_set,
    write_photos,
)


def net(outputs: int = 3) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(64, outputs)
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# What lies in the folder, as docs/run-folder.md says it.


def test_a_finished_run_has_its_files_and_no_others(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == sorted([*EQUAL, *OTHERS])
    assert Run(finished).finished


def test_recipe_holds_all_that_repeats_the_run(finished: Path, photos: Path, tiny: str) -> None:
    recipe = tomllib.loads((finished / "recipe.toml").read_text())
    assert list(recipe) == ["striate", "data", "network", "recipe"]
    assert recipe["striate"] == {"format": 1, "version": "0.1.0"}
    assert recipe["data"] == {"source": str(photos), "size": 128, "validation": 0.1, "seed": 0}
    assert recipe["network"] == {"name": tiny, "code": True, "options": {}}
    # Nothing is left open: every field but the one that epochs exclude.
    assert set(recipe["recipe"]) == {field.name for field in fields(Recipe)} - {"minutes"}
    assert recipe["recipe"]["precision"] == "float32"
    assert recipe["recipe"]["learning_rate"] == 0.05


def test_tables_have_their_columns_and_numbers_that_read_back(finished: Path) -> None:
    history, steps = read_csv(finished / "history.csv"), read_csv(finished / "steps.csv")
    timings = read_csv(finished / "timings.csv")
    assert list(history[0]) == [
        "epoch", "step", "learning_rate", "momentum", "train_loss", "train_accuracy",
        "validation_loss", "validation_accuracy", "best",
    ]  # fmt: skip
    assert list(steps[0]) == ["step", "epoch", "learning_rate", "momentum", "loss", "accuracy"]
    assert list(timings[0]) == [
        "epoch", "seconds", "images_per_second", "validation_seconds", "peak_memory_mib",
    ]  # fmt: skip
    # 3 classes of 14: 15 % test, a tenth of the rest validation; batches of 8, the rest left out.
    count = json.loads((finished / "data.json").read_text())["splits"]["train"]["count"]
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert [int(row["step"]) for row in steps] == list(range(1, 2 * (count // 8) + 1))
    assert [int(row["step"]) for row in history] == [count // 8, 2 * (count // 8)]
    for row in history:
        own = [step for step in steps if step["epoch"] == row["epoch"]]
        assert float(row["train_loss"]) == pytest.approx(np.mean([float(s["loss"]) for s in own]))
        assert repr(float(row["train_loss"])) == row["train_loss"]


def test_data_json_names_every_file(finished: Path, photos: Path) -> None:
    data = json.loads((finished / "data.json").read_text())
    assert data["fingerprint"] == load(photos).fingerprint
    names = [file["name"] for split in data["splits"].values() for file in split["files"]]
    assert sorted(names) == sorted(str(p.relative_to(photos)) for p in photos.rglob("*.png"))
    assert {"name", "source", "options", "classes", "fingerprint", "sizes", "splits",
            "split_rule", "doctor"} == set(data)  # fmt: skip
    assert {"checked", "broken", "duplicates", "leaks", "conflicts", "warnings"} == set(
        data["doctor"]
    )


def softmax(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    powers = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_metrics_are_those_of_the_predictions(finished: Path) -> None:
    """Every number of the test split, computed anew by NumPy from predictions.npz."""
    metrics = json.loads((finished / "metrics.json").read_text())
    with np.load(finished / "predictions.npz", allow_pickle=False) as file:
        labels, scores, names = file["labels"], file["scores"], file["names"]
    assert (labels.dtype, scores.dtype, names.dtype.kind) == (np.int64, np.float32, "U")
    data = json.loads((finished / "data.json").read_text())
    assert names.tolist() == [file["name"] for file in data["splits"]["test"]["files"]]
    assert [CLASSES[label] for label in labels] == [name.split("/")[0] for name in names]
    sure = softmax(scores)
    said = sure.argmax(axis=1)
    test, n = metrics["test"], len(labels)
    assert test["images"] == n
    assert test["accuracy"] == (said == labels).mean()
    assert test["loss"] == pytest.approx(-np.log(sure[np.arange(n), labels]).mean(), rel=1e-5)
    bins = np.ceil(sure.max(axis=1) * 15).clip(1, 15)
    right = said == labels
    ece = sum(
        abs(right[bins == b].mean() - sure.max(axis=1)[bins == b].mean()) * (bins == b).sum() / n
        for b in set(bins)
    )
    assert test["ece"] == pytest.approx(ece, abs=1e-5)
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (labels, said), 1)
    assert metrics["confusion"] == confusion.tolist()
    assert metrics["classes_split"] == "test"
    for label, row in enumerate(metrics["classes"]):
        assert row["name"] == CLASSES[label]
        assert row["support"] == (labels == label).sum()
        assert row["recall"] == confusion[label, label] / (labels == label).sum()
        found = confusion[:, label].sum()
        assert row["precision"] == (confusion[label, label] / found if found else 0)
    counts = [b["count"] for b in metrics["calibration"]["bins"]]
    assert len(counts) == 15
    assert sum(counts) == n


def test_metrics_name_the_weights_and_the_epoch(finished: Path) -> None:
    metrics = Run(finished).metrics
    history = read_csv(finished / "history.csv")
    best = max(
        history,
        key=lambda r: (float(r["validation_accuracy"]), -float(r["validation_loss"]), -int(r["epoch"])),
    )
    assert metrics["weights"] == "best"
    assert metrics["best_epoch"] == int(best["epoch"])
    assert metrics["validation"]["accuracy"] == float(best["validation_accuracy"])
    assert [row["best"] for row in history][int(best["epoch"]) - 1] == "1"


def test_the_weights_give_the_predictions(finished: Path, photos: Path, tiny: str) -> None:
    opened = open_network(finished, code=tiny)
    images = load(photos)
    assert opened.card.classes == CLASSES
    assert opened.card.preprocessing == images.preprocessing
    assert opened.card.kept == "best"
    test = images["test"]
    scores = predict_scores(
        opened.network, test.images, opened.card.preprocessing, classes=len(CLASSES)
    )
    with np.load(finished / "predictions.npz", allow_pickle=False) as file:
        np.testing.assert_allclose(scores.numpy(), file["scores"], rtol=1e-5, atol=1e-6)
        assert file["names"].tolist() == list(test.names)


def test_pictures_and_activations_have_their_shapes(finished: Path) -> None:
    with np.load(finished / "pictures.npz", allow_pickle=False) as file:
        pictures = dict(file)
    assert pictures["sample_images"].shape[1:] == (12, 12, 3)
    assert pictures["sample_images"].shape == pictures["augmented_images"].shape
    assert pictures["sample_images"].dtype == np.uint8
    assert pictures["filters"].shape == (4, 3, 3, 3)
    weights = safetensors.numpy.load((finished / "model.safetensors").read_bytes())
    np.testing.assert_array_equal(pictures["filters"], weights["0.weight"])
    assert str(pictures["filters_layer"]) == "0"
    with np.load(finished / "activations.npz", allow_pickle=False) as file:
        histogram = file["histogram"]
        assert len(file["steps"]) == 4  # as many points in time as `statistics` asks for
        assert histogram.shape[2] >= 40
        np.testing.assert_allclose(histogram.sum(axis=2), 1, rtol=1e-5)


def test_mistakes_are_the_wrong_answers_of_highest_loss(tmp_path: Path, tiny: str) -> None:
    """Trained for one step at a rate of nearly nothing, so that mistakes are certain."""
    run = fit(image_set(test=20), tiny, tmp_path / "run", epochs=1, learning_rate=1e-8)
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as file:
        labels, sure, names = file["labels"], softmax(file["scores"]), file["names"]
    losses = -np.log(sure[np.arange(len(labels)), labels])
    wrong = np.flatnonzero(sure.argmax(axis=1) != labels)
    assert len(wrong) > 5
    worst = wrong[np.argsort(-losses[wrong], kind="stable")][:24]
    with np.load(run.folder / "pictures.npz", allow_pickle=False) as file:
        assert file["mistake_names"].tolist() == names[worst].tolist()
        assert file["mistake_labels"].tolist() == labels[worst].tolist()
        assert file["mistake_predictions"].tolist() == sure.argmax(axis=1)[worst].tolist()
        np.testing.assert_allclose(file["mistake_losses"], losses[worst], rtol=1e-4)
        np.testing.assert_allclose(
            file["mistake_probabilities"], sure.max(axis=1)[worst], rtol=1e-4
        )
        assert file["mistake_maps"].shape == (len(worst), 12, 12)
        assert file["mistake_maps"].min() >= 0


def test_layers_are_those_of_the_network(finished: Path) -> None:
    layers = json.loads((finished / "layers.json").read_text())
    # 4 filters of 3x3x3 and biases, 2 norm vectors of 4, 16 x 3 weights and biases
    assert layers["totals"]["parameters"] == (27 + 1) * 4 + 8 + 17 * 3


def test_environment_names_neither_machine_nor_user(finished: Path) -> None:
    import getpass
    import platform

    text = (finished / "environment.json").read_text()
    environment = json.loads(text)
    assert environment["finished"] is True
    assert environment["interrupted"] is False
    assert environment["precision_choice"] == {
        "precision": "float32", "why": "set in the recipe",
    }  # fmt: skip
    assert environment["threads"] == torch.get_num_threads()
    assert environment["fit_seconds"] > 0
    assert platform.node() not in text
    if getpass.getuser() != "root":  # too short a word to look for
        assert getpass.getuser() not in text


# Equal runs, equal bytes.


def test_equal_runs_are_equal_bytes(finished: Path, photos: Path, tiny: str, tmp_path: Path) -> None:
    again = fit(photos, tiny, tmp_path / "again")
    assert_same(finished, again.folder)


def test_another_seed_is_another_run(finished: Path, photos: Path, tiny: str, tmp_path: Path) -> None:
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


def test_without_a_test_split_the_numbers_are_of_validation(tiny: str, tmp_path: Path) -> None:
    run = fit(image_set(test=0), tiny, tmp_path / "run")
    assert "test" not in run.metrics
    assert run.metrics["classes_split"] == "validation"
    assert run.finished
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as file:
        assert file["names"][0] == "validation/0"


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


def test_progress_is_told(photos: Path, tiny: str, tmp_path: Path) -> None:
    events: list[Event] = []
    fit(photos, tiny, tmp_path / "run", progress=events.append)
    ended = [event for event in events if isinstance(event, EpochEnded)]
    history = read_csv(tmp_path / "run" / "history.csv")
    assert [(e.epoch, e.epochs, e.train_loss) for e in ended] == [
        (int(row["epoch"]), 2, float(row["train_loss"])) for row in history
    ]
    assert not [event for event in events if isinstance(event, Said) and event.warning]


# What is refused, and when.


def never(*_: object, **__: object) -> ImageSet:
    raise AssertionError("the images were read before the mistake was told")


@pytest.mark.parametrize(
    ("model", "settings", "error", "why"),
    [
        ("lenet6", {}, NetworkError, "no network 'lenet6'; nearest: lenet5"),
        ("none.py:make", {}, NetworkError, "there is no file none.py"),
        ("lenet5", {"epohcs": 3}, RecipeError, "no setting 'epohcs' for lenet5; did you mean epoch"),
        ("lenet5", {"norm": "batch"}, RecipeError, "no setting 'norm' for lenet5"),
        (None, {"epochs": 0}, RecipeError, "epochs is 0, but must lie in 1 to"),
        (None, {"epochs": "3"}, RecipeError, "epochs is '3', but must be of type int"),
        (None, {"optimizer": "adam"}, RecipeError, "optimizer is 'adam', but must be one of sgd"),
        (None, {"epochs": 1, "minutes": 1.0}, RecipeError, "epochs and minutes are both given"),
    ],
)
def test_mistakes_are_told_before_images_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str | None, settings: dict[str, Any],
    error: type[Exception], why: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("striate.data.load", never)
    with pytest.raises(error, match=why):
        jobs.fit(tmp_path, model, out=tmp_path / "run", progress=silent, **settings)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_taken_is_told_before_images_are_read(
    run: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.data.load", never)
    before = digests(run)
    with pytest.raises(RunError, match="is a run already"):
        jobs.fit(photos, "lenet5", out=run, progress=silent)
    assert digests(run) == before


def test_force_replaces_a_run_and_spares_other_files(run: Path, photos: Path, tiny: str) -> None:
    (run / "notes.txt").write_text("mine")
    (run / "layers.json").write_text("old")
    fit(photos, tiny, run, force=True, epochs=1)
    assert (run / "notes.txt").read_text() == "mine"
    assert Run(run).finished
    assert len(read_csv(run / "history.csv")) == 1


def test_force_keeps_the_old_run_when_the_new_one_cannot_begin(
    run: Path, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "wrong.py").write_text(
        "from torch import nn\ndef make(): return nn.Sequential(nn.Flatten(), nn.Linear(432, 7))\n"
    )
    before = digests(run)
    with pytest.raises(NetworkError, match=r"outputs have shape \(2, 7\), but 3 classes need"):
        fit(photos, f"{tmp_path / 'wrong.py'}:make", run, force=True)
    assert digests(run) == before


def test_options_for_loading_beside_loaded_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the images are loaded already"):
        fit(image_set(), net(), tmp_path / "run", load={"size": 8})


def test_options_beside_a_module(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="the module is built already, so it takes no norm"):
        fit(image_set(), net(), tmp_path / "run", norm="batch")


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    for name in ("gpu", "cuda:99", "meta", "", "cpu:x", "xla"):
        with pytest.raises(RecipeError, match=rf"device is '{name}', which is not there; there is a"):
            fit(image_set(), net(), tmp_path / "run", device=name)


class Bursting(nn.Sequential):
    """Its loss is no number from a given training step on."""

    def __init__(self, step: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(432, 3))
        self.step, self.calls = step, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += self.training
        return super().forward(images)

    def loss(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        broken = float("nan") if self.calls >= self.step else 0.0
        return nn.functional.cross_entropy(outputs, labels) + broken


def test_a_loss_that_is_no_number_names_epoch_step_rate_and_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(DivergedError) as found:  # 30 images, 3 steps an epoch
        fit(image_set(), Bursting(5), tmp_path / "run", epochs=4, schedule="constant")
    assert str(found.value) == (
        "the loss is nan at epoch 2, step 5 (learning rate 0.05); try learning_rate=0.017 or "
        "clip_gradient=1. The last good checkpoint is of epoch 2, step 3, in "
        f"{tmp_path / 'run' / 'checkpoint.pt'}"
    )
    state = Run(tmp_path / "run").load_checkpoint()
    assert state is not None
    assert state["clock"]["step"] == 3
    assert all(torch.isfinite(value).all() for value in state["network"].values())
    assert not Run(tmp_path / "run").finished


def test_a_loss_that_is_no_number_at_once(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"step 1 .*No checkpoint was written yet"):
        fit(image_set(), Bursting(1), tmp_path / "run")


def test_a_network_that_the_layer_table_cannot_read_is_said(tmp_path: Path) -> None:
    """Pictures and tables are worth having; a run is not lost for want of them."""
    events: list[Event] = []

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(432, 3))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1) @ self.weight

    run = fit(image_set(), Odd(), tmp_path / "run", progress=events.append)
    assert run.finished
    said = [event.text for event in events if isinstance(event, Said)]
    assert any("no first-layer filters" in text for text in said)
    assert any("no Grad-CAM" in text for text in said) or run.metrics["test"]["accuracy"] == 1
    assert FAST["epochs"] == 2
