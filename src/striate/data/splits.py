"""Cutting a validation part from the training half."""

import torch
from jaxtyping import Int64
from torch import Tensor

from striate._errors import DataError
from striate.data.shuffle import shuffled

__all__ = ["FRACTION", "LARGEST", "stratified_validation"]

FRACTION = 0.1
LARGEST = 5000


def stratified_validation(
    labels: Int64[Tensor, " n"],
    fraction: float = FRACTION,
    *,
    seed: int,
    cap: int | None = LARGEST,
    groups: Int64[Tensor, " n"] | None = None,
) -> tuple[Int64[Tensor, " t"], Int64[Tensor, " v"]]:
    """Return the positions of the training and of the validation images, both ascending.

    `round(fraction * n)` images, at most `cap`, are shared out among the classes in proportion
    to their size (largest remainders first). A class with two images or more gives at least one
    and keeps at least one; a class with one image is for training only.

    Args:
        labels: Class of each image of the training half.
        fraction: Share for validation, above 0 and below 1.
        seed: Decides the draw.
        cap: Most images for validation; None for no limit. 5,000 tell accuracies apart that
            differ by 1 %, and more cost time each epoch.
        groups: Images with the same number stay on one side, such as identical files. A group
            with more than one class is for training.

    Raises:
        DataError: `fraction` is not between 0 and 1.

    >>> train, validation = stratified_validation(torch.tensor([0, 0, 0, 1, 1, 1]), 0.3, seed=0)
    >>> len(train), len(validation)
    (4, 2)
    """
    if not 0 < fraction < 1:
        raise DataError(
            f"validation is {fraction}; it must be above 0 and below 1, such as {FRACTION}"
        )
    if groups is not None and len(groups.unique()) == len(groups):
        groups = None  # every image is alone: the same draw, without the walk
    units = _units(labels, groups)
    total = round(fraction * len(labels))
    quotas = _quotas(labels, total if cap is None else min(total, cap))
    taken = torch.zeros(len(labels), dtype=torch.bool)
    for label, quota in enumerate(quotas):
        places = torch.nonzero(labels == label).flatten()
        places = places[shuffled(len(places), seed=seed, use=f"validation {label}")]
        left = quota
        if groups is None:
            taken[places[:quota]] = True
            continue
        for place in places.tolist():
            members = units[int(groups[place])]
            if left and 0 < len(members) <= left and not taken[place]:
                taken[members] = True
                left -= len(members)
    return torch.nonzero(~taken).flatten(), torch.nonzero(taken).flatten()


def _units(labels: Int64[Tensor, " n"], groups: Int64[Tensor, " n"] | None) -> dict[int, list[int]]:
    """Return the members of each group; none for a group of several classes."""
    units: dict[int, list[int]] = {}
    if groups is None:
        return units
    for place, group in enumerate(groups.tolist()):
        units.setdefault(group, []).append(place)
    kinds = labels.tolist()
    for group, members in units.items():
        if len({kinds[place] for place in members}) > 1:
            units[group] = []
    return units


def _quotas(labels: Int64[Tensor, " n"], total: int) -> list[int]:
    """Share `total` out among the classes by largest remainder, within 1..count-1."""
    counts = torch.bincount(labels).tolist()
    exact = [total * count / max(len(labels), 1) for count in counts]
    quotas = [int(share) for share in exact]
    by_remainder = sorted(range(len(counts)), key=lambda k: (quotas[k] - exact[k], k))
    for label in by_remainder[: total - sum(quotas)]:
        quotas[label] += 1
    return [
        min(max(quota, 1), count - 1) if count > 1 else 0
        for quota, count in zip(quotas, counts, strict=True)
    ]
