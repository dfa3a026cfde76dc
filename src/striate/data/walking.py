"""All image files below a folder, by name: hidden files aside, links followed, circles ended."""

import os
import re
import stat
from collections import Counter, deque
from pathlib import Path

from striate._errors import DataError
from striate.data.opening import signature
from striate.data.wording import counted
from striate.files import printable

__all__ = ["Walk"]

# Images of formats that are not read count too, so that they are named and not overlooked.
_IMAGE = re.compile(
    r"\.(jpe?g|jpe|jfif|mpo|a?png|webp|bmp|dib|gif|tiff?"
    r"|hei[cf]|avif|jxl|jp2|j2k|svg|ico|psd|tga|p[bgnp]m|pcx|eps|exr|hdr"
    r"|dng|cr[23]|nef|arw|raf|orf|rw2)$",
    re.IGNORECASE,
)
_SYSTEM = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})


class Walk:
    """What lies below `root`, read when made.

    A folder is read once, by whatever name it is reached first, folders before links to folders:
    so links in a circle end. A link to a folder around `root` is not followed.

    Attributes:
        files: Names of image files (by extension, else by their first bytes), relative to `root`,
            `/` between folders, sorted by their bytes.
        folders: Names of all folders, in the same way.
        warnings: Links not followed, folders that cannot be read, files that are no images.

    Raises:
        DataError: `root` is no folder, or cannot be read.
    """

    def __init__(self, root: Path) -> None:
        if not root.exists():
            raise DataError(f"{printable(root)} does not exist; a folder of images must")
        if not root.is_dir():
            raise DataError(f"{printable(root)} is a file; it must be a folder of images")
        self._root = root
        self._around = [folder.stat() for folder in root.resolve().parents]
        self._read_once: set[tuple[int, int]] = set()
        self._folders: deque[str] = deque([""])
        self._links: deque[str] = deque()
        self._others: Counter[str] = Counter()
        self.files: list[str] = []
        self.folders: list[str] = []
        self.warnings: list[str] = []
        while self._folders or self._links:
            self._visit(self._folders.popleft() if self._folders else self._links.popleft())
        self.files.sort(key=os.fsencode)
        self.folders.sort(key=os.fsencode)
        if self._others:
            kinds = ", ".join(printable(kind) for kind, _ in self._others.most_common(5))
            n = self._others.total()
            are = (
                "is left out, as it is no image"
                if n == 1
                else "are left out, as they are no images"
            )
            self.warnings.append(f"{counted(n, 'file')} {are} ({kinds})")

    def _visit(self, name: str) -> None:
        folder = self._root / name
        try:
            facts = folder.stat()
            if any(os.path.samestat(facts, outer) for outer in self._around):
                self._warn(name, "a link to a folder around this one; not followed")
                return
            if (facts.st_dev, facts.st_ino) in self._read_once:
                self._warn(name, "a link to a folder that is already read; not followed")
                return
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            if not name:
                raise DataError(f"{printable(folder)} cannot be read: {error.strerror}") from error
            self._warn(name, f"the folder cannot be read: {error.strerror}")
            return
        self._read_once.add((facts.st_dev, facts.st_ino))
        if name:
            self.folders.append(name)
        for entry in entries:
            if not (entry.name.startswith(".") or entry.name.lower() in _SYSTEM):
                self._take(entry, f"{name}/{entry.name}" if name else entry.name)

    def _take(self, entry: os.DirEntry[str], name: str) -> None:
        try:
            mode = entry.stat().st_mode
        except OSError:
            mode = 0  # a link that leads nowhere, or in a circle
        if stat.S_ISDIR(mode):
            (self._links if entry.is_symlink() else self._folders).append(name)
        elif _IMAGE.search(name) or (
            stat.S_ISREG(mode) and _begins_like_an_image(Path(entry.path))
        ):
            self.files.append(name)
        elif mode == 0:
            self._warn(name, "a link that leads nowhere or in a circle")
        else:
            self._others[Path(name).suffix.lower() or "no extension"] += 1

    def _warn(self, name: str, what: str) -> None:
        self.warnings.append(f"{printable(name)}: {what}")


def _begins_like_an_image(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return signature(file.read(16)) is not None
    except OSError:
        return False  # counted with the files that are no images
