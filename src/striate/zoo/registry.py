"""Names of networks, with what each is known to cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

__all__ = ["CARDS", "Card", "register"]

Builder = TypeVar("Builder", bound=Callable[..., nn.Module])


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is known of a network without building it.

    Attributes:
        build: Makes it; keywords are fields of the family's `Config`. Without any it makes the
            network that the other fields describe.
        parameters: Trainable numbers.
        multiply_adds: Of convolutions and linear layers, for one image of `side` x `side`.
        side: Height and width it was counted with, and its default, in pixels.
        in_channels: Channels of that image.
        classes: Classes it was counted with.
        norm: Norm it was counted with; None where the family has none to choose.
        least: Shortest height or width that its geometry allows, in pixels.
        options: Names that `zoo.build` passes on, such as `norm`, `order`, `dropout`.
        sized: Whether the weights depend on the image's size (`Config` has a field `size`).
        one_unit: Whether two classes are told apart by one output unit.
    """

    build: Callable[..., nn.Module]
    parameters: int
    multiply_adds: int
    side: int = 224
    in_channels: int = 3
    classes: int = 1000
    norm: str | None = None
    least: int = 1
    options: tuple[str, ...] = ()
    sized: bool = False
    one_unit: bool = False


CARDS: dict[str, Card] = {}


def register(**facts: Any) -> Callable[[Builder], Builder]:
    """Enter a builder in `CARDS` under its own name; `facts` are fields of `Card`."""

    def enter(build: Builder) -> Builder:
        if build.__name__ in CARDS:
            raise ValueError(f"network {build.__name__!r} is registered twice")
        CARDS[build.__name__] = Card(build=build, **facts)
        return build

    return enter
