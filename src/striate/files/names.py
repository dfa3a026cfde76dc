"""Names of files as text that a terminal, JSON and a log can take."""

import os
import unicodedata

__all__ = ["printable"]

# Marks that turn the direction of the text behind them: a name could pass for another.
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str | os.PathLike[str]) -> str:
    r"""Return `text` with everything escaped that a terminal would obey or could not encode.

    Control characters and bytes that are not UTF-8 (which Python keeps as lone surrogates) become
    `\xNN`; other lone surrogates, line separators and marks that turn the direction of writing
    become `\uNNNN`. All else, non-ASCII letters included, stays. The result encodes to UTF-8.

    >>> print(printable("caf\udce9 \x1b[31m.png"))
    caf\xe9 \x1b[31m.png
    """
    return "".join(_shown(character) for character in os.fspath(text))


def _shown(character: str) -> str:
    point = ord(character)
    if 0xDC80 <= point <= 0xDCFF:  # PEP 383: the byte point - 0xDC00
        return f"\\x{point - 0xDC00:02x}"
    kind = unicodedata.category(character)
    if kind == "Cc":
        return f"\\x{point:02x}"
    if kind in ("Cs", "Zl", "Zp") or character in _TURNING:
        return f"\\u{point:04x}"
    return character
