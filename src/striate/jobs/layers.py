"""The layer table of any network that a user can name."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import torch
from torch import nn

from striate import anatomy, zoo
from striate._errors import NetworkError, ShapeError
from striate.files import printable
from striate.runs import NetworkSpec, open_network
from striate.runs.code import names_code

__all__ = ["layers"]

_DTYPES = ("float32", "float64", "float16", "bfloat16")
_SIDE, _CHANNELS, _CLASSES = 224, 3, 10  # of code that says nothing of itself


def layers(
    model: str | os.PathLike[str],
    *,
    size: Sequence[int] | Sequence[Sequence[int]] | None = None,
    batch: int = 1,
    dtype: str | None = None,
    code: str | None = None,
) -> anatomy.LayerTable:
    """Return the layer table of a network; nothing is trained, and weights are not needed.

    Args:
        model: A run folder, `file.py:function`, or a zoo name.
        size: Shape of an image, channels first; or height and width alone, or one number for
            both; or channels and length, where the first convolution is 1-d; or a shape for each
            input. None is what the run or the card says, or 224 x 224
            pixels.
        batch: Images in the batch.
        dtype: `float32`, `float64`, `float16` or `bfloat16`; None is that of the weights.
        code: The run's own `file.py:function`, if its network is code.

    Raises:
        NetworkError: No such network, or its forward fails; the call where it does is named.
        ShapeError: A size below 1, or another dtype.
        RunError: No such run, or one that is damaged.

    >>> layers("lenet5").parameters
    61706
    """
    shapes = _shapes(size)
    name = os.fspath(model)
    kind = _dtype(dtype)
    if name.endswith(".py"):
        shown = printable(name)
        raise NetworkError(f"{shown} says no function; name a function: {shown}:net")
    if _is_run(name):
        opened = open_network(name, code=code)
        known = opened.card.preprocessing
        network, side = opened.network, (known.height, known.width)
        channels: int | None = known.channels
    else:
        if code is not None:
            raise NetworkError("--code goes with a run folder; name the code itself as the model")
        network, side, channels = _fresh(name, shapes)
    if len(shapes) > 1 or len(shapes[0]) > 2:
        return anatomy.table(network, shapes, batch=batch, dtype=kind)
    lengths = shapes[0] or side
    if len(shapes[0]) == 2 and anatomy.image_axes(network) == 1:
        if not _is_run(name):  # the function is to know the channels
            network, _, _ = _fresh(name, [(lengths[0], 1, lengths[-1])])
        return anatomy.table(network, lengths, batch=batch, dtype=kind)
    return anatomy.table(
        network,
        lengths[0] if len(lengths) == 1 else lengths,
        in_channels=channels,
        batch=batch,
        dtype=kind,
    )


def _is_run(name: str) -> bool:
    """Whether a name is of a folder; what is neither that nor code nor in the zoo is a bad name."""
    if names_code(name) or name in zoo.CARDS:
        return False
    try:
        return Path(name).exists() or os.sep in name
    except (OSError, ValueError):  # a name that no file can have
        return False


def _shapes(
    size: Sequence[int] | Sequence[Sequence[int]] | None,
) -> list[tuple[int, ...]]:
    """Return a shape an input; one that says nothing is empty."""
    if size is None:
        return [()]
    numbers = [n for n in size if isinstance(n, int)]
    if numbers:
        return [tuple(numbers)]
    return [tuple(one) for one in size if not isinstance(one, int)] or [()]


def _fresh(
    name: str, shapes: Sequence[tuple[int, ...]]
) -> tuple[nn.Module, tuple[int, ...], int | None]:
    """Return a network with fresh weights, the size of its images, and their channels if known."""
    card = zoo.CARDS.get(name)
    first = shapes[0]
    given = first[0] if len(first) > 2 else None
    channels = given or (_CHANNELS if card is None else card.in_channels)
    lengths = first[1:] if len(first) > 2 else first
    side = _SIDE if card is None else card.side
    height, width = (*lengths, side, side)[:2] if len(lengths) != 1 else (lengths[0], lengths[0])
    if min(height, width, channels) < 1:
        raise ShapeError(f"size {'x'.join(str(n) for n in first)} must be > 0")
    spec = NetworkSpec(name=name)
    classes = _CLASSES if card is None else card.classes
    if card is None:  # code may do anything while it builds, also what needs values
        with torch.random.fork_rng(devices=[]):
            network = spec.build(in_channels=channels, classes=classes, size=(height, width))
    else:
        with torch.device("meta"):
            network = spec.build(in_channels=channels, classes=classes, size=(height, width))
    known = channels if given is not None or card is not None else None
    return network, (height, width), known


def _dtype(name: str | None) -> torch.dtype | None:
    if name is None:
        return None
    if name not in _DTYPES:
        near = get_close_matches(name, _DTYPES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ShapeError(f"dtype is {name!r}; {hint}it must be one of {', '.join(_DTYPES)}")
    return getattr(torch, name)
