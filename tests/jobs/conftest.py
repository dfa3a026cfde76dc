"""One folder of pictures and one finished run, shared; whoever changes a run copies it first."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.jobs.sample import after, fit, write_nets, write_photos


@pytest.fixture
def real_report() -> None:
    """For tests that look at the page."""


@pytest.fixture(autouse=True)
def plain_report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no page where a test does not look at it: it takes as long as all the rest of a run."""
    if "real_report" not in request.fixturenames:
        monkeypatch.setattr("striate.report.run_page", lambda _: "<p>")


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


@pytest.fixture(scope="session")
def halves(
    photos: Path, tiny: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], Path]:
    """Runs that were stopped after so many of their steps; not to be changed."""

    @cache
    def make(steps: int) -> Path:
        folder = tmp_path_factory.mktemp("halves") / f"half-{steps}"
        return fit(photos, tiny, folder, stop=after(steps)).folder

    return make


@pytest.fixture
def half(halves: Callable[[int], Path], tmp_path: Path) -> Callable[[int], Path]:
    """Give a copy of a run that was stopped after so many of its steps."""
    return lambda steps: Path(shutil.copytree(halves(steps), tmp_path / f"half-{steps}"))
