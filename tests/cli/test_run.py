"""What surrounds a command: pipes, closed and full outputs, encodings, an empty environment."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from striate.cli import run as command
from striate.runs import Run
from tests.jobs.sample import undecodable, write_nets, write_photos

STRIATE = (sys.executable, "-m", "striate")


def shell(line: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$STRIATE` is the command."""
    env = {**os.environ, "STRIATE": " ".join(STRIATE), **changes}
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=env)


@pytest.mark.parametrize(
    ("line", "code", "err"),
    [
        ("$STRIATE --help | true; :", 0, ""),  # a reader that closes the pipe at once
        (
            "$STRIATE --version > /dev/full",
            2,
            "error: cannot write the output: no room on the disk\n",
        ),
        ("$STRIATE --version >&-", 0, ""),
        ("$STRIATE trian 2>&-", 2, ""),
        ("$STRIATE trian 2> /dev/full", 2, ""),
    ],
)
def test_outputs_that_are_closed_or_full(line: str, code: int, err: str) -> None:
    done = shell(line)
    assert (done.returncode, done.stderr) == (code, err)


def test_a_broken_pipe_is_no_error_wherever_it_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    dropped: list[bool] = []
    monkeypatch.setattr("striate.cli._drop_output", lambda: dropped.append(True))
    monkeypatch.setattr("striate.cli.text.json.dumps", broken)
    assert command(["data", "--json"]) == 0
    assert dropped == [True]


def test_a_fault_of_ours_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback is a bug, and a bug must be seen."""

    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("striate.cli.text.json.dumps", fault)
    with pytest.raises(ZeroDivisionError):
        command(["data", "--json"])


def test_an_empty_environment(tmp_path: Path) -> None:
    """LC_ALL=C, no home, no terminal, no input, ASCII out; names that are hard to say."""
    names = (undecodable("caf"), "größe", "a b")
    photos = write_photos(tmp_path / "größe", classes=names, each=9)
    code = write_nets(tmp_path)
    home = tmp_path / "home"
    home.write_text("a file where a home should be: nothing can be written below it")
    env = {"LC_ALL": "C", "HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb",
           "PYTHONIOENCODING": "ascii:strict", "OMP_NUM_THREADS": "1"}  # fmt: skip
    words = [*STRIATE, "train", str(photos), "--model", code, "--epochs", "1", "--set",
             "precision=float32", "--set", "batch_size=8", "--out", "run"]  # fmt: skip
    done = subprocess.run(
        words, capture_output=True, env=env, cwd=tmp_path, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rb"epoch 1/1  loss [^\n]+\n", done.stderr)
    assert done.stdout.endswith(b"report     run/report.html\n")
    assert Run(tmp_path / "run").finished
    assert json.loads((tmp_path / "run" / "data.json").read_text())["classes"] == sorted(names)
