"""Splits that keep identical images together, so that none is on both sides."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

from striate._errors import DataError
from striate.data.options import FRACTION
from striate.data.splits import LARGEST

__all__ = ["TEST_FRACTION", "cut", "same_images", "three_parts"]

TEST_FRACTION = 0.15


def same_images(*marks: Sequence[str]) -> list[int]:
    """Return the group of each image: its number is the least position in it.

    Two images are in one group if any of their marks agree, also by way of a third image.

    Args:
        marks: Lists of hashes, one hash an image: of the bytes, of the pixels.

    >>> same_images(["a", "b", "a", "c"], ["k", "l", "m", "l"])
    [0, 1, 0, 1]
    """
    group = list(range(len(marks[0])))

    def root(place: int) -> int:
        while group[place] != place:
            group[place] = place = group[group[place]]
        return place

    for hashes in marks:
        first: dict[str, int] = {}
        for place, mark in enumerate(hashes):
            one, other = root(first.setdefault(mark, place)), root(place)
            group[max(one, other)] = min(one, other)
    return [root(place) for place in range(len(group))]


def cut(
    labels: Sequence[int],
    groups: Sequence[int],
    keys: Sequence[str],
    fraction: float,
    *,
    seed: int,
    use: str,
    largest: int | None = None,
) -> list[int]:
    """Return the positions to cut off, ascending: about `fraction` of each class, whole groups.

    A class gives `round(fraction * n)` of its n images, at least one, or fewer where groups do not
    fit. Two things are never cut off: a group of several classes, as nobody knows what is right
    for it, and the last group of a class. The draw orders the groups by a hash of `seed`, `use`
    and `keys`; so it does not depend on the order or the names of the images, and a new image moves
    hardly any other to another side.

    Args:
        labels: Class of each image.
        groups: Images with the same number stay on one side; see `same_images`.
        keys: A hash of each image.
        fraction: Share to cut off, above 0 and below 1.
        seed: Decides the draw.
        use: What is cut off; two uses of one seed are unrelated.
        largest: Most images to cut off; classes give less in proportion, but one each.

    Raises:
        DataError: `fraction` is not between 0 and 1.

    >>> cut([0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 3, 5], list("abcdef"), 0.3, seed=0, use="test")
    [1, 5]
    """
    if not 0 < fraction < 1:
        raise DataError(f"a share of {fraction} cannot be cut off; it must be above 0 and below 1")
    if largest is not None:
        fraction = min(fraction, largest / max(len(labels), 1))
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    of_class: dict[int, list[list[int]]] = {}
    for places in members.values():
        if len({labels[place] for place in places}) == 1:
            of_class.setdefault(labels[places[0]], []).append(places)

    def draw(places: list[int]) -> str:
        key = min(keys[place] for place in places)
        return hashlib.sha256(f"{use}\n{seed}\n{key}".encode()).hexdigest()

    taken: list[int] = []
    for units in of_class.values():
        taken += _from_class(sorted(units, key=draw), fraction)
    return sorted(taken)


def three_parts(
    labels: Sequence[int],
    groups: Sequence[int],
    keys: Sequence[str],
    *,
    given: Mapping[str, Collection[int]] | None = None,
    test: float = TEST_FRACTION,
    validation: float = FRACTION,
    seed: int,
) -> dict[str, list[int]]:
    """Return the positions of `train`, `validation` and `test`, each ascending; see `cut`.

    First `test` of each class is cut off, then `validation` of the rest, at most 5,000 images. A
    class with three different images or more is in all three, with two in train and test.

    Args:
        labels: Class of each image.
        groups: Images with the same number stay on one side, but for parts that are given.
        keys: A hash of each image.
        given: Positions of a `validation` or `test` that need not be cut off.
        test: Share of all images for test.
        validation: Share of what is left for validation.
        seed: Decides the draw.
    """
    parts = {split: set(places) for split, places in (given or {}).items()}
    for split, fraction, largest in (("test", test, None), ("validation", validation, LARGEST)):
        if split in parts:
            continue
        rest = [place for place in range(len(labels)) if not _in_any(place, parts)]
        chosen = cut(
            [labels[place] for place in rest],
            [groups[place] for place in rest],
            [keys[place] for place in rest],
            fraction,
            seed=seed,
            use=split,
            largest=largest,
        )
        parts[split] = {rest[place] for place in chosen}
    train = [place for place in range(len(labels)) if not _in_any(place, parts)]
    return {"train": train} | {name: sorted(parts[name]) for name in ("validation", "test")}


def _in_any(place: int, parts: Mapping[str, Collection[int]]) -> bool:
    return any(place in part for part in parts.values())


def _from_class(units: list[list[int]], fraction: float) -> list[int]:
    """Take groups in this order while they fit; if none does, the smallest of two or more."""
    count = sum(len(unit) for unit in units)
    room = min(max(int(fraction * count + 0.5), 1), count - 1)
    taken: list[int] = []
    for unit in units:
        if len(taken) + len(unit) <= room:
            taken += unit
    if not taken and len(units) > 1:
        taken = min(units, key=len)
    return taken
