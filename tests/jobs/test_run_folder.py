import json
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from striate.data import load
from striate.infer import predict_scores
from striate.runs import Run, open_network
from striate.train import Recipe
from tests.jobs.sample import (
    CLASSES,
    EQUAL,
    OTHERS,
    fit,
    image_set,
    read_csv,
    softmax,
)

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


@pytest.fixture(params=["trained", "hardly trained"])
def folder(
    request: pytest.FixtureRequest, finished: Path, photos: Path, tiny: str, tmp_path: Path
) -> Path:
    """A run that is always right, and one that is often wrong."""
    if request.param == "trained":
        return finished
    run = fit(photos, tiny, tmp_path / "run", epochs=1, learning_rate=1e-3, seed=5)
    confusion = np.array(run.metrics["confusion"])
    assert (confusion != confusion.T).any()
    return run.folder


def test_metrics_are_those_of_the_predictions(folder: Path) -> None:
    """Every number of the test split, computed anew by NumPy from predictions.npz."""
    metrics = json.loads((folder / "metrics.json").read_text())
    with np.load(folder / "predictions.npz", allow_pickle=False) as file:
        labels, scores, names = file["labels"], file["scores"], file["names"]
    assert (labels.dtype, scores.dtype, names.dtype.kind) == (np.int64, np.float32, "U")
    data = json.loads((folder / "data.json").read_text())
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
        key=lambda r: (
            float(r["validation_accuracy"]),
            -float(r["validation_loss"]),
            -int(r["epoch"]),
        ),
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


def test_the_temperature_is_fitted_on_validation_and_used_on_test(
    tiny: str, tmp_path: Path
) -> None:
    """ece_scaled and temperature, recomputed; the two splits want different temperatures."""
    images = image_set(each=30, test=30)
    wrong = replace(images["test"], labels=images["test"].labels.flip(0))
    images = replace(images, splits={**images.splits, "test": wrong})
    run = fit(images, tiny, tmp_path / "run", epochs=4)
    opened = open_network(run.folder, code=tiny)
    scores = {
        name: predict_scores(opened.network, images[name].images, images.preprocessing, classes=3)
        for name in ("validation", "test")
    }

    def loss(name: str, temperature: float) -> float:
        sure = softmax(scores[name].numpy() / temperature)
        return float(-np.log(sure[np.arange(len(sure)), images[name].labels.numpy()]).mean())

    found = run.metrics["temperature"]
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 2000))
    assert found == pytest.approx(grid[np.argmin([loss("validation", t) for t in grid])], rel=0.01)
    best = grid[np.argmin([loss("test", t) for t in grid])]
    assert abs(np.log(best / found)) > 0.5
    sure = softmax(scores["test"].numpy() / found)
    top, right = sure.max(axis=1), sure.argmax(axis=1) == images["test"].labels.numpy()
    bins = np.ceil(top * 15).clip(1, 15)
    ece = sum(
        abs(right[bins == b].mean() - top[bins == b].mean()) * (bins == b).mean() for b in set(bins)
    )
    assert run.metrics["test"]["ece_scaled"] == pytest.approx(ece, abs=1e-4)
