"""Text that UTF-8 cannot hold (names with undecodable bytes), written as text that it can.

TOML is UTF-8, but a path on Linux is any bytes; Python keeps those that are not UTF-8 as lone
surrogates.
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes

__all__ = ["quoted", "unquoted"]

_MARK = "bytes:"
_ERRORS = "surrogatepass" if os.name == "nt" else "surrogateescape"  # as the system's names are


def quoted(value: Any) -> Any:
    r"""Return `value` with every text in it encodable: as it is, or percent-quoted behind `bytes:`.

    Lists and tables are gone through; `unquoted` is the way back.

    >>> quoted({"source": "photos", "classes": ["caf\udce9"]})
    {'source': 'photos', 'classes': ['bytes:caf%E9']}
    """
    if isinstance(value, Mapping):
        return {key: quoted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [quoted(inner) for inner in value]
    if isinstance(value, str) and (value.startswith(_MARK) or not _encodable(value)):
        return _MARK + quote(value.encode("utf-8", _ERRORS))
    return value


def unquoted(value: Any) -> Any:
    r"""Return what `quoted` was given.

    >>> unquoted(quoted("caf\udce9")) == "caf\udce9"
    True
    """
    if isinstance(value, Mapping):
        return {key: unquoted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unquoted(inner) for inner in value]
    if isinstance(value, str) and value.startswith(_MARK):
        return unquote_to_bytes(value[len(_MARK) :]).decode("utf-8", _ERRORS)
    return value


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
