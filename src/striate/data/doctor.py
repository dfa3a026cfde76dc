"""What is wrong with a folder of images: said file by file, nothing mended in silence."""

from collections.abc import Mapping, Sequence
from typing import Any

from striate._errors import DataError
from striate.data.duplicates import find_duplicates
from striate.data.grouping import same_images
from striate.data.image_set import Split
from striate.data.reading import Broken, Picture
from striate.data.wording import counted, few
from striate.files import printable

__all__ = ["MOST_BROKEN", "examine", "refuse_if_many"]

MOST_BROKEN = 0.1
_UNBALANCED = 10
_NAMED = 3


def refuse_if_many(broken: Sequence[Broken], checked: int) -> None:
    """Raise if more than a tenth of the files cannot be read: then something else is wrong.

    Raises:
        DataError: Says how many, the first few, and what to do.
    """
    if len(broken) <= MOST_BROKEN * checked:
        return
    shown = "; ".join(f"{printable(one.name)}: {one.reason}" for one in broken[:_NAMED])
    more = f"; and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
    raise DataError(
        f"{len(broken):,} of {counted(checked, 'image')} cannot be read, more than a tenth; repair "
        f"or remove them\n{shown}{more}"
    )


def examine(
    splits: Mapping[str, Split],
    pictures: Mapping[str, Sequence[Picture]],
    broken: Sequence[Broken],
    classes: Sequence[str],
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the findings as they stand in `data.json`.

    Images are the same if their files are equal byte by byte, or what was decoded from them pixel
    by pixel. `checked` counts all files, also the broken ones.

    Args:
        splits: Parts of the set.
        pictures: The files of each part, in its order.
        broken: Files left out.
        classes: Class names.
        warnings: What was noticed before; this function's own come behind.
    """
    all_pictures = [picture for split in splits for picture in pictures[split]]
    groups = same_images(
        [picture.header.sha256 for picture in all_pictures],
        [picture.pixels for picture in all_pictures],
    )
    found = find_duplicates(splits, classes, groups)
    found["checked"] += len(broken)
    found["broken"] = [{"file": one.name, "reason": one.reason} for one in broken]
    found["warnings"] = [
        *warnings,
        *_about_files(found, all_pictures),
        *_about_leaks(found),
        *_about_classes(splits, classes),
    ]
    return found


def _about_files(found: Mapping[str, Any], pictures: Sequence[Picture]) -> list[str]:
    said: list[str] = []
    if found["broken"]:
        names = [f"{printable(one['file'])} ({one['reason']})" for one in found["broken"]]
        said.append(f"{_are(names)} left out, not readable: {few(names)}")
    if found["duplicates"]:
        copies = [printable(name) for group in found["duplicates"] for name in group[1:]]
        said.append(f"{_are(copies)} there more than once: {few(copies)}")
    if found["conflicts"]:
        names = [printable(name) for group in found["conflicts"] for name in group["files"]]
        said.append(f"{_are(names)} in more than one class: {few(names)}")
    for remark, words in (
        ("flat", "of one single colour"),
        ("dark", "nearly black (16-bit files are scaled by their full range)"),
    ):
        names = [printable(one.found.name) for one in pictures if one.remark == remark]
        if names:
            said.append(f"{_are(names)} {words}: {few(names)}")
    return said


def _about_leaks(found: Mapping[str, Any]) -> list[str]:
    said: list[str] = []
    for split, origin in (("test", "train"), ("test", "validation"), ("validation", "train")):
        names = [
            f"{printable(leak['file'])} is {printable(leak['same_as'])}"
            for leak in found["leaks"]
            if (leak["split"], leak["in"]) == (split, origin)
        ]
        if names:
            also = "is also" if len(names) == 1 else "are also"
            said.append(
                f"LEAK: {counted(len(names), 'image')} of {split} {also} in {origin}, so the "
                f"{split} score will be too good: {few(names)}"
            )
    return said


def _about_classes(splits: Mapping[str, Split], classes: Sequence[str]) -> list[str]:
    counts = {
        name: [int((part.labels == label).sum()) for part in splits.values()]
        for label, name in enumerate(classes)
    }
    said: list[str] = []
    alone = [printable(name) for name, count in counts.items() if sum(count) == 1]
    if alone:
        said.append(f"a class with one image is for training only: {few(alone)}")
    for place, split in enumerate(splits):
        absent = [printable(name) for name, n in counts.items() if not n[place] and sum(n) > 1]
        if absent:
            said.append(f"{split} has no image of {few(absent)}")
    total = {name: sum(count) for name, count in counts.items()}
    least, most = min(total, key=total.__getitem__), max(total, key=total.__getitem__)
    if total[most] >= _UNBALANCED * total[least]:
        said.append(
            f"the classes are unbalanced: {printable(most)} has {counted(total[most], 'image')}, "
            f"{printable(least)} {total[least]:,}"
        )
    return said


def _are(names: Sequence[str]) -> str:
    return f"{counted(len(names), 'image')} {'is' if len(names) == 1 else 'are'}"
