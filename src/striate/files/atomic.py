"""Files that are there whole or not at all, whatever happens to the process or the power."""

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from striate._errors import StorageError
from striate.files.names import printable

__all__ = [
    "atomic_file",
    "make_folder",
    "replace_durably",
    "storage_error",
    "write_bytes",
    "write_text",
]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)
# A file system that cannot flush a folder says so with one of these; the rename is still atomic.
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Generator[IO[bytes], None, None]:
    """Give a binary file that takes the place of `path` when the block ends well.

    The bytes go into a temporary file of the same folder, are flushed to the disk, and then
    renamed, and the folder is flushed. A reader sees the old file or the new one. If the block
    raises, the old file stays and the temporary one is removed.

    Raises:
        StorageError: No room, no permission, or another refusal of the disk.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_file(folder / "a.bin") as file:
    ...     _ = file.write(b"whole")
    >>> (folder / "a.bin").read_bytes(), len(list(folder.iterdir()))
    (b'whole', 1)
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        # Not mkstemp: that would make every file private (0600) whatever the user's umask says.
        with os.fdopen(os.open(temporary, _NEW, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        replace_durably(temporary, path)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise storage_error("write", path, error) from error
    finally:
        with suppress(OSError):  # renamed already, or never made
            temporary.unlink()


def write_bytes(path: str | os.PathLike[str], data: bytes | bytearray | memoryview) -> None:
    """Write `data` to `path` atomically and durably; see `atomic_file`."""
    with atomic_file(path) as file:
        file.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, newlines as they are, atomically and durably; see `atomic_file`."""
    write_bytes(path, text.encode())


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make the folder and those above it, unless it is there; return it.

    Raises:
        StorageError: It cannot be made, or a file is in its place.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error("make the folder", path, error) from error
    return path


def replace_durably(temporary: Path, path: Path) -> None:
    """Rename a flushed file to `path` and flush the folder, so that the name survives too."""
    os.replace(temporary, path)  # noqa: PTH105 - says "replace", on Windows too
    if os.name == "nt":  # a folder cannot be opened there; NTFS journals the rename
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(folder)


def storage_error(deed: str, path: Path, error: OSError) -> StorageError:
    """Return the StorageError that says why `deed` on `path` failed, and what to do."""
    shown = printable(path)
    if error.errno in _NO_ROOM:
        text = f"cannot {deed} {shown}: no room on the disk; free some, or choose another place"
    elif error.errno in _NO_PERMISSION:
        text = f"cannot {deed} {shown}: no permission; choose a place that you may write to"
    else:
        text = f"cannot {deed} {shown}: {error.strerror or error}"
    return StorageError(text)
