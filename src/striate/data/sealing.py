"""The last step of every source: check the splits, measure them, write the manifest."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from striate._errors import DataError
from striate.data.image_set import SPLITS, ImageSet, Split
from striate.data.preprocessing import Preprocessing

__all__ = ["fingerprint", "mean_and_deviation", "seal"]

_CHUNK = 1 << 24  # pixels counted at a time


def seal(
    *,
    name: str,
    source: str,
    options: Mapping[str, Any],
    classes: Sequence[str],
    splits: Mapping[str, Split],
    files: Mapping[str, Mapping[str, Any]],
    doctor: Mapping[str, Any],
    split_rule: str,
    flip: bool = True,
    resize: str = "crop",
    interpolation: str = "bilinear",
) -> ImageSet:
    """Return the ImageSet of these splits, with manifest, fingerprint, mean and deviation.

    Args:
        name: Short name for people.
        source: What `data.load` takes to read the same set again.
        options: The keyword arguments of `data.load`, defaults filled in.
        classes: Class names; label k is `classes[k]`.
        splits: `train` and, where there are any, `validation` and `test`. Channels, height and
            width are those of the images.
        files: For each split what its manifest entry says of its files: `{"files": [...]}` or
            `{"archive": [...]}`.
        doctor: Findings; keys that are missing are filled with "nothing found".
        split_rule: How the splits were made, in words.
        flip: Whether a mirrored image is still of its class.
        resize: See `Preprocessing`.
        interpolation: See `Preprocessing`.

    Raises:
        DataError: Fewer than two classes, no training images, or splits that do not fit together.
    """
    parts = {split: splits[split] for split in SPLITS if split in splits and len(splits[split])}
    _check(parts, classes)
    images = parts["train"].images
    mean, deviation = mean_and_deviation(images)
    preprocessing = Preprocessing(
        channels=images.shape[1],
        height=images.shape[2],
        width=images.shape[3],
        mean=mean,
        deviation=deviation,
        resize=resize,
        interpolation=interpolation,
    )
    mark = fingerprint(classes, parts)
    manifest = {
        "name": name,
        "source": source,
        "options": dict(options),
        "classes": list(classes),
        "fingerprint": mark,
        "sizes": dict(zip(("channels", "height", "width"), images.shape[1:], strict=True)),
        "splits": {
            split: {**_counts(part, len(classes)), **files.get(split, {})}
            for split, part in parts.items()
        },
        "split_rule": split_rule,
        "doctor": _findings(doctor, sum(len(part) for part in parts.values())),
    }
    return ImageSet(
        name=name,
        source=source,
        options=dict(options),
        classes=tuple(classes),
        splits=parts,
        preprocessing=preprocessing,
        manifest=manifest,
        fingerprint=mark,
        flip=flip,
    )


def fingerprint(classes: Sequence[str], splits: Mapping[str, Split]) -> str:
    """Return the SHA-256 (hex) of classes, split membership, labels and pixels."""
    digest = hashlib.sha256()
    digest.update(json.dumps(list(classes)).encode())
    for split in SPLITS:
        if split in splits:
            part = splits[split]
            digest.update(f"\n{split} {tuple(part.images.shape)}\n".encode())
            digest.update(part.labels.cpu().numpy().astype("<i8").tobytes())
            digest.update(part.images.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def mean_and_deviation(
    images: UInt8[Tensor, "n c h w"],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, of values scaled to 0..1.

    The values are counted, so the sums are exact and the order of the images does not matter. A
    channel that is the same everywhere gets the deviation 1/255, as one cannot divide by 0.

    >>> mean_and_deviation(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
    ((0.5,), (0.5,))
    """
    n, channels, height, width = images.shape
    step = max(_CHUNK // (channels * height * width), 1)
    seen = torch.zeros(channels, 256, dtype=torch.int64)
    for part in images.split(step):
        for channel in range(channels):
            seen[channel] += torch.bincount(part[:, channel].reshape(-1), minlength=256).cpu()
    values = torch.arange(256)
    total, squares = (seen * values).sum(dim=1), (seen * values**2).sum(dim=1)
    count = n * height * width
    mean: list[float] = []
    deviation: list[float] = []
    for first, second in zip(total.tolist(), squares.tolist(), strict=True):
        mean.append(first / count / 255)
        spread = (count * second - first * first) ** 0.5 / count / 255
        deviation.append(spread if spread > 0 else 1 / 255)
    return tuple(mean), tuple(deviation)


def _check(splits: Mapping[str, Split], classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise DataError(f"there is {len(classes)} class; a classifier needs 2 or more")
    if len(set(classes)) != len(classes):
        raise DataError("two classes have the same name; each needs its own")
    if "train" not in splits:
        raise DataError("there are no training images; at least one of each class is needed")
    shape = splits["train"].images.shape[1:]
    for split, part in splits.items():
        if part.images.shape[1:] != shape:
            raise DataError(
                f"images of {split} are {tuple(part.images.shape[1:])}, those of train "
                f"{tuple(shape)}; channels, height and width must agree"
            )
        if not len(part.images) == len(part.labels) == len(part.names):
            raise DataError(
                f"{split} has {len(part.images)} images, {len(part.labels)} labels and "
                f"{len(part.names)} names; there must be as many of each"
            )
        low, high = (int(v) for v in torch.aminmax(part.labels))
        if low < 0 or high >= len(classes):
            raise DataError(
                f"labels of {split} lie in {low}..{high}, but there are {len(classes)} classes"
            )


def _counts(part: Split, classes: int) -> dict[str, Any]:
    counts = torch.bincount(part.labels, minlength=classes)
    return {"count": len(part), "class_counts": counts.tolist()}


def _findings(doctor: Mapping[str, Any], checked: int) -> dict[str, Any]:
    nothing: dict[str, Any] = {"checked": checked}
    nothing |= {key: [] for key in ("broken", "duplicates", "leaks", "conflicts", "warnings")}
    return nothing | dict(doctor)
