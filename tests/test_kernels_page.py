"""Every example of docs/kernels.md runs, and what it says of the list is so."""

import doctest
import shlex
from pathlib import Path

import pytest

from striate.cli import run
from tests.data.files import noise, save

PAGE = Path(__file__).parents[1] / "docs" / "kernels.md"
COMMANDS = [
    shlex.split(line)[1:]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("    striate ")
]


@pytest.fixture(autouse=True)
def _photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "photo.jpg", noise(1, 40, 60))
    for number in range(3):
        save(tmp_path / "photos" / f"{number}.png", noise(number, 40, 30))
    monkeypatch.chdir(tmp_path)


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 10


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    if "--out" in words:
        place = words[words.index("--out") + 1]
        assert all(Path(line).is_file() for line in out.splitlines())
        assert out.startswith(place)


def test_python() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert tried > 15
    assert failed == 0
