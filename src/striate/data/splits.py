"""Cutting a validation part from the training half."""

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from striate._errors import DataError
from striate.data.options import FRACTION
from striate.data.shuffle import shuffled

__all__ = ["LARGEST", "stratified_validation"]

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
    numbers = labels.cpu().numpy()
    units = None if groups is None else _units(numbers, groups.cpu().numpy())
    total = round(fraction * len(labels))
    quotas = _quotas(numbers, total if cap is None else min(total, cap))
    taken = np.zeros(len(labels), dtype=bool)
    for label, quota in enumerate(quotas):
        places = np.flatnonzero(numbers == label)
        places = places[shuffled(len(places), seed=seed, use=f"validation {label}").numpy()]
        if units is None:
            taken[places[:quota]] = True
            continue
        left = quota
        for place in places.tolist():
            members = units[place]
            if left and 0 < len(members) <= left and not taken[place]:
                taken[members] = True
                left -= len(members)
    return torch.from_numpy(np.flatnonzero(~taken)), torch.from_numpy(np.flatnonzero(taken))


def _units(labels: np.ndarray, groups: np.ndarray) -> list[list[int]] | None:
    """Return for each image the members of its group; none for a group of several classes.

    None if every image is alone: the same draw, without the walk.
    """
    if len(np.unique(groups)) == len(groups):
        return None
    together: dict[int, list[int]] = {}
    for place, group in enumerate(groups.tolist()):
        together.setdefault(group, []).append(place)
    kinds = labels.tolist()
    for group, members in together.items():
        if len({kinds[place] for place in members}) > 1:
            together[group] = []
    return [together[group] for group in groups.tolist()]


def _quotas(labels: np.ndarray, total: int) -> list[int]:
    """Share `total` out among the classes by largest remainder, within 1..count-1."""
    counts = np.bincount(labels).tolist()
    exact = [total * count / max(len(labels), 1) for count in counts]
    quotas = [int(share) for share in exact]
    by_remainder = sorted(range(len(counts)), key=lambda k: (quotas[k] - exact[k], k))
    for label in by_remainder[: total - sum(quotas)]:
        quotas[label] += 1
    return [
        min(max(quota, 1), count - 1) if count > 1 else 0
        for quota, count in zip(quotas, counts, strict=True)
    ]
