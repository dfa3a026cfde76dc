"""Which images lie in a folder, of which class and in which part: names only, nothing decoded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from striate._errors import DataError
from striate.data.image_set import SPLITS
from striate.data.walking import Walk
from striate.data.wording import counted
from striate.files import printable

__all__ = ["Found", "Listing", "list_images"]

_PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """An image file: `name` is relative to the root, `part` is "" where the folder has no parts."""

    name: str
    category: str
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All images of a folder, sorted by the bytes of their names.

    Attributes:
        files: The images.
        classes: Names of the classes that can be trained, sorted.
        folders: The folder of each part that the root is split into; empty if it is not.
        warnings: What was left aside, and why.
    """

    files: tuple[Found, ...]
    classes: tuple[str, ...]
    folders: Mapping[str, str]
    warnings: tuple[str, ...]


def list_images(root: Path) -> Listing:
    """Return the images below `root/class/` or `root/{train,valid,test}/class/`.

    Sub-folders of a class belong to it. The root is split if one of its folders is called `train`
    and all others (or at least one) are called `valid`, `val`, `validation` or `test`, upper or
    lower case, also `training`, `testing`. A `train` among folders of other names is a class.

    Raises:
        DataError: No folder, no images, no class folders, or parts that cannot be told.
    """
    walk = Walk(root)
    if not walk.files:
        raise DataError(
            f"{printable(root)} holds no images; put them in one folder a class, such as "
            "cat/1.jpg and dog/1.jpg"
        )
    tops = sorted({name.split("/")[0] for name in walk.files if "/" in name})
    if not tops:
        raise DataError(
            f"{printable(root)} holds {counted(len(walk.files), 'image')} but no class folders; "
            "put the images of each class into a folder named after it"
        )
    folders = _parts(root, tops)
    warnings = list(walk.warnings)
    files = list(_classified(walk.files, folders, warnings))
    classes = {file.category for file in files if file.part in ("", "train")}
    if not classes:
        raise DataError(
            f"{printable(root / folders['train'])} holds images but no class folders; put the "
            "images of each class into a folder named after it"
        )
    warnings += _empty(walk.folders, folders, files)
    return Listing(
        files=tuple(files),
        classes=tuple(sorted(classes)),
        folders=folders,
        warnings=tuple(warnings),
    )


def _parts(root: Path, tops: Iterable[str]) -> dict[str, str]:
    """Return the folder of each part, in the order of `SPLITS`; none if these are classes."""
    named = {top: _PARTS[top.lower()] for top in tops if top.lower() in _PARTS}
    others = [top for top in tops if top not in named]
    found = set(named.values())
    if not named or (others and ("train" not in found or len(found) < 2)):
        return {}
    if "train" not in found:
        raise DataError(
            f"{printable(root)} holds {' and '.join(map(printable, named))} but no train folder; "
            "put the training images into train/class/"
        )
    for part in found:
        same = [printable(top) for top in named if named[top] == part]
        if len(same) > 1:
            raise DataError(f"{' and '.join(same)} are both for {part}; keep one of the folders")
    return {part: top for part in SPLITS for top in named if named[top] == part}


def _classified(
    names: Iterable[str], folders: Mapping[str, str], warnings: list[str]
) -> Iterable[Found]:
    """Give each name its class and part; what has none is counted in `warnings`."""
    part_of = {folder: part for part, folder in folders.items()}
    depth = 2 if folders else 1
    aside: dict[str, int] = {}
    for name in names:
        steps = name.split("/")
        if len(steps) <= depth:
            where = "/".join(steps[:-1])
        elif folders and steps[0] not in part_of:
            where = steps[0]
        else:
            yield Found(
                name=name, category=steps[depth - 1], part=part_of[steps[0]] if folders else ""
            )
            continue
        aside[where] = aside.get(where, 0) + 1
    for where, count in aside.items():
        place = f"in {printable(where)}" if where else "directly in the folder"
        are, they = ("is", "it is") if count == 1 else ("are", "they are")
        images = counted(count, "image")
        warnings.append(f"{images} {place} {are} left out, as {they} in no class folder")


def _empty(
    names: Iterable[str], folders: Mapping[str, str], files: Iterable[Found]
) -> Iterable[str]:
    full = {"/".join(file.name.split("/")[: 2 if folders else 1]) for file in files}
    for name in names:
        steps = name.split("/")
        at_class = len(steps) == 2 and steps[0] in folders.values() if folders else len(steps) == 1
        if at_class and name not in full:
            yield f"{printable(name)} is a folder without images, so it is no class"
