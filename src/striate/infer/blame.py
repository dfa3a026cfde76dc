"""Mistakes in code of the user's, said in one line in place of a traceback through ours."""

import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import torch

from striate._errors import NetworkError, StriateError
from striate.files import printable

__all__ = ["blamed", "reason"]

_OURS = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))
_LONGEST = 300  # characters


@contextmanager
def blamed(what: str) -> Generator[None, None, None]:
    """Turn whatever a network raises in the block into a NetworkError that begins with `what`.

    >>> with blamed("the network failed at step 3"):
    ...     {}["width"]
    Traceback (most recent call last):
    striate._errors.NetworkError: the network failed at step 3: KeyError: 'width'
    """
    try:
        yield
    except StriateError:
        raise
    except Exception as error:
        raise NetworkError(f"{what}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Return kind and text of an error in one line, and the last place in the user's own files."""
    text = printable(" ".join(str(error).split()))[:_LONGEST]
    kind = "" if type(error) is RuntimeError and text else type(error).__name__
    places = [
        f" ({printable(Path(frame.filename).name)}, line {frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((*_OURS, "<"))
    ]
    return ": ".join(word for word in (kind, text) if word) + (places[-1] if places else "")
