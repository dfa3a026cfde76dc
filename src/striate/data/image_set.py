"""What flows from a source to training: images in memory, their labels, where they came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from striate._errors import DataError
from striate.data.preprocessing import Preprocessing

__all__ = ["SPLITS", "ImageSet", "Split"]

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """One part of a set: image i has label `labels[i]` and is called `names[i]`.

    `names` are paths relative to the source with `/` between folders (bytes that are not UTF-8
    as surrogate escapes), or `train-images-idx3-ubyte[17]` for an image inside a larger file.
    """

    images: UInt8[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageSet:
    """Images of all splits, as one uint8 tensor a split, with everything needed to repeat it.

    Attributes:
        name: Short name for people, such as `fashion-mini` or the folder's name.
        source: What `data.load` takes to read the same set again: a set's name or a path.
        options: The keyword arguments that `data.load` was given, defaults filled in.
        classes: Class names; label k is `classes[k]`.
        splits: `train`, `validation`, `test`. Validation is cut from the training half;
            `test` is read once, when training has ended.
        preprocessing: How a file becomes one of these images, and their mean and deviation.
        manifest: What goes into `data.json`: files with hashes, class counts, doctor's findings.
        fingerprint: SHA-256 (hex) over classes, split membership, labels and pixels.
        flip: Whether a mirrored image is still of its class (False for digits).
    """

    name: str
    source: str
    options: Mapping[str, Any]
    classes: tuple[str, ...]
    splits: Mapping[str, Split]
    preprocessing: Preprocessing
    manifest: Mapping[str, Any]
    fingerprint: str
    flip: bool = True
    _counts: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)

    def __getitem__(self, split: str) -> Split:
        """Return one split; an unknown name raises DataError with the names there are."""
        if split not in self.splits:
            raise DataError(f"no split {split!r}; there are {', '.join(self.splits)}")
        return self.splits[split]

    def counts(self, split: str) -> tuple[int, ...]:
        """Return the number of images of each class in `split`."""
        if split not in self._counts:
            labels = self[split].labels
            counted = torch.bincount(labels, minlength=len(self.classes))
            self._counts[split] = tuple(int(n) for n in counted)
        return self._counts[split]
