import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import filelock
import numpy as np
import pytest
import tomli_w
import torch
from PIL import Image

from striate._errors import DataError, NetworkError, RunError
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
