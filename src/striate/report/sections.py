"""What a page is made of: a section with its words, its numbers and the sheets that it shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from striate.report.pictures import Sheet
from striate.runs.record import RunRecord

__all__ = ["Section", "class_name", "data_name", "network_name", "scored_split"]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a page.

    Attributes:
        id: Its anchor, and the name of its template in `templates/sections/`.
        title: Its heading.
        view: What the template draws from.
        sheets: Pictures that stand once in the page and that the section cuts tiles from.
    """

    id: str
    title: str
    view: Mapping[str, Any]
    sheets: tuple[Sheet, ...] = field(default=())


def class_name(classes: tuple[str, ...], label: int) -> str:
    """Return the name of a class, or its number where there is no name.

    >>> class_name(("cat", "dog"), 1), class_name(("cat", "dog"), 7)
    ('dog', 'class 7')
    """
    return classes[label] if 0 <= label < len(classes) else f"class {label}"


def data_name(record: RunRecord) -> str:
    """Return what the data is called, for people."""
    source = record.recipe.get("data", {}).get("source")
    return str(record.data.get("name") or source or "unnamed data")


def network_name(record: RunRecord) -> str:
    """Return what the network is called: a zoo name, or the user's file and function."""
    return str(record.recipe.get("network", {}).get("name") or "a network")


def scored_split(record: RunRecord) -> str:
    """Return the split that the scores a class, the confusion and the calibration are of."""
    metrics = record.metrics or {}
    return str(metrics.get("classes_split") or ("test" if metrics.get("test") else "validation"))
