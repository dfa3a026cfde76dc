"""Every example of docs/layers.md runs."""

import doctest
import shlex
from pathlib import Path

import pytest

from striate.cli import run
from tests.cli.test_layers import CODE

PAGE = Path(__file__).parents[1] / "docs" / "layers.md"
COMMANDS = [
    shlex.split(line)[1:]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("    striate ")
]


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 6


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "nets.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    assert run(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(("name", "table.csv"))


def test_python() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert tried > 20
    assert failed == 0
