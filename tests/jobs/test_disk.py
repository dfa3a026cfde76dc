"""No room on the disk, no permission: one line, no half-written file, and the run goes on later."""

import errno
import resource
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from striate._errors import StorageError
from striate.files import atomic
from striate.runs import Run
from tests.jobs.sample import after, assert_same, fit, image_set, resume


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Let the disk be full for the file of this name; None gives room again."""
    wanted: list[str | None] = [None]
    replace = atomic.replace_durably

    def replace_durably(temporary: Path, path: Path) -> None:
        if path.name == wanted[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(temporary, path)

    monkeypatch.setattr(atomic, "replace_durably", replace_durably)
    return lambda name: wanted.__setitem__(0, name)


# One of each kind of moment; test_resume goes through every file.
FILES = ("recipe.toml", "data.json", "checkpoint.pt", "model.safetensors", "report.html")


def test_wherever_the_room_ends_it_is_said_and_the_run_goes_on_later(
    tiny: str, tmp_path: Path, full: Callable[[str | None], None]
) -> None:
    images = image_set()
    whole = fit(images, tiny, tmp_path / "whole")
    for name in FILES:
        folder = tmp_path / f"full-{name}"
        full(name)
        with pytest.raises(StorageError) as found:
            fit(images, tiny, folder)
        assert str(found.value) == (
            f"cannot write {folder / name}: no room on the disk; free some, or choose another place"
        )
        assert not list(folder.glob("*.part"))
        assert not (folder / name).exists()
        full(None)
        if name == "recipe.toml":
            fit(images, tiny, folder)
        else:
            resume(folder, code=tiny, images=images)
        assert_same(whole.folder, folder)


@contextmanager
def at_most(size: int) -> Generator[None, None, None]:
    """Let no file grow beyond `size` bytes: a write that breaks off in its midst."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 5_000, 100_000, 600_000])
def test_a_checkpoint_that_breaks_off_is_said_and_the_old_one_stays(
    tmp_path: Path, size: int
) -> None:
    """torch reports it as an error of its own, in different words for small and large files."""
    run = Run.create(tmp_path / "run")
    run.save_checkpoint({"old": True})
    with (
        at_most(size),
        pytest.raises(StorageError, match=r"cannot write .*checkpoint.pt: File too large"),
    ):
        run.save_checkpoint({"weights": torch.zeros(100_000), "more": torch.zeros(100_000)})
    assert run.load_checkpoint() == {"old": True}
    assert [path.name for path in run.folder.iterdir()] == ["checkpoint.pt"]


def test_a_mistake_of_torch_s_own_is_no_storage_error(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run")
    with pytest.raises((RuntimeError, AttributeError, TypeError), match=r"pickle|lambda"):
        run.save_checkpoint({"code": lambda: None})
    assert list(run.folder.iterdir()) == []


def test_a_folder_that_vanishes_while_training_is_said(tiny: str, tmp_path: Path) -> None:
    images, folder = image_set(), tmp_path / "run"

    stop = after(2)

    def vanish() -> bool:
        if stop():
            shutil.rmtree(folder)
            return True
        return False

    with pytest.raises(StorageError, match=r"cannot write .*checkpoint.pt: No such file"):
        fit(images, tiny, folder, stop=vanish)
