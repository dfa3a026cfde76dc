"""Lines for a terminal, a pipe, or a machine, in whatever encoding they take."""

import json
import sys
from typing import Any

from striate.files import printable

__all__ = ["say", "say_json"]


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


def say_json(value: Any, *, indent: int | None = None) -> None:
    r"""Print a value as JSON in ASCII; bytes of names that are not UTF-8 appear as \udcNN."""
    print(json.dumps(value, indent=indent, ensure_ascii=True, allow_nan=False))
