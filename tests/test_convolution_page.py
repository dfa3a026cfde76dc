"""Every example of docs/convolution.md runs, and its table of functions is complete."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

from striate import layers, ops
from striate.cli import run

PAGE = Path(__file__).parents[1] / "docs" / "convolution.md"
COMMANDS = re.findall(r"^    (striate .*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)


def test_python() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert tried > 25
    assert failed == 0


def test_the_names_of_the_tables_are_there() -> None:
    text = PAGE.read_text("utf-8")
    for room, heading in ((ops, "## Operations"), (layers, "## Layers")):
        table = text.split(heading)[1].split("\n\n")[1]
        cells = re.findall(r"^\| `([^`]*)` \|", table, flags=re.MULTILINE)
        names = " ".join(cells).split()
        assert len(names) > 8
        assert all(name in room.__all__ for name in names)


def test_the_names_of_the_costs_are_there() -> None:
    table = PAGE.read_text("utf-8").split("### Parameters, multiply-adds")[1].split("\n\n")[1]
    names = " ".join(re.findall(r"^\| `([^`]*)` \|", table, flags=re.MULTILINE)).split()
    assert len(names) == 7
    assert all(name in ops.__all__ for name in names)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shlex.split(command)[1:]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out


def test_the_page_shows_what_its_first_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(COMMANDS) == 5
    assert run(shlex.split(COMMANDS[0])[1:]) == 0
    printed = capsys.readouterr().out.splitlines()
    shown = "".join(f"    {line}\n" if line else "\n" for line in printed)
    assert shown in PAGE.read_text("utf-8")
