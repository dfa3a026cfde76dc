"""Images that are equal pixel by pixel: within a split, between splits, in two classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from striate.data.image_set import Split
from striate.data.shuffle import mixed

__all__ = ["find_duplicates", "pixel_groups"]

_CHUNK = 1 << 22  # eight-byte words multiplied at a time: 32 MiB


def pixel_groups(images: UInt8[Tensor, "n c h w"]) -> Int64[Tensor, " n"]:
    """Return for each image the position of the first one with the same pixels.

    Images are compared by a 64-bit sum of their words with random odd weights; those with equal
    sums are then compared in full, so the answer is exact.

    >>> pixel_groups(torch.tensor([3, 5, 3, 5, 7], dtype=torch.uint8).view(5, 1, 1, 1)).tolist()
    [0, 1, 0, 1, 4]
    """
    count = len(images)
    if not count:
        return torch.zeros(0, dtype=torch.int64)
    rows = images.cpu().contiguous().numpy().reshape(count, -1)
    spare = -rows.shape[1] % 8
    if spare:
        rows = np.pad(rows, ((0, 0), (0, spare)))
    words = rows.view(np.uint64)
    keys = _keys(words)
    order = np.argsort(keys, kind="stable")
    first = np.arange(count, dtype=np.int64)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(keys[order])) + 1))
    lengths = np.diff(starts, append=count)
    for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True):
        seen: dict[bytes, int] = {}
        for place in order[start : start + length].tolist():
            first[place] = seen.setdefault(words[place].tobytes(), place)
    return torch.from_numpy(first)


def _keys(words: np.ndarray) -> np.ndarray:
    weights = mixed(words.shape[1], seed=0, use="pixel groups") | np.uint64(1)
    keys = np.empty(len(words), dtype=np.uint64)
    step = max(_CHUNK // max(words.shape[1], 1), 1)
    for start in range(0, len(words), step):
        part = words[start : start + step]
        # Folding the high half in: a product's low bits know only the low bits of its factors.
        keys[start : start + step] = ((part ^ (part >> np.uint64(29))) * weights).sum(axis=1)
    return keys


def find_duplicates(
    splits: Mapping[str, Split], classes: Sequence[str], groups: Sequence[int] | None = None
) -> dict[str, Any]:
    """Return the doctor's `checked`, `duplicates`, `leaks` and `conflicts` of these splits.

    A duplicate is a group of equal images within one split; a leak an image that is in an earlier
    split too (train, validation, test, in this order); a conflict a group of more than one class.

    Args:
        splits: Parts, train first.
        classes: Class names; label k is `classes[k]`.
        groups: For each image of all parts, one after another, the position of the first one equal
            to it; None compares pixels.
    """
    if groups is None:
        groups = pixel_groups(torch.cat([part.images for part in splits.values()])).tolist()
    names = [name for part in splits.values() for name in part.names]
    where = [split for split, part in splits.items() for _ in part.names]
    labels = [label for part in splits.values() for label in part.labels.tolist()]
    members: dict[int, list[int]] = {}
    for place, first in enumerate(groups):
        if first != place:
            members.setdefault(first, [first]).append(place)
    found: dict[str, Any] = {"checked": len(names), "duplicates": [], "leaks": [], "conflicts": []}
    for group in members.values():
        for split in splits:
            here = [names[place] for place in group if where[place] == split]
            if len(here) > 1:
                found["duplicates"].append(here)
        origin = group[0]
        found["leaks"] += [
            {
                "file": names[place],
                "split": where[place],
                "same_as": names[origin],
                "in": where[origin],
            }
            for place in group
            if where[place] != where[origin]
        ]
        kinds = sorted({labels[place] for place in group})
        if len(kinds) > 1:
            found["conflicts"].append(
                {
                    "files": [names[place] for place in group],
                    "classes": [classes[kind] for kind in kinds],
                }
            )
    return found
