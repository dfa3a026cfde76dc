"""A folder of images becomes an ImageSet."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from striate._errors import DataError
from striate._events import Progress, Said, silent
from striate.data.doctor import examine, refuse_if_many
from striate.data.grouping import TEST_FRACTION, same_images, three_parts
from striate.data.image_set import ImageSet, Split
from striate.data.listing import Found, Listing, list_images
from striate.data.options import Options
from striate.data.reading import Broken, Picture, decode_all, scan, target_size
from striate.data.sealing import seal
from striate.data.selection import chosen_classes, select
from striate.data.store import rearrange
from striate.files import printable

__all__ = ["load_folder"]

_USUAL = Options()


def load_folder(root: Path, options: Options = _USUAL, *, progress: Progress = silent) -> ImageSet:
    """Read a folder of images, `root/class/*` or `root/{train,valid,test}/class/*`.

    Parts that the folder does not have are cut off its training images, stratified, seeded,
    identical images together: 15 % for test, then `validation` of the rest. What cannot be read is
    left out and named in the manifest; see `doctor`.

    Args:
        root: The folder; see `listing.list_images` for what is read.
        options: `size` is the largest side of an image, see `reading.target_size`; `classes` give
            the order of the labels, None takes all, sorted; `per_class` is of each part that the
            folder has, drawn before anything is decoded; `channels` None is 1 if all files are
            grey.
        progress: Gets `Moved` of the tasks `scan` and `decode`, and the doctor's warnings.

    Raises:
        DataError: No images, fewer than two classes, an unknown class, more than a tenth of the
            files broken, or too few images for three parts.
    """
    root = root.absolute()
    listing = list_images(root)
    names = _classes(root, listing, options.classes)
    files = _selected(listing, names, options.per_class, options.seed)
    images, pictures, broken = _read(root, files, options.size, options.channels, progress)
    _refuse_empty(names, pictures)
    parts = _divided(names, pictures, listing, options.validation, options.seed)
    splits = _splits(names, images, pictures, parts)
    chosen = {split: [pictures[place] for place in parts[split]] for split in splits}
    doctor = examine(splits, chosen, broken, names, listing.warnings)
    for warning in doctor["warnings"]:
        progress(Said(text=warning, warning=True))
    return seal(
        name=root.resolve().name or "images",
        source=str(root),
        options=options.to_json(),
        classes=names,
        splits=splits,
        files={split: {"files": _entries(of_split)} for split, of_split in chosen.items()},
        doctor=doctor,
        split_rule=_rule(listing.folders, options.validation, options.seed),
    )


def _classes(root: Path, listing: Listing, asked: Sequence[str] | None) -> tuple[str, ...]:
    """Return the class names in the order of their labels."""
    if len(listing.classes) < 2:
        only = next(iter(listing.classes))
        below = {file.name.split("/")[-2] for file in listing.files} - {only}
        hint = ""
        if len(below) > 1 and not listing.folders:
            hint = f"; it has sub-folders, so perhaps {printable(root / only)} is meant"
        raise DataError(
            f"{printable(root)} holds one class only, {printable(only)}; a classifier needs two "
            f"folders with images, or more{hint}"
        )
    if asked is not None:
        chosen_classes(listing.classes, asked)
        return tuple(asked)
    for file in listing.files:
        if file.category not in listing.classes:
            raise DataError(
                f"class {printable(file.category)} is in {printable(listing.folders[file.part])} "
                f"but not in {printable(listing.folders['train'])}; remove it there, rename it, or "
                "name the classes to take"
            )
    return listing.classes


def _selected(
    listing: Listing, names: Sequence[str], per_class: int | None, seed: int
) -> list[Found]:
    """Return the files of these classes, at most `per_class` of each part."""
    chosen: list[Found] = []
    for part in ("", "train", "validation", "test"):
        files = [file for file in listing.files if file.part == part and file.category in names]
        labels = torch.tensor([listing.classes.index(file.category) for file in files])
        if files:
            places = select(labels, listing.classes, per_class=per_class, seed=seed)
            chosen += [files[place] for place in places.tolist()]
    return chosen


def _read(
    root: Path, files: Sequence[Found], size: int, channels: int | None, progress: Progress
) -> tuple[UInt8[Tensor, "n c h w"], list[Picture], list[Broken]]:
    """Return the images that can be read, their files, and the files that cannot."""
    headers = scan(root, files, progress=progress)
    opened = [result for result in headers if isinstance(result, Picture)]
    broken = [result for result in headers if isinstance(result, Broken)]
    refuse_if_many(broken, len(files))
    if channels is None:
        channels = 1 if all(picture.header.grey for picture in opened) else 3
    height, width = target_size([picture.header for picture in opened], size)
    images, results = decode_all(
        root, opened, channels=channels, height=height, width=width, progress=progress
    )
    broken += [result for result in results if isinstance(result, Broken)]
    refuse_if_many(broken, len(files))
    good = [place for place, result in enumerate(results) if isinstance(result, Picture)]
    rearrange(images, good)
    pictures = [result for result in results if isinstance(result, Picture)]
    return images[: len(good)], pictures, sorted(broken, key=lambda one: os.fsencode(one.name))


def _refuse_empty(names: Sequence[str], pictures: Sequence[Picture]) -> None:
    trained = {p.found.category for p in pictures if p.found.part in ("", "train")}
    for name in names:
        if name not in trained:
            raise DataError(
                f"class {printable(name)} has no image for training that can be read; add some, or "
                "leave the class out"
            )


def _divided(
    names: Sequence[str],
    pictures: Sequence[Picture],
    listing: Listing,
    validation: float,
    seed: int,
) -> dict[str, list[int]]:
    """Return the positions of each split."""
    hashes = [picture.header.sha256 for picture in pictures]
    given: dict[str, list[int]] = {part: [] for part in listing.folders if part != "train"}
    for place, picture in enumerate(pictures):
        if picture.found.part in given:
            given[picture.found.part].append(place)
    parts = three_parts(
        [names.index(picture.found.category) for picture in pictures],
        same_images(hashes, [picture.pixels for picture in pictures]),
        hashes,
        given=given,
        validation=validation,
        seed=seed,
    )
    for split, places in parts.items():
        if not places:
            raise DataError(
                f"there are too few images to have one for {split}; at least one class needs three "
                "different images"
            )
    return parts


def _splits(
    names: Sequence[str],
    images: UInt8[Tensor, "n c h w"],
    pictures: Sequence[Picture],
    parts: Mapping[str, Sequence[int]],
) -> dict[str, Split]:
    """Sort the images by split, in place, and return each split as a piece of the one tensor."""
    rearrange(images, [place for places in parts.values() for place in places])
    splits: dict[str, Split] = {}
    start = 0
    for split, places in parts.items():
        found = [pictures[place].found for place in places]
        splits[split] = Split(
            images=images[start : start + len(places)],
            labels=torch.tensor([names.index(file.category) for file in found]),
            names=tuple(file.name for file in found),
        )
        start += len(places)
    return splits


def _entries(pictures: Sequence[Picture]) -> list[dict[str, str]]:
    return [
        {
            "name": picture.found.name,
            "sha256": picture.header.sha256,
            "class": picture.found.category,
        }
        for picture in pictures
    ]


def _rule(folders: Mapping[str, str], validation: float, seed: int) -> str:
    said = [f"{part} is the folder {printable(folder)}" for part, folder in folders.items()]
    if "test" not in folders:
        said.append(f"test is {TEST_FRACTION:.0%} of each class")
    if "validation" not in folders:
        of_what = "of what is left" if "test" not in folders else "of each class of train"
        said.append(f"validation is {validation:.0%} {of_what}")
    if "test" in folders and "validation" in folders:
        return "; ".join(said)
    said.append(
        f"drawn by seed {seed} and the files' hashes; identical images stay together; those that "
        "stand in two classes, and the only image of a class, are for training"
    )
    return "; ".join(said)
