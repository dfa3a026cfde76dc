"""The command line in this process: arguments in, exit code and both outputs back."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from striate.cli import run as command
from tests.jobs.conftest import (
    finished,
    half,
    halves,
    photos,
    plain_report,
    real_report,
    run,
    tiny,
)

__all__ = ["finished", "half", "halves", "photos", "plain_report", "real_report", "run", "tiny"]


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    def refused(self, *words: str) -> bool:
        """Whether it was refused as a user's mistake is: code 2, one or two lines, these words."""
        lines = self.err.splitlines()
        if lines and lines[0].startswith("run "):  # a run that had begun was named first
            lines = lines[1:]
        assert self.code == 2, self
        assert self.out == "", self
        assert 1 <= len(lines) <= 2, self
        assert lines[0].startswith("error: "), self
        assert "Traceback" not in self.err, self
        for word in words:
            assert word in self.err, (word, self.err)
        return True


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*arguments: str | os.PathLike[str]) -> Outcome:
        capsys.readouterr()
        code = command([os.fspath(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call


@pytest.fixture
def fast(tiny: str, tmp_path: Path) -> list[str]:
    """Options that make a run of a moment."""
    return ["--model", tiny, "--epochs", "1", "--set", "precision=float32", "--set", "batch_size=8",
            "--set", "statistics=2", "--out", str(tmp_path / "run")]  # fmt: skip
