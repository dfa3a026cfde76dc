"""What sets there are, and where they lie."""

from dataclasses import dataclass
from pathlib import Path

from striate.data.named import NAMED, NamedSet, find

__all__ = ["KnownSet", "known"]


@dataclass(frozen=True, kw_only=True)
class KnownSet:
    """One row of `striate data`.

    Attributes:
        name: What `data.load` takes.
        what: What it shows, in a few words.
        licence: Licence and holder.
        images: Number of images in both halves.
        where: Folder of its files; None while one of them is missing and `load` would fetch it.
        put: Folder into which missing files may be put by hand; `where` if none is missing.
        bytes: Bytes on the disk, or to be downloaded.
    """

    name: str
    what: str
    licence: str
    images: int
    where: Path | None
    put: Path
    bytes: int


def known() -> list[KnownSet]:
    """Return every named set; nothing is read but the folders, and nothing is fetched.

    >>> [row.name for row in known()]
    ['fashion-mini', 'fashion-mnist', 'mnist']
    """
    return [_row(entry) for entry in NAMED.values()]


def _row(entry: NamedSet) -> KnownSet:
    found = [find(entry, name) for name in entry.files]
    paths = [path for path in found if path is not None]
    complete = len(paths) == len(found)
    where = paths[0].parent if complete else None
    lying = sum(path.stat().st_size for path in paths)
    missing = [file for file, path in zip(entry.files.values(), found, strict=True) if not path]
    return KnownSet(
        name=entry.name,
        what=entry.what,
        licence=entry.licence,
        images=sum(entry.counts),
        where=where,
        put=where or entry.places()[0],
        bytes=lying if complete else sum(file.packed_bytes for file in missing),
    )
