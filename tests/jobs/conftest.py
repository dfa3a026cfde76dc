"""One folder of pictures and one finished run, shared; whoever changes a run copies it first."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.jobs.sample import fit, write_nets, write_photos


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("data") / "photos")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The user's smallest network, `file.py:function`."""
    return write_nets(tmp_path_factory.mktemp("code"))


@pytest.fixture(scope="session")
def finished(photos: Path, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `tiny` on `photos`; not to be changed."""
    return fit(photos, tiny, tmp_path_factory.mktemp("finished") / "run").folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def half(photos: Path, tiny: str, tmp_path: Path) -> Callable[[int], Path]:
    """Make a run that was stopped after so many of its steps."""
    from tests.jobs.sample import after

    def make(steps: int) -> Path:
        return fit(photos, tiny, tmp_path / f"half-{steps}", stop=after(steps)).folder

    return make
