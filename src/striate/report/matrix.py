"""The confusion matrix: a table with heat colours, or a picture of its cells when it is large."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from striate.report import wording
from striate.report.sections import Section, class_name, scored_split
from striate.report.summary import pairs
from striate.report.svg import element
from striate.runs.record import RunRecord

__all__ = ["LEVELS", "Cell", "confusion", "level"]

LEVELS = 8
"""Steps of the heat colours; the style sheet has one rule for each."""

_TABLE = 20  # classes up to which every count stands in a table
_NAMED = 60  # classes up to which the picture has names on its sides
_CELLS = 30_000  # cells that the picture draws at most, the largest


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the table: how many of a class were taken for which."""

    count: int | float
    look: str
    said: str


def level(share: int | float, *, right: bool) -> int:
    """Return the heat of a share of a class, 0 to `LEVELS`.

    What is right counts evenly. What is wrong counts by its root, as mistakes are few, and one
    alone is to be seen.

    >>> level(0.5, right=True), level(0.25, right=False), level(0.0001, right=False)
    (4, 4, 1)
    """
    heat = share if right else math.sqrt(max(share, 0.0))
    return min(LEVELS, math.ceil(LEVELS * heat - 1e-9))


def confusion(record: RunRecord) -> Section | None:
    """Return the confusion matrix and its most frequent mistakes."""
    counts = (record.metrics or {}).get("confusion") or []
    n = len(counts)
    if not n or any(len(row) != n for row in counts):
        return None
    names = [class_name(record.classes, i) for i in range(n)]
    shares = [[value / (sum(row) or 1) for value in row] for row in counts]
    few = n <= _TABLE
    return Section(
        id="confusion",
        title="Confusion matrix",
        view={
            "split": scored_split(record),
            "names": names,
            "rows": _cells(counts, shares, names) if few else None,
            "picture": None if few else _picture(counts, shares, names),
            "pairs": [
                (names[i], names[j], count, share)
                for i, j, count, share in pairs(counts, 8 if few else 20)
            ],
            "total": sum(map(sum, counts)),
            "right": sum(counts[i][i] for i in range(n)),
        },
    )


def _look(share: int | float, *, right: bool) -> str:
    heat = level(share, right=right)
    return f"{'hit' if right else 'miss'} heat-{heat}" if heat else ""


def _cells(
    counts: Sequence[Sequence[int | float]], shares: Sequence[Sequence[float]], names: Sequence[str]
) -> list[tuple[str, list[Cell]]]:
    rows: list[tuple[str, list[Cell]]] = []
    for i, row in enumerate(counts):
        total = sum(row)
        cells = [
            Cell(
                count=value,
                look=_look(shares[i][j], right=i == j),
                said=f"{names[i]} taken for {names[j]}: {wording.count(value)} of "
                f"{wording.count(total)} ({wording.percent(shares[i][j], 1)})",
            )
            for j, value in enumerate(row)
        ]
        rows.append((names[i], cells))
    return rows


def _picture(
    counts: Sequence[Sequence[int | float]], shares: Sequence[Sequence[float]], names: Sequence[str]
) -> Markup:
    n = len(names)
    labelled = n <= _NAMED
    side = 12.0 * n if labelled else 720.0
    edge = 8 + 5.6 * max(len(_short(name)) for name in names) if labelled else 22.0
    inner = _squares(counts, shares, names, edge, side)
    right = sum(counts[i][i] for i in range(n)) / (sum(map(sum, counts)) or 1)
    return element(
        "svg",
        *(_labels(names, edge, side) if labelled else _axes(edge, side)),
        inner,
        class_="matrix",
        viewBox=f"0 0 {edge + side + 2:g} {edge + side + 2:g}",
        role="img",
        aria_label=f"Confusion matrix of {n} classes as a picture, a row a true class, a column "
        f"a predicted class. {wording.percent(right, 1)} of the images lie on the diagonal. The "
        "most frequent mistakes are listed below.",
    )


def _squares(
    counts: Sequence[Sequence[int | float]],
    shares: Sequence[Sequence[int | float]],
    names: Sequence[str],
    edge: float,
    side: float,
) -> Markup:
    """Return the cells that are not 0, those of one heat in one path."""
    n = len(names)
    found = [
        (shares[i][j], i, j, value)
        for i, row in enumerate(counts)
        for j, value in enumerate(row)
        if value > 0
    ]
    found = sorted(found, reverse=True)[:_CELLS]
    paths: dict[str, list[str]] = {}
    for share, i, j, _ in found:
        paths.setdefault(_look(share, right=i == j), []).append(f"M{j} {i}h1v1h-1z")
    return element(
        "svg",
        element("rect", width=n, height=n, class_="ground"),
        *[element("path", d="".join(parts), class_=look) for look, parts in paths.items()],
        x=edge,
        y=edge,
        width=side,
        height=side,
        viewBox=f"0 0 {n} {n}",
        class_="cells",
        data_names=json.dumps(list(names)),
        data_cells=" ".join(f"{i},{j},{value:g}" for _, i, j, value in found),
    )


def _labels(names: Sequence[str], edge: float, side: float) -> list[Markup]:
    step = side / len(names)
    parts: list[Markup] = []
    for i, name in enumerate(names):
        short = _short(name)
        middle = edge + (i + 0.5) * step
        parts.append(
            element("text", short, x=edge - 5, y=middle + 3.5, text_anchor="end", class_="small")
        )
        parts.append(
            element(
                "text",
                short,
                transform=f"translate({middle + 3.5:.1f} {edge - 5:.1f}) rotate(-90)",
                class_="small",
            )
        )
    return parts


def _short(name: str) -> str:
    return name if len(name) <= 22 else name[:21] + "…"


def _axes(edge: float, side: float) -> list[Markup]:
    middle = edge + side / 2
    return [
        element("text", "predicted class", x=middle, y=14, text_anchor="middle"),
        element(
            "text",
            "true class",
            transform=f"translate(14 {middle:.1f}) rotate(-90)",
            text_anchor="middle",
        ),
    ]
