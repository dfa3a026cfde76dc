"""Lines for a terminal, a pipe, or a machine, in whatever encoding they take."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from striate.files import printable

__all__ = ["StyledLine", "say", "say_json", "say_styled"]

StyledLine = Sequence[tuple[str, str]]
"""Pieces of a line, each with its style: "", "bold" or "dim"."""


def say(text: str, *, error: bool = False) -> None:
    """Print lines to standard output, or standard error; control characters are escaped."""
    stream = sys.stderr if error else sys.stdout
    if stream is None:  # closed by whoever started this process
        return
    encoding = stream.encoding or "ascii"
    for line in text.split("\n"):
        shown = printable(line).encode(encoding, "backslashreplace").decode(encoding)
        try:
            print(shown, file=stream)
        except OSError:
            if not error:
                raise
            # Nobody can be told that nobody can be told; the exit code still says it.


def say_styled(line: StyledLine) -> None:
    """Print a line to standard output: styled on a terminal, plain in a pipe or a file."""
    if sys.stdout is None or not sys.stdout.isatty():
        say("".join(text for text, _ in line).rstrip())
        return
    from rich.console import Console
    from rich.text import Text

    # Soft wrap: a line longer than the terminal is wide stays one line, to be copied whole.
    shown = Text.assemble(*((printable(text), style) for text, style in line))
    Console(highlight=False).print(shown, soft_wrap=True)


def say_json(value: Any, *, indent: int | None = None) -> None:
    r"""Print a value as JSON in ASCII; bytes of names that are not UTF-8 appear as \udcNN."""
    print(json.dumps(value, indent=indent, ensure_ascii=True, allow_nan=False))
