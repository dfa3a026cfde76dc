import io
import json
import sys

import pytest

from striate.cli import run
from striate.cli.text import say, say_json


def test_lines_go_where_they_belong(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\ntwo")
    say("oh", error=True)
    assert capsys.readouterr() == ("one\ntwo\n", "oh\n")


def test_what_a_terminal_would_obey_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[31m\rb\tc\x07 größe caf\udce9 \u202e")
    assert capsys.readouterr().out == "a\\x1b[31m\\x0db\\x09c\\x07 größe caf\\xe9 \\u202e\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-16-le"])
def test_any_encoding_will_do(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    say("größe caf\udce9 \U0001f600")
    say_json({"é\udce9": "\x1b"})
    first, second = raw.getvalue().decode(encoding).splitlines()
    assert first.startswith("gr")
    assert json.loads(second) == {"é\udce9": "\x1b"}


@pytest.mark.parametrize(("closed", "other"), [("stdout", "stderr"), ("stderr", "stdout")])
def test_a_closed_output_is_no_error(
    closed: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was to go there goes nowhere: not to the other stream either."""
    heard = io.StringIO()
    monkeypatch.setattr(sys, closed, None)
    monkeypatch.setattr(sys, other, heard)
    say("lost", error=closed == "stderr")
    if closed == "stdout":
        say_json({})
    assert heard.getvalue() == ""
    say("heard", error=other == "stderr")
    assert heard.getvalue() == "heard\n"


def test_a_command_whose_outputs_are_closed_ends_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert run(["--version"]) == 0
    assert run(["report", "no such run"]) == 2


class Full(io.StringIO):
    def write(self, text: str) -> int:  # noqa: ARG002 - as its base says
        raise OSError(28, "No space left on device")


def test_an_output_that_is_full_is_told_and_an_error_that_cannot_be_told_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    with pytest.raises(OSError, match="No space left"):
        say("result")
    say("mistake", error=True)


def test_json_is_ascii_and_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": "größe\n\udce9", "values": [1, 0.5, None, True]}, indent=1)
    text = capsys.readouterr().out
    text.encode("ascii")
    assert json.loads(text) == {"name": "größe\n\udce9", "values": [1, 0.5, None, True]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        say_json({"loss": float("nan")})
