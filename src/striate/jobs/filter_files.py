"""Where filtered photos go: a picture, a folder of pictures, or raw responses in an npz file."""

import os
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from striate._errors import DataError, ShapeError
from striate.files import atomic_file, make_folder, printable
from striate.jobs.filter_plan import FilterPlan
from striate.jobs.found import FoundFile

__all__ = ["Target", "picture_paths", "save_picture", "target_of", "write_responses"]


@dataclass(frozen=True)
class Target:
    """A place to write to; `kind` is `png`, `folder` or `npz`."""

    kind: str
    path: Path


def target_of(place: str | os.PathLike[str], files: Sequence[FoundFile]) -> Target:
    """Return what kind of place was named.

    Raises:
        DataError: It ends like something that is not written, or it is one of the photos.
    """
    path, ending = Path(place), Path(place).suffix.lower()
    if path.is_dir() or os.fspath(place).endswith(("/", os.sep)) or not ending:
        return Target("folder", path)
    if ending not in (".png", ".npz"):
        raise DataError(
            f"{printable(path)} ends in {printable(ending)}; pictures are .png, raw responses "
            f".npz, and a folder takes a picture a photo: {printable(path.with_suffix('.png'))}"
        )
    _keep_photos([path], files)
    return Target(ending[1:], path)


def picture_paths(folder: Path, files: Sequence[FoundFile]) -> list[Path]:
    """Return a .png below `folder` for each file: its name, sub-folders kept.

    Names that would meet keep their ending: a.jpg and a.png become a.jpg.png and a.png.png.

    Raises:
        DataError: One of them is a photo that is to be read.
    """
    plain = [PurePosixPath(file.name).with_suffix(".png") for file in files]
    uses = Counter(str(name).casefold() for name in plain)
    names = [
        str(name) if uses[str(name).casefold()] == 1 else f"{file.name}.png"
        for name, file in zip(plain, files, strict=True)
    ]
    again = [name for name, count in Counter(names).items() if count > 1]
    if again:
        raise DataError(
            f"two photos are called {printable(again[0][:-4])}; filter them one after the other, "
            "each into its folder"
        )
    paths = [folder / name for name in names]
    _keep_photos(paths, files)
    return paths


def save_picture(path: Path, pixels: np.ndarray) -> None:
    """Write a picture as PNG, whole or not at all; its folder is made.

    Raises:
        StorageError: No room, no permission, or another refusal of the disk.
    """
    make_folder(path.parent)
    with atomic_file(path) as file:
        Image.fromarray(pixels).save(file, "PNG", compress_level=2)


def write_responses(plan: FilterPlan, path: Path) -> None:
    """Write kernels and raw responses as an npz file; one response is in memory at a time.

    The arrays are `photos` and `kernels` (their names), `kernel_K` (weights of kernel K) and
    `response_P_K` (planes, height, width: photo P to kernel K). A response that could not be
    computed, because the photo is too small for the kernel, is not there, and is named in
    `plan.failed`.

    Raises:
        DataError: No photo could be read.
        StorageError: No room, no permission, or another refusal of the disk.
    """
    make_folder(path.parent)
    names: list[str] = []
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for found, photo in plan.photos(plan.size):
            for place, entry in enumerate(plan.filters):
                try:
                    answer = plan.answer(entry, found, photo)
                except ShapeError as error:
                    plan.failed[str(error)] = None
                else:
                    _add(archive, f"response_{len(names)}_{place}", answer)
            names.append(printable(found.name))
        if not names:
            raise plan.nothing()  # inside, so that no file is left behind
        _add(archive, "photos", np.array(names, np.str_))
        _add(archive, "kernels", np.array([entry.name for entry in plan.filters], np.str_))
        for place, entry in enumerate(plan.filters):
            _add(archive, f"kernel_{place}", entry.weights.numpy())


def _add(archive: zipfile.ZipFile, name: str, values: np.ndarray) -> None:
    # A ZipInfo of its own has no date: equal responses are equal bytes.
    with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, values, allow_pickle=False)


def _keep_photos(paths: Sequence[Path], files: Sequence[FoundFile]) -> None:
    """Refuse to write over a photo that is to be read."""
    photos = {file.path.resolve(): file.path for file in files}
    for path in paths:
        if (photo := photos.get(path.resolve())) is not None:
            raise DataError(
                f"{printable(path)} is the photo {printable(photo)} itself; choose another place"
            )
