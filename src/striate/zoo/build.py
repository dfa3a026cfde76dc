"""A network by its name, for any number of channels and classes, checked before it is made."""

import copy
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from striate._errors import NetworkError, ShapeError
from striate.layers.conv_block import NORMS, ORDERS
from striate.zoo.registry import CARDS, Card

__all__ = ["build", "default_network", "names"]


def build(
    name: str,
    *,
    in_channels: int | None = None,
    classes: int | None = None,
    size: int | Sequence[int] | None = None,
    norm: str | None = None,
    order: str | None = None,
    dropout: float | None = None,
    **options: Any,
) -> nn.Module:
    """Return the network `name` with fresh weights, drawn from torch's global generator.

    What is None is as on the network's card.

    Args:
        name: One of `names()`.
        in_channels: Channels of an image.
        classes: Classes to tell apart. Where the card says `one_unit`, two classes give one output
            unit, whose score is above 0 for the second class.
        size: Height and width of an image, in pixels, or one number for both.
        norm: `batch`, `group`, `instance` or `none`.
        order: `norm-act` or `act-norm`.
        dropout: Share of the last features that is dropped in training, 0 to below 1.
        options: More of the family's own, named on its card.

    Raises:
        NetworkError: No such network, no such option, or a value out of range.
        ShapeError: Images of `size` are too small.

    >>> build("lenet5", classes=3)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 3])
    """
    card = _card(name)
    in_channels = _count("in_channels", card.in_channels if in_channels is None else in_channels)
    classes = _count("classes", card.classes if classes is None else classes)
    height, width = _size(name, card, size)
    options |= {"norm": norm, "order": order, "dropout": dropout}
    options = {key: value for key, value in options.items() if value is not None}
    _check_options(name, card, options)
    if card.sized:
        options["size"] = (height, width)
    network = card.build(in_channels=in_channels, classes=classes, **options)
    if norm == "instance":
        _check_instance_norms(network, in_channels, height, width)
    return network


def names() -> tuple[str, ...]:
    """Return the names that `build` knows, sorted."""
    return tuple(sorted(CARDS))


def default_network(size: int | Sequence[int]) -> str:
    """Return the name of the network for images of `size` when nobody names one.

    >>> default_network(28), default_network((128, 96))
    ('small_resnet', 'resnet18')
    """
    longest = size if isinstance(size, int) else max(size)
    return "small_resnet" if longest <= 64 else "resnet18"


def _card(name: str) -> Card:
    if name not in CARDS:
        near = get_close_matches(name.lower(), CARDS, n=3, cutoff=0.5)
        known = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(names())}"
        said = f"no network {name!r}" if name else "the name of the network is empty"
        raise NetworkError(f"{said}; {known}")
    return CARDS[name]


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise NetworkError(f"{name} is {value!r}; it must be a whole number of at least 1")
    return value


def _size(name: str, card: Card, size: Any) -> tuple[int, int]:
    size = card.side if size is None else size
    sides = (size, size) if isinstance(size, int) else size
    if not isinstance(sides, list | tuple) or len(sides) != 2:
        raise NetworkError(f"size is {size!r}; it must be one number, or height and width")
    height, width = (_count("size", side) for side in sides)
    if min(height, width) < card.least:
        raise ShapeError(
            f"images of {height} x {width} pixels are too small for {name}; "
            f"{card.least} x {card.least} is the least that works"
        )
    return height, width


def _check_options(name: str, card: Card, options: dict[str, Any]) -> None:
    if unknown := [option for option in options if option not in card.options]:
        has = f"its options are {', '.join(card.options)}" if card.options else "it has none"
        raise NetworkError(f"{name} has no option {unknown[0]!r}; {has}")
    for option, allowed in (("norm", NORMS), ("order", ORDERS)):
        if option in options and options[option] not in allowed:
            raise NetworkError(
                f"{option} is {options[option]!r}; it must be one of {', '.join(allowed)}"
            )
    for option, value in options.items():
        if option not in ("norm", "order", "dropout") and not isinstance(value, bool):
            raise NetworkError(f"{option} is {value!r}; it must be true or false")
    dropout = options.get("dropout", 0)
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise NetworkError(f"dropout is {dropout!r}; it must be at least 0 and below 1")


def _check_instance_norms(network: nn.Module, in_channels: int, height: int, width: int) -> None:
    """Refuse an instance norm that would see one position: it makes every input the same."""

    def look(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(norm, nn.InstanceNorm2d) and inputs[0].shape[2:].numel() == 1:
            raise ShapeError(
                f"instance norm needs more than one position, but images of {height} x {width} "
                "pixels end in a map of 1 x 1; use larger images, or norm='batch' or 'group'"
            )

    shadow = copy.deepcopy(network).to("meta").eval()
    for module in shadow.modules():
        module.register_forward_pre_hook(look)
    shadow(torch.empty(1, in_channels, height, width, device="meta"))
