import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
import tomli_w
import torch
from PIL import Image

from striate._errors import DataError, NetworkError, RunError, StorageError
from striate.data import ImageSet
from striate.runs import Run
from tests.jobs.sample import (
    after,
    assert_same,
    fit,
    image_set,
    picture,
    resume,
    state,
    write_photos,
)

# What is refused.


def test_another_process_on_the_same_run_is_kept_out(
    half: Callable[[int], Path], tiny: str
) -> None:
    folder = half(1)
    before = state(folder)
    held = subprocess.Popen(  # another process indeed: its lock is of another kind than a thread's
        [sys.executable, "-c", "import sys, filelock\n"
         "with filelock.FileLock(sys.argv[1]):\n    print('held', flush=True); sys.stdin.read()",
         str(folder / ".lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with held:
        assert held.stdout is not None
        assert held.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match=r"another process is working on .*; wait until it ends"):
            resume(folder, code=tiny)
        assert state(folder) == before
        held.communicate()
    with filelock.FileLock(folder / ".lock"), pytest.raises(RunError, match="another process"):
        resume(folder, code=tiny)


def test_changed_data_is_refused(tiny: str, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    folder = fit(photos, tiny, tmp_path / "run", stop=after(1)).folder
    before = state(folder)
    file = photos / "disc" / "03.png"
    kept = file.read_bytes()
    Image.fromarray(picture(1, np.random.default_rng(99))).save(file)
    for _ in range(2):
        with pytest.raises(RunError, match=r"the data has changed since .* was begun, so"):
            resume(folder, code=tiny)
        (folder / "checkpoint.pt").unlink(missing_ok=True)  # before the first checkpoint as well
    assert set(before) - set(state(folder)) == {"checkpoint.pt"}
    file.write_bytes(kept)
    resume(folder, code=tiny)
    assert Run(folder).finished


def test_data_that_is_gone_is_refused(tiny: str, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    folder = fit(photos, tiny, tmp_path / "run", stop=after(1)).folder
    photos.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"no data set and no folder .*photos"):
        resume(folder, code=tiny)


def test_a_checkpoint_of_other_data_is_refused(tiny: str, tmp_path: Path) -> None:
    images = image_set()
    folder = fit(images, tiny, tmp_path / "run", stop=after(1)).folder
    other = fit(image_set(each=11), tiny, tmp_path / "other", stop=after(1)).folder
    shutil.copy(other / "checkpoint.pt", folder)
    with pytest.raises(RunError, match="the data has changed since the checkpoint was made"):
        resume(folder, code=tiny, images=images)


def test_a_checkpoint_of_another_recipe_or_network_is_refused(tiny: str, tmp_path: Path) -> None:
    images = image_set()
    folder = fit(images, tiny, tmp_path / "run", stop=after(1)).folder
    other = fit(images, tiny, tmp_path / "other", stop=after(1), momentum=0.9).folder
    kept = (folder / "checkpoint.pt").read_bytes()
    shutil.copy(other / "checkpoint.pt", folder)
    with pytest.raises(RunError, match=r"of another recipe than recipe.toml; restore"):
        resume(folder, code=tiny, images=images)
    (folder / "checkpoint.pt").write_bytes(kept)
    (tmp_path / "wide.py").write_text(
        "from torch import nn\ndef make():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(432, 3))\n"
    )
    with pytest.raises(RunError, match="the checkpoint does not fit this run") as found:
        resume(folder, code=f"{tmp_path / 'wide.py'}:make", images=images)
    assert "\n" not in str(found.value)


def test_a_network_of_code_must_be_named_again(half: Callable[[int], Path], tiny: str) -> None:
    folder = half(1)
    with pytest.raises(RunError, match=r"needs code, .*nets.py:tiny, which is not run unasked; if"):
        resume(folder)
    for code in ("nets.py", "resnet18"):
        with pytest.raises(NetworkError, match=f"code is '{code}', but must be file.py:function"):
            resume(folder, code=code)


def test_a_recipe_that_hides_that_it_names_code_does_not_get_it_run(
    half: Callable[[int], Path], tmp_path: Path
) -> None:
    folder = half(1)
    trap = tmp_path / "trap"
    (tmp_path / "evil.py").write_text(f"open({str(trap)!r}, 'w')\ndef make(): ...\n")
    recipe = (folder / "recipe.toml").read_text()
    network = {"network": {"name": f"{tmp_path / 'evil.py'}:make", "code": False, "options": {}}}
    head, _, tail = recipe.partition("[network]")
    tail = tail.partition("[recipe]")[2]
    (folder / "recipe.toml").write_text(head + tomli_w.dumps(network) + "[recipe]" + tail)
    with pytest.raises(RunError, match="which is not run unasked"):
        resume(folder)
    assert not trap.exists()


def test_code_where_none_is_needed(tmp_path: Path) -> None:
    images = image_set(classes=tuple("abcdefghij"), each=2, test=1)
    grey = replace_channels(images)
    folder = fit(grey, "ten_digits", tmp_path / "run", stop=after(1), batch_size=4).folder
    with pytest.raises(RunError, match="is of ten_digits, and needs no code"):
        resume(folder, code="nets.py:make", images=grey)
    resume(folder, images=grey)
    assert Run(folder).finished


def replace_channels(images: ImageSet) -> ImageSet:
    """Return the images grey, as a set of its own."""
    from striate.data.sealing import seal

    splits = {
        name: replace(split, images=split.images[:, :1].repeat_interleave(2, 2)
                      .repeat_interleave(2, 3).contiguous())
        for name, split in images.splits.items()
    }  # fmt: skip
    return seal(
        name="grey", source="nowhere", options={}, classes=images.classes, splits=splits, files={},
        doctor={}, split_rule="made up",
    )  # fmt: skip


def test_a_module_of_the_users_is_given_again(tmp_path: Path) -> None:
    def network() -> torch.nn.Module:
        torch.manual_seed(1)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(432, 3))

    images = image_set()
    whole = fit(images, network(), tmp_path / "whole")
    part = fit(images, network(), tmp_path / "part", stop=after(2))
    with pytest.raises(RunError, match="trained a module Sequential; resume it in Python: stri"):
        resume(part.folder, images=images)
    resume(part.folder, images=images, network=network())
    assert_same(whole.folder, part.folder)


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
    resume(run)


def test_names_that_are_not_utf_8_go_through_a_resume(tiny: str, tmp_path: Path) -> None:
    from tests.jobs.sample import undecodable

    names = (undecodable("caf"), "a\nb", "größe \x1b[31m")
    photos = write_photos(tmp_path / undecodable("photos"), classes=names)
    whole = fit(photos, tiny, tmp_path / "whole", load={"classes": names})
    part = fit(photos, tiny, tmp_path / undecodable("part"), load={"classes": names}, stop=after(2))
    resume(part.folder, code=tiny)
    assert_same(whole.folder, part.folder)
    assert json.loads((part.folder / "data.json").read_text("ascii"))["classes"] == list(names)
