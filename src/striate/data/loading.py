"""The one door to all data: a set's name or a folder of images becomes an ImageSet."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

from striate._errors import DataError
from striate._events import Progress, silent
from striate.data.image_set import ImageSet
from striate.data.named import NAMED
from striate.data.options import FRACTION, Options
from striate.files import printable

__all__ = ["load"]


def load(
    name_or_path: str | os.PathLike[str],
    *,
    size: int = 128,
    classes: Sequence[str] | None = None,
    per_class: int | None = None,
    validation: float | None = None,
    seed: int = 0,
    channels: int | None = None,
    progress: Progress = silent,
) -> ImageSet:
    """Return a named set, or the images of a folder with one sub-folder a class.

    A name wins over a folder of the same name: `./mnist` is the folder. A `Path` is always a path.

    Args:
        name_or_path: A name (`striate.data.known()` lists them), or a folder laid out as
            `class/*.jpg` or `{train,valid,test}/class/*`.
        size: Side in pixels to which a folder's images are brought; smaller ones stay as they
            are. Images of named sets have their own size and must fit in it.
        classes: Names of the classes to keep; None keeps all.
        per_class: At most so many images a class, drawn at random, in each half that the source
            has; None keeps all.
        validation: Share of the training half that validation gets, where the source has no such
            part; None for 0.1, at most 5,000 images.
        seed: Decides every draw. The same arguments give the same images everywhere.
        channels: 1 for grey, 3 for colour; None for what the images are.
        progress: Gets events of downloading and decoding.

    Raises:
        DataError: Nothing is known by this name and there is no such folder; or a file is damaged,
            or an argument out of range.
        DownloadError: A named set is not on the disk and cannot be fetched.

    >>> images = load("fashion-mini", classes=["Bag", "Coat"], per_class=50)
    >>> {name: len(images[name]) for name in images}
    {'train': 90, 'validation': 10, 'test': 100}
    """
    options = Options(
        size=size, classes=classes, per_class=per_class, seed=seed, channels=channels,
        validation=FRACTION if validation is None else validation,
    )  # fmt: skip
    entry = NAMED.get(name_or_path) if isinstance(name_or_path, str) else None
    if entry is not None:
        from striate.data.idx_source import load_named

        return load_named(entry, options, progress=progress)
    from striate.data.folder import load_folder

    return load_folder(_folder(name_or_path), options, progress=progress)


def _folder(name_or_path: str | os.PathLike[str]) -> Path:
    if not os.fspath(name_or_path):
        raise DataError(
            f"the name of the data is empty; name a set ({', '.join(NAMED)}) or a folder of images"
        )
    path = Path(name_or_path)
    shown = printable(path)
    try:
        if path.is_dir():
            return path
        exists = path.is_file()
    except OSError as error:  # such as a name too long, or a folder above it that is closed
        raise DataError(f"cannot look at {shown}: {error.strerror or error}") from error
    if exists:
        raise DataError(f"{shown} is a file; a folder with one sub-folder a class is needed")
    near = difflib.get_close_matches(os.fspath(name_or_path).lower(), NAMED, n=2, cutoff=0.5)
    known = f"nearest: {', '.join(near)}" if near else f"known: {', '.join(NAMED)}"
    raise DataError(f"no data set and no folder '{shown}'; {known}, or the path of a folder")
