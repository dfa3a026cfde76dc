"""The cache folder: where it lies, and that asking for it makes nothing."""

from pathlib import Path

import platformdirs
import pytest

from striate._errors import StorageError
from striate.files import cache_folder


def test_striate_home_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home"
    assert not (tmp_path / "home").exists()


def test_a_relative_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIATE_HOME", "here")
    assert cache_folder() == tmp_path / "here"


@pytest.mark.parametrize("empty", [True, False])
def test_else_the_platforms(monkeypatch: pytest.MonkeyPatch, empty: bool) -> None:
    if empty:
        monkeypatch.setenv("STRIATE_HOME", "")
    else:
        monkeypatch.delenv("STRIATE_HOME", raising=False)
    assert cache_folder() == Path(platformdirs.user_cache_dir("striate"))


def test_an_unknown_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_HOME", "~no-such-user-here/x")
    with pytest.raises(StorageError, match=r"STRIATE_HOME is '~no-such-user-here/x'"):
        cache_folder()
