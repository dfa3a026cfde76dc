"""What differs between runs: names, final numbers, fields, right and wrong answers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.report import wording
from striate.report.facts import flat
from striate.runs.record import RunRecord

__all__ = ["Row", "duel", "fields", "names", "numbers"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table with a column a run.

    Attributes:
        name: What it is.
        values: The value of each run, None where a run has none.
        texts: The values as they are written.
        best: Which runs have the best value, if one is better than another.
    """

    name: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    best: frozenset[int] = frozenset()

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return any(value != self.values[0] for value in self.values[1:])


def names(records: Sequence[RunRecord]) -> list[str]:
    """Return what each run is called; folders of one name are told apart by a number."""
    seen: dict[str, int] = {}
    result: list[str] = []
    for record in records:
        seen[record.name] = seen.get(record.name, 0) + 1
        again = seen[record.name]
        result.append(record.name if again == 1 else f"{record.name} ({again})")
    return result


def numbers(records: Sequence[RunRecord]) -> list[Row]:
    """Return the final numbers of each run, those that at least one has."""
    rows = (
        _row("Test accuracy", records, ("metrics", "test", "accuracy"), wording.percent, 1),
        _row(
            "Validation accuracy",
            records,
            ("metrics", "validation", "accuracy"),
            wording.percent,
            1,
        ),
        _row("Test loss", records, ("metrics", "test", "loss"), wording.decimal, -1),
        _row("Validation loss", records, ("metrics", "validation", "loss"), wording.decimal, -1),
        _row("Calibration error (test)", records, ("metrics", "test", "ece"), wording.percent, -1),
        _row("The same, scaled", records, ("metrics", "test", "ece_scaled"), wording.percent, -1),
        _row("Best epoch", records, ("metrics", "best_epoch"), wording.count, 0),
        _row("Parameters", records, ("layers", "totals", "parameters"), wording.count, 0),
        _row("Multiply-adds", records, ("layers", "totals", "multiply_adds"), wording.compact, 0),
    )
    return [row for row in rows if any(value is not None for value in row.values)]


def fields(parts: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return every field of nested tables, one line a field, in the order in which they come.

    >>> rows = fields([{"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}])
    >>> [(row.name, row.texts, row.differs) for row in rows]
    [('a', ('1', '1'), False), ('b.c', ('2', '3'), True)]
    """
    tables = [flat(part) for part in parts]
    keys = list(dict.fromkeys(key for table in tables for key in table))
    return [
        Row(
            name=key,
            values=tuple(table.get(key, _ABSENT) for table in tables),
            texts=tuple(
                wording.plain(table[key]) if key in table else "not there" for table in tables
            ),
        )
        for key in keys
    ]


def duel(first: RunRecord, second: RunRecord) -> tuple[int, int, float] | None:
    """Return how many images only the first names right, only the second, and how likely by chance.

    The last is the two-sided exact p-value of McNemar's test. None where the runs did not score
    the same images.

    Source:
        McNemar, Psychometrika 12 (1947), p. 153; exact by the binomial distribution.
    """
    one, other = first.predictions, second.predictions
    if one is None or other is None or not np.array_equal(one["labels"], other["labels"]):
        return None
    if not np.array_equal(one.get("names", np.zeros(0)), other.get("names", np.zeros(0))):
        return None
    right = [_said(part["scores"]) == part["labels"] for part in (one, other)]
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    return only_first, only_second, _binomial(only_first, only_second)


_ABSENT = object()


def _row(
    name: str, records: Sequence[RunRecord], path: tuple[str, ...], write: Any, better: int
) -> Row:
    """Return one number of each run; `better` is 1 if more is better, -1 if less is, else 0."""
    values = tuple(_at(record, path) for record in records)
    known = {i: value for i, value in enumerate(values) if value is not None}
    best: frozenset[int] = frozenset()
    if better and len(set(known.values())) > 1:
        top = max(better * value for value in known.values())
        best = frozenset(i for i, value in known.items() if better * value == top)
    return Row(name=name, values=values, texts=tuple(map(write, values)), best=best)


def _at(record: RunRecord, path: tuple[str, ...]) -> int | float | None:
    value: Any = getattr(record, path[0])
    for key in path[1:]:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _said(scores: np.ndarray) -> np.ndarray:
    """Return the class of the largest score; a single score is that of class 1 against class 0."""
    return (scores[:, 0] > 0).astype(np.int64) if scores.shape[1] == 1 else scores.argmax(axis=1)


def _binomial(a: int, b: int) -> float:
    """Return the chance of a split at least as uneven as `a : b` if either were equally likely."""
    n = a + b
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
        for k in range(min(a, b) + 1)
    ]
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))
