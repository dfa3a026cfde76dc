"""Image files that a user names: one by one, or folders of them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from striate._errors import DataError
from striate._events import Progress, Said
from striate.data.walking import Walk
from striate.files import printable

__all__ = ["FoundFile", "find_images"]


@dataclass(frozen=True)
class FoundFile:
    """A file and how its user would call it.

    Attributes:
        path: Where it lies.
        name: Relative to the folder that was named, `/` between folders; else the file's own name.
    """

    path: Path
    name: str


def find_images(paths: Sequence[str | os.PathLike[str]], *, progress: Progress) -> list[FoundFile]:
    """Return the files that are named, and all images below the folders that are, in order.

    Args:
        paths: Files and folders.
        progress: Told what is left out of a folder.

    Raises:
        DataError: There is no such path, or a folder holds no images.
    """
    return [file for path in paths for file in _files(Path(path), progress)]


def _files(path: Path, progress: Progress) -> list[FoundFile]:
    try:
        folder, there = path.is_dir(), path.exists()
    except (OSError, ValueError):  # a name that no file can have; a folder that is closed
        folder = there = False
    if folder:
        walk = Walk(path)
        for warning in walk.warnings:
            progress(Said(text=f"{printable(path)}: {warning}", warning=True))
        if not walk.files:
            raise DataError(f"{printable(path)} holds no images")
        return [FoundFile(path / name, name) for name in walk.files]
    if not there:
        raise DataError(f"there is no file or folder {printable(path)}")
    return [FoundFile(path, path.name)]
