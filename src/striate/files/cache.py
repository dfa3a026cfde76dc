"""Where downloads lie."""

import os
from pathlib import Path

import platformdirs

from striate._errors import StorageError

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return the folder of everything that can be fetched again; it need not exist yet.

    It is `$STRIATE_HOME`, else what the platform uses (`~/.cache/striate` on Linux). Whoever
    writes into it makes it (`make_folder`), so that a read-only home stops nobody who only reads.

    Raises:
        StorageError: `STRIATE_HOME` begins with `~` and there is no such user.
    """
    chosen = os.environ.get("STRIATE_HOME", "")
    if not chosen:
        return platformdirs.user_cache_path("striate")
    try:
        return Path(chosen).expanduser().absolute()
    except RuntimeError as error:
        raise StorageError(f"STRIATE_HOME is {chosen!r}: {error}") from error
