"""Every example of docs/step.md runs, and what it prints is what it says."""

import doctest
import shlex
from pathlib import Path

import pytest

from striate.cli import run
from tests.data.files import noise, save

PAGE = Path(__file__).parents[1] / "docs" / "step.md"
TEXT = PAGE.read_text("utf-8")
COMMANDS = [shlex.split(line)[1:] for line in TEXT.splitlines() if line.startswith("    striate ")]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "photo.jpg", noise(1, 40, 60))
    (tmp_path / "grid.csv").write_text("1,2,3,4\n5,6,7,8\n9,10,11,12\n")
    monkeypatch.chdir(tmp_path)


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 10


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out
    for option in ("--out", "--animate"):
        if option in words:
            place = Path(words[words.index(option) + 1])
            assert str(place) in out.splitlines()
            assert place.stat().st_size > 1000


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(COMMANDS[1]) == 0
    shown = TEXT.split("seven cells a side.\n\n")[1].split("\n\n| what")[0]
    assert capsys.readouterr().out == "\n".join(line[4:] for line in shown.splitlines()) + "\n"


def test_python() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert tried > 25
    assert failed == 0
