"""Images and labels of a named set, from its IDX files."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from striate._errors import DataError
from striate._events import Progress, Said, silent
from striate.data.duplicates import find_duplicates, pixel_groups
from striate.data.idx import Idx, read_idx
from striate.data.image_set import ImageSet, Split
from striate.data.named import HALVES, NamedSet, fetch
from striate.data.options import Options
from striate.data.sealing import seal
from striate.data.selection import chosen_classes, relabelled, select
from striate.data.splits import LARGEST, stratified_validation
from striate.data.wording import counted
from striate.files import printable

__all__ = ["load_named"]

SIDE = 28
"""Height and width of all of them, in pixels."""


def load_named(known: NamedSet, options: Options, *, progress: Progress = silent) -> ImageSet:
    """Return a named set.

    Args:
        known: The set.
        options: `per_class` is of each half; with 3 `channels` the grey values stand three times.
        progress: Gets the events of downloads.

    Raises:
        DataError: A file is damaged or not the official one, or an argument is out of range.
        DownloadError: A file is nowhere and cannot be fetched.
    """
    if options.size < SIDE:
        raise DataError(
            f"size is {options.size}, but the images of {known.name} are {SIDE} x {SIDE} and are "
            "not resized; leave size out"
        )
    classes, seed = options.classes, options.seed
    kept = chosen_classes(known.classes, classes)
    warnings: list[str] = []
    halves: dict[str, Split] = {}
    archives: dict[str, list[dict[str, str]]] = {}
    for half in HALVES:
        whole, archives[half] = _half(known, half, warnings, progress)
        part = select(whole.labels, known.classes, classes=classes, per_class=options.per_class,
                      seed=seed)  # fmt: skip
        halves[half] = _take(whole, part, relabelled(whole.labels[part], known.classes, kept))
    splits = {**_cut(halves["train"], options.validation, seed), "test": halves["test"]}
    archives["validation"] = archives["train"]
    return seal(
        name=known.name,
        source=known.name,
        options=options.to_json(),
        classes=kept,
        splits=_coloured(splits) if options.channels == 3 else splits,
        files={split: {"archive": files} for split, files in archives.items()},
        doctor={**find_duplicates(splits, kept), "warnings": warnings},
        split_rule=_rule(options),
        flip=known.flip,
    )


def _half(
    known: NamedSet, half: str, warnings: list[str], progress: Progress
) -> tuple[Split, list[dict[str, str]]]:
    """Read one half; return it and the names and hashes of its files."""
    prefix = HALVES[half]
    image_file, label_file = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
    images = _read(known, image_file, 3, warnings, progress)
    labels = _read(known, label_file, 1, warnings, progress)
    count = len(images.values)
    if count != len(labels.values):
        raise DataError(
            f"{image_file} of {known.name} has {count} images, but {label_file} has "
            f"{len(labels.values)} labels; there must be one for each"
        )
    highest = int(labels.values.max())
    if highest >= len(known.classes):
        raise DataError(
            f"{label_file} of {known.name} has the label {highest}; "
            f"the highest can be {len(known.classes) - 1}"
        )
    places: Sequence[int] = range(count)
    if known.members:
        places = _read(known, f"{prefix}-members-idx1-int", 1, warnings, progress).values.tolist()
    split = Split(
        images=torch.from_numpy(images.values)[:, None],
        labels=torch.from_numpy(labels.values.astype(np.int64)),
        names=tuple(f"{image_file}[{place}]" for place in places),
    )
    archive = [
        {"file": image_file, "sha256": images.sha256},
        {"file": label_file, "sha256": labels.sha256},
    ]
    return split, archive


def _read(
    known: NamedSet, name: str, dimensions: int, warnings: list[str], progress: Progress
) -> Idx:
    """Read one file, fetching it first if need be.

    A packed file must be the official one. A plain file was put there by hand: header, sizes and
    counts are checked, and if it is another than the official one the user is told.
    """
    path = fetch(known, name, progress=progress)
    read = read_idx(path, dimensions=dimensions, kind="i4" if name.endswith("-int") else "u1")
    expected = known.files[name].sha256
    if read.sha256 == expected:
        return read
    if path.suffix == ".gz":
        raise DataError(
            f"{printable(path)} is not the file of {known.name} (SHA-256 of what is inside "
            f"{read.sha256[:12]}…, must be {expected[:12]}…); delete it and run again"
        )
    warnings.append(f"{name} is not the official file of {known.name}: SHA-256 {read.sha256}")
    progress(Said(text=f"{printable(path)} is not the official file; it is used", warning=True))
    return read


def _cut(half: Split, share: float, seed: int) -> dict[str, Split]:
    groups = pixel_groups(half.images)
    train, validation = stratified_validation(half.labels, share, seed=seed, groups=groups)
    return {"train": _take(half, train), "validation": _take(half, validation)}


def _take(split: Split, places: torch.Tensor, labels: torch.Tensor | None = None) -> Split:
    labels = split.labels[places] if labels is None else labels
    if len(places) == len(split):  # ascending, so it is all of them
        return replace(split, labels=labels)
    names = tuple(split.names[place] for place in places.tolist())
    return Split(images=split.images[places], labels=labels, names=names)


def _coloured(splits: Mapping[str, Split]) -> dict[str, Split]:
    return {
        name: Split(
            images=part.images.expand(-1, 3, -1, -1).contiguous(),
            labels=part.labels,
            names=part.names,
        )
        for name, part in splits.items()
    }


def _rule(options: Options) -> str:
    most = options.per_class
    some = "" if most is None else f" At most {counted(most, 'image')} a class of each half."
    return (
        f"Training and test half as published.{some} Validation: {options.validation:g} of the "
        f"training half, at most {LARGEST} images, stratified, seed {options.seed}."
    )
