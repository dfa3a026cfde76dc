import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest

from striate._errors import RunError, StorageError
from striate.runs import Run
from tests.jobs.sample import (
    after,
    assert_same,
    fit,
    resume,
    state,
    write_photos,
)

# Damage.


def test_what_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "photo.png").touch()
    for name, why in (
        ("none", "none does not exist; --resume takes the folder of a run"),
        ("a.txt", "a.txt is a file; --resume takes the folder of a run"),
        ("folder", r"folder is no run: it has no recipe.toml; if it was killed before its first"),
    ):
        with pytest.raises(RunError, match=why):
            resume(tmp_path / name)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["photo.png"]


@pytest.mark.parametrize("raw", [b"", b"\x00" * 40, b"half"])
@pytest.mark.parametrize("name", ["recipe.toml", "data.json", "environment.json", "checkpoint.pt"])
def test_a_damaged_file_is_named(
    half: Callable[[int], Path], tiny: str, name: str, raw: bytes
) -> None:
    """Those that are read; all others are written anew."""
    folder = half(1)
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if raw == b"half" else raw)
    if name == "recipe.toml" and raw == b"":
        why = r"recipe.toml has format None, but this version reads 1"
    elif name == "recipe.toml" and raw == b"half":
        why = r"recipe.toml is damaged"
    else:
        why = rf"{name} is damaged \("
    with pytest.raises(RunError, match=why) as found:
        resume(folder, code=tiny)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 500


def test_damage_in_what_is_written_anew_does_not_matter(
    finished: Path, half: Callable[[int], Path], tiny: str
) -> None:
    folder = half(4)
    for name in ("history.csv", "steps.csv", "timings.csv", "metrics.json", "model.safetensors",
                 "layers.json", "activations.npz", "predictions.npz", "pictures.npz",
                 "report.html"):  # fmt: skip
        (folder / name).write_bytes(b"\xff" * 50)
    resume(folder, code=tiny)
    assert_same(finished, folder)


def test_a_run_of_another_version_is_refused(half: Callable[[int], Path], tiny: str) -> None:
    folder = half(1)
    path = folder / "recipe.toml"
    path.write_text(path.read_text().replace("format = 1", "format = 2"))
    with pytest.raises(RunError, match=r"recipe.toml has format 2, but this version reads 1; read"):
        resume(folder, code=tiny)
    path.write_text(path.read_text().replace("format = 2", "format = 1"))
    checkpoint = Run(folder).load_checkpoint()
    assert checkpoint is not None
    Run(folder).save_checkpoint({**checkpoint, "format": 2})
    with pytest.raises(RunError, match=r"checkpoint.pt has format 2, but this version reads 1; de"):
        resume(folder, code=tiny)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("epochs = 0", "epochs is 0, but must lie in"),
        ("epohcs = 3", "has no field 'epohcs'; did you mean epochs"),
        ('epochs = "many"', "epochs is 'many', but must be of type int"),
    ],
)
def test_a_field_of_the_recipe_that_is_wrong(
    half: Callable[[int], Path], tiny: str, line: str, why: str
) -> None:
    folder = half(1)
    path = folder / "recipe.toml"
    path.write_text(path.read_text().replace("epochs = 2", line))
    with pytest.raises(RunError, match=rf"recipe.toml is damaged, or of another version: .*{why}"):
        resume(folder, code=tiny)


@pytest.mark.parametrize("line", ["sise = 128", 'size = "large"'])
def test_an_option_of_the_data_that_is_wrong(
    half: Callable[[int], Path], tiny: str, line: str
) -> None:
    folder = half(1)
    path = folder / "recipe.toml"
    path.write_text(path.read_text().replace("size = 128", line))
    with pytest.raises(RunError, match=r"recipe.toml has an option in \[data\] that does not fit"):
        resume(folder, code=tiny)


@pytest.mark.parametrize(
    "changes",
    [
        {"clock": None}, {"clock": {}}, {"surroundings": None}, {"network": None},
        {"optimizer": {}}, {"optimizer": 3}, {"statistics": 3}, {"best": 3},
        {"best": {"weights": 3}}, {"log": {}}, {"log": {"steps": 1, "epochs": 1, "timings": 1}},
        {"marked": "a"}, {"clock": {"before": 1.0, "epoch": "x"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_checkpoint_that_is_wrong_inside_is_one_line(
    half: Callable[[int], Path], tiny: str, changes: dict[str, Any]
) -> None:
    folder = half(1)
    checkpoint = Run(folder).load_checkpoint()
    assert checkpoint is not None
    Run(folder).save_checkpoint({**checkpoint, **changes})
    with pytest.raises(RunError, match="checkpoint"):
        resume(folder, code=tiny)


def test_a_folder_that_cannot_be_written_is_said(
    half: Callable[[int], Path], tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    folder = half(1)
    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(StorageError, match=r"cannot lock .*: no permission; choose a place"):
        resume(folder, code=tiny)


def test_a_finished_run_in_a_folder_that_cannot_be_written_is_no_error(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    for name in ("fsync", "replace"):  # of whatever is written, at least one is called
        monkeypatch.setattr(f"os.{name}", refuse)
    before = state(run)
    assert resume(run).finished
    assert state(run) == before


def test_names_that_are_not_utf_8_go_through_a_resume(tiny: str, tmp_path: Path) -> None:
    from tests.jobs.sample import undecodable

    names = (undecodable("caf"), "a\nb", "größe \x1b[31m")
    photos = write_photos(tmp_path / undecodable("photos"), classes=names)
    whole = fit(photos, tiny, tmp_path / "whole", load={"classes": names})
    part = fit(photos, tiny, tmp_path / undecodable("part"), load={"classes": names}, stop=after(2))
    resume(part.folder, code=tiny)
    assert_same(whole.folder, part.folder)
    assert json.loads((part.folder / "data.json").read_text("ascii"))["classes"] == list(names)
