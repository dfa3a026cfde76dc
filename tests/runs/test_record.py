"""A run folder read back: every part, parts that are missing, parts that are damaged."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate._errors import RunError
from striate.runs.record import PARTS, read_record
from tests.report.sample import Plan, write_run

PLAN = Plan(images=40, shown=10, mistakes=3, times=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "a run", PLAN)


def test_every_part_comes_back(folder: Path) -> None:
    record = read_record(folder)
    assert record.name == "a run"
    assert record.missing == ()
    assert record.recipe["recipe"]["batch_size"] == 128
    assert record.data == json.loads((folder / "data.json").read_text())
    assert record.metrics == json.loads((folder / "metrics.json").read_text())
    assert record.history["epoch"] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert len(record.steps["loss"]) == 120
    assert record.classes[3] == "Dress"
    assert record.epochs == 6
    assert not record.interrupted
    with np.load(folder / "pictures.npz") as arrays:
        assert record.pictures is not None
        for name in arrays.files:
            np.testing.assert_array_equal(record.pictures[name], arrays[name])


@pytest.mark.parametrize("part", PARTS)
def test_a_part_may_be_missing(folder: Path, part: str) -> None:
    (folder / part).unlink()
    record = read_record(folder)
    assert record.missing == (part,)
    assert not getattr(record, part.partition(".")[0])
    assert record.interrupted == (part == "metrics.json")


def test_what_is_no_number_is_none(folder: Path) -> None:
    (folder / "steps.csv").write_text("step,loss\n1,nan\n2,\n3,inf\n4,0.5\n")
    (folder / "metrics.json").write_text('{"temperature": NaN, "test": {"loss": Infinity}}')
    record = read_record(folder)
    assert record.steps == {"step": [1.0, 2.0, 3.0, 4.0], "loss": [None, None, None, 0.5]}
    assert record.metrics == {"temperature": None, "test": {"loss": None}}


@pytest.mark.parametrize(
    ("part", "content", "said"),
    [
        ("history.csv", b"epoch,loss\n1\n", "line 2 has 1 cells, not 2"),
        ("history.csv", b"epoch\nsoon\n", "could not convert string to float"),
        ("steps.csv", b"\xff\xfe\x00", "can't decode"),
        ("metrics.json", b'{"test": ', "Expecting value"),
        ("metrics.json", b"[]", "metrics is list, not dict"),
        ("metrics.json", b'{"test": {"accuracy": "high"}}', "metrics.test.accuracy is str"),
        ("metrics.json", b'{"confusion": [[1], ["a"]]}', r"metrics.confusion\[1\]\[0\] is str"),
        ("data.json", b'{"classes": [1]}', r"data.classes\[0\] is int, not str"),
        ("layers.json", b'{"rows": {}}', "layers.rows is dict, not list"),
        ("activations.npz", b"nothing", "not a zip file"),
    ],
)
def test_damage_is_named(folder: Path, part: str, content: bytes, said: str) -> None:
    (folder / part).write_bytes(content)
    with pytest.raises(RunError, match=said) as caught:
        read_record(folder)
    assert f"{folder / part} is damaged" in str(caught.value)


def test_the_remedy_works(folder: Path) -> None:
    (folder / "metrics.json").write_text("{")
    with pytest.raises(RunError, match="delete it and the report is drawn without it"):
        read_record(folder)
    (folder / "metrics.json").unlink()
    assert read_record(folder).metrics is None


def test_a_pickle_is_never_executed(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[Path]]:
            return Path.touch, (tmp_path / "sprung",)

    np.savez(folder / "activations.npz", steps=np.array([Trap()], object))
    with pytest.raises(RunError, match="allow_pickle=False"):
        read_record(folder)
    (folder / "predictions.npz").write_bytes(pickle.dumps(1))
    (folder / "activations.npz").unlink()
    with pytest.raises(RunError, match="not a zip file"):
        read_record(folder)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mean": np.zeros((5, 7), int)}, r"mean is int64 of \(5, 7\)"),
        ({"mean": np.zeros((5, 6), np.float32)}, "but others say l=7"),
        ({"limit": None}, "the array limit is not there"),
        ({"histogram": np.zeros((5, 7), np.float32)}, "histogram is float32"),
    ],
)
def test_arrays_must_agree(folder: Path, changes: dict[str, np.ndarray | None], said: str) -> None:
    with np.load(folder / "activations.npz") as file:
        arrays = {name: file[name] for name in file.files} | changes
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez(folder / "activations.npz", allow_pickle=False, **kept)
    with pytest.raises(RunError, match=said):
        read_record(folder)


def test_what_is_no_run(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nowhere does not exist; a run is a folder"):
        read_record(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"recipe.toml is a file; a run is a folder"):
        read_record(folder / "recipe.toml")
    with pytest.raises(RunError, match=r"is no run: it has no recipe\.toml"):
        read_record(tmp_path)


@pytest.mark.parametrize("text", ["[striate]\nformat = 2\n", "[recipe]\n"])
def test_another_version_is_refused(folder: Path, text: str) -> None:
    (folder / "recipe.toml").write_text(text)
    with pytest.raises(RunError, match="this version reads 1; read it with the version"):
        read_record(folder)


def test_a_damaged_recipe_is_named(folder: Path) -> None:
    (folder / "recipe.toml").write_text("[striate\n")
    with pytest.raises(RunError, match=r"recipe.toml is damaged"):
        read_record(folder)
