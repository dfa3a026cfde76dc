"""A part of a set: some of its classes, so many images of each."""

import difflib
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from striate._errors import DataError
from striate.data.shuffle import shuffled
from striate.data.wording import counted

__all__ = ["chosen_classes", "relabelled", "select"]


def chosen_classes(class_names: Sequence[str], classes: Sequence[str] | None) -> tuple[str, ...]:
    """Return the classes asked for, in the order of the set (all of them for None).

    Raises:
        DataError: A name is unknown or said twice, or fewer than two classes are left.

    >>> chosen_classes(["Bag", "Coat", "Dress"], ["Dress", "Bag"])
    ('Bag', 'Dress')
    """
    if classes is None:
        return tuple(class_names)
    unknown = [name for name in classes if name not in class_names]
    if unknown:
        raise DataError(_unknown(unknown, class_names))
    for name in classes:
        if list(classes).count(name) > 1:
            raise DataError(f"class {name!r} is asked for twice; once is enough")
    if len(classes) < 2:
        raise DataError(
            f"classes asks for {counted(len(classes), 'class')}, but a classifier needs 2 or more; "
            f"{_listed(class_names)}"
        )
    return tuple(name for name in class_names if name in classes)


def select(
    labels: Int64[Tensor, " n"],
    class_names: Sequence[str],
    *,
    classes: Sequence[str] | None = None,
    per_class: int | None = None,
    seed: int = 0,
) -> Int64[Tensor, " m"]:
    """Return the positions of a part of the images, ascending.

    Args:
        labels: Class of each image; label k is `class_names[k]`.
        class_names: Names of all classes.
        classes: Names to keep; None keeps all. See `relabelled` for the labels of what is kept.
        per_class: At most so many images a class, drawn at random; a smaller class is kept whole.
        seed: Decides the draw. The draw of one class does not depend on which others are kept.

    Raises:
        DataError: An unknown class, fewer than two classes, or `per_class` below 1.

    >>> select(torch.tensor([0, 1, 2, 0, 1, 2]), ["a", "b", "c"], classes=["a", "c"]).tolist()
    [0, 2, 3, 5]
    """
    if per_class is not None and per_class < 1:
        raise DataError(f"per_class is {per_class}; it must be 1 or more")
    kept: list[np.ndarray] = []
    chosen = set(chosen_classes(class_names, classes))
    numbers = labels.cpu().numpy()
    for label, name in enumerate(class_names):
        if name in chosen:
            places = np.flatnonzero(numbers == label)
            if per_class is not None and len(places) > per_class:
                order = shuffled(len(places), seed=seed, use=f"select {name}").numpy()
                places = places[order[:per_class]]
            kept.append(places)
    return torch.from_numpy(np.sort(np.concatenate(kept)))


def relabelled(
    labels: Int64[Tensor, " n"], class_names: Sequence[str], kept: Sequence[str]
) -> Int64[Tensor, " n"]:
    """Return `labels` counted in `kept` in place of `class_names`.

    >>> relabelled(torch.tensor([0, 2, 2]), ["a", "b", "c"], ["a", "c"]).tolist()
    [0, 1, 1]
    """
    place = np.array([kept.index(name) if name in kept else -1 for name in class_names])
    moved = place[labels.cpu().numpy()]
    if (moved < 0).any():
        raise DataError("an image is of a class that is left out; select() must come first")
    return torch.from_numpy(moved)


def _unknown(names: Sequence[str], class_names: Sequence[str]) -> str:
    """Say for each name which class is nearest, whatever the case; if one has none, all there are.

    >>> _unknown(["BAG", "zebra"], ["Bag", "Coat"])
    "no class 'BAG'; nearest: Bag; no class 'zebra'; there are Bag, Coat"
    """
    said: list[str] = []
    own: dict[str, str] = {name.casefold(): name for name in class_names}
    for name in names[:3]:
        key = name.casefold()
        close = [key] if key in own else difflib.get_close_matches(key, own, n=3, cutoff=0.55)
        near = ", ".join(own[match] for match in close)
        said.append(f"no class {name!r}" + (f"; nearest: {near}" if near else ""))
    if any("nearest" not in words for words in said):
        said.append(_listed(class_names))
    return "; ".join(said)


def _listed(class_names: Sequence[str]) -> str:
    shown = ", ".join(class_names[:12])
    return f"there are {shown}" + (" …" if len(class_names) > 12 else "")
