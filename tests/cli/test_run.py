"""Outputs that are closed or full, and faults; tests/jobs/test_kill.py has more."""

import os
import subprocess
import sys

import pytest

from striate.cli import run as command

STRIATE = (sys.executable, "-m", "striate")


def shell(line: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$STRIATE` is the command."""
    env = {**os.environ, "STRIATE": " ".join(STRIATE), "PYTHONUNBUFFERED": "", **changes}
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

    dropped: list[object] = []
    monkeypatch.setattr("striate.cli._drop", dropped.append)
    monkeypatch.setattr("striate.cli.text.json.dumps", broken)
    assert command(["data", "--json"]) == 0
    assert dropped == [sys.stdout]


def test_a_fault_of_ours_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback is a bug, and a bug must be seen."""

    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("striate.cli.text.json.dumps", fault)
    with pytest.raises(ZeroDivisionError):
        command(["data", "--json"])
