"""Networks by name, each with a card of what it costs."""

from striate.zoo import papers as papers  # fills CARDS
from striate.zoo.build import build, default_network, names
from striate.zoo.registry import CARDS, Card

__all__ = ["CARDS", "Card", "build", "default_network", "names"]
