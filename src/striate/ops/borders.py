"""Borders around images: zeros, a reflection, the edge repeated, or the far side wrapped round."""

from itertools import chain

import torch.nn.functional as F
from jaxtyping import Shaped
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.padding import AXIS_NAMES, Pairs

__all__ = ["AXIS_NAMES", "PADDING_MODES", "add_border"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def add_border(
    images: Shaped[Tensor, "n c *sizes"],
    pairs: Pairs,
    padding_mode: str = "zeros",
    *,
    value: float = 0.0,
) -> Shaped[Tensor, "n c *larger"]:
    """Return a copy of `images` with a border; `images` themselves where every pair is (0, 0).

    * `"zeros"`: filled with `value`.
    * `"reflect"`: mirrored at the edge pixel, which is not repeated: c b | a b c | b a.
    * `"replicate"`: the edge pixel repeated: a a | a b c | c c.
    * `"circular"`: wrapped round: b c | a b c | a b.

    Args:
        images: Batch with one to three axes behind the channels.
        pairs: Pixels (before, after) each of those axes.
        padding_mode: One of `PADDING_MODES`.
        value: What `"zeros"` fills with.

    Raises:
        ShapeError: An unknown mode, or fewer pixels to reflect or wrap than the border takes.

    >>> import torch
    >>> add_border(torch.arange(3.0).view(1, 1, 3), ((2, 1),), "reflect").tolist()
    [[[2.0, 1.0, 0.0, 1.0, 2.0, 1.0]]]
    """
    if padding_mode not in PADDING_MODES:
        names = ", ".join(PADDING_MODES)
        raise ShapeError(f"padding_mode is {padding_mode!r}; it must be one of {names}")
    if not any(map(any, pairs)):
        return images
    flat = list(chain.from_iterable(reversed(pairs)))  # torch wants the last axis first
    if padding_mode == "zeros":
        return F.pad(images, flat, value=value)
    _check_room(images, pairs, padding_mode)
    return F.pad(images, flat, mode=padding_mode)


def _check_room(images: Tensor, pairs: Pairs, padding_mode: str) -> None:
    """Refuse a border that takes more pixels than there are to copy."""
    for name, size, pair in zip(AXIS_NAMES[len(pairs)], images.shape[2:], pairs, strict=True):
        if max(pair) and not size:
            raise ShapeError(f"the {name} is 0: there is no pixel for {padding_mode} padding")
        most = {"reflect": size - 1, "circular": size, "replicate": max(pair)}[padding_mode]
        if max(pair) > most:
            raise ShapeError(
                f"{padding_mode} padding adds {pair} pixels before and after the {name} of {size}; "
                f"{most} is the most at either end (padding_mode='replicate' has no such bound)"
            )
