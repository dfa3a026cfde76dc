"""The sets that have a name: what they are, which files they consist of, where those lie."""

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate._errors import DownloadError, StorageError
from striate._events import Progress, silent
from striate.files import cache_folder, download

__all__ = ["HALVES", "NAMED", "NamedSet", "SetFile", "fetch", "find"]

HALVES = {"train": "train", "test": "t10k"}  # our word, and the one in the names of the files
_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class SetFile:
    """One IDX file.

    Attributes:
        name: Name of the plain file; packed it is `name.gz`.
        sha256: SHA-256 (hex) of the plain file. What is inside decides, however it is packed.
        packed: SHA-256 of the official `name.gz`, which the mirrors give.
        packed_bytes: Its length.
    """

    name: str
    sha256: str
    packed: str
    packed_bytes: int


@dataclass(frozen=True, kw_only=True)
class NamedSet:
    """A set that `data.load` knows by name; they stand in `named.toml`.

    Attributes:
        name: Its name.
        what: What it shows, in a few words.
        licence: Licence and holder.
        classes: Class names; label k is `classes[k]`.
        flip: Whether a mirrored image is still of its class.
        counts: Images in the training and in the test half.
        files: Its files by name: images and labels of both halves.
        mirrors: Folders on the net, best first, each with every `name.gz`; none if it comes with
            the package.
        folders: Folders on the disk beside the cache where the files may lie.
        members: Whether it is a part of another set, with a file of positions in it for each half.
    """

    name: str
    what: str
    licence: str
    classes: tuple[str, ...]
    flip: bool
    counts: tuple[int, int]
    files: Mapping[str, SetFile]
    mirrors: tuple[str, ...]
    folders: tuple[Path, ...]
    members: bool

    def places(self) -> tuple[Path, ...]:
        """Return the folders to look through, in order; the first is where downloads go."""
        cache = (cache_folder() / "data" / self.name,) if self.mirrors else ()
        return (*cache, *self.folders)


def find(known: NamedSet, name: str) -> Path | None:
    """Return where the file of this name lies, plain or packed; None if nowhere."""
    for place in known.places():
        for path in (place / name, place / f"{name}.gz"):
            with suppress(PermissionError):  # a closed folder holds nothing for this user
                if path.is_file():
                    return path
    return None


def fetch(known: NamedSet, name: str, *, progress: Progress = silent) -> Path:
    """Return where the file of this name lies, downloading it if it is nowhere.

    Raises:
        DownloadError: It is nowhere and cannot be fetched. The text says which files to put where.
        StorageError: It cannot be written.
    """
    path = find(known, name)
    if path is not None:
        return path
    file = known.files[name]
    try:
        return download(
            [f"{mirror}{name}.gz" for mirror in known.mirrors],
            known.places()[0] / f"{name}.gz",
            sha256=file.packed,
            size_cap=file.packed_bytes,
            progress=progress,
        )
    except DownloadError as error:
        others = [f"{other}.gz" for other in known.files if find(known, other) is None]
        others.remove(f"{name}.gz")
        more = f"; {known.name} needs {', '.join(others)} there too" if others else ""
        raise DownloadError(f"{error}{more}") from error
    except StorageError as error:
        raise StorageError(f"{error}: STRIATE_HOME=FOLDER") from error


def _set(name: str, entry: Mapping[str, Any]) -> NamedSet:
    files = {file: SetFile(name=file, **facts) for file, facts in entry["files"].items()}
    return NamedSet(
        name=name,
        what=entry["what"],
        licence=entry["licence"],
        classes=tuple(entry["classes"]),
        flip=entry["flip"],
        counts=(entry["counts"][0], entry["counts"][1]),
        files=files,
        mirrors=tuple(entry["mirrors"]),
        folders=tuple(_HERE / folder for folder in entry["folders"]),
        members=entry["members"],
    )


NAMED: dict[str, NamedSet] = {
    name: _set(name, entry)
    for name, entry in tomllib.loads((_HERE / "named.toml").read_text("utf-8")).items()
}
