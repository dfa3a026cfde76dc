"""Rows of two passes made one: each call once, each parameter once."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from torch import nn

from striate.anatomy.layer_row import LayerRow
from striate.anatomy.passes import CalledRow, ForwardPass

__all__ = ["rows_of"]

Pair = tuple[CalledRow | None, CalledRow | None]
"""The same call in evaluation mode and in training mode; None where a mode does not make it."""


def rows_of(
    network: nn.Module, evaluated: ForwardPass, trained: ForwardPass | None
) -> tuple[LayerRow, ...]:
    """Return the rows of a network from a pass in evaluation mode and one in training mode.

    Args:
        network: The network both passes ran.
        evaluated: The pass in evaluation mode.
        trained: The pass in training mode, of the same parameters; None if there is none.
    """
    pairs = [(row, None) for row in evaluated.rows]
    if trained is not None:
        pairs = _paired(evaluated.rows, trained.rows)
    counted: set[int] = set()
    names = {row.name for row in evaluated.rows}
    rows: list[tuple[str, LayerRow]] = []
    places: dict[int, int] = {0: 0}  # rows of the evaluating pass: where each stands now
    for before, after in pairs:
        row = before or after
        if row is None:
            continue
        made = _row(row, counted)
        made = replace(
            made,
            activation_bytes=before.activation_bytes if before else 0,
            backward_bytes=(after.kept_bytes if after else 0) if trained is not None else None,
            multiply_adds=before.multiply_adds if before else 0,
        )
        if before is None:
            name = made.name if made.name not in names else f"{made.name} again"
            names.add(name)
            made = replace(made, name=name, mode="training")
        elif after is None and trained is not None:
            made = replace(made, mode="evaluation")
        rows.append((row.module, made))
        if before is not None:
            places[len(places)] = len(rows)
    return tuple(_with_leftovers(network, rows, counted, evaluated, places))


def _paired(evaluated: Sequence[CalledRow], trained: Sequence[CalledRow]) -> list[Pair]:
    """Return the calls of both passes side by side, in order."""
    one, other = [row.sign for row in evaluated], [row.sign for row in trained]
    if one == other:
        return list(zip(evaluated, trained, strict=True))
    pairs: list[Pair] = []
    for tag, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs += zip(evaluated[a:b], trained[c:d], strict=True)
        else:
            pairs += [(row, None) for row in evaluated[a:b]]
            pairs += [(None, row) for row in trained[c:d]]
    return pairs


def _row(row: CalledRow, counted: set[int]) -> LayerRow:
    new = [p for p in row.used if id(p) not in counted]
    counted.update(id(p) for p in new)
    parameters, trainable = _numbers(new)
    return LayerRow(
        name=row.name,
        kind=row.kind,
        output_shape=row.shape,
        parameters=parameters,
        trainable=trainable,
        shared=len(new) < len(row.used),
        multiply_adds=row.multiply_adds,
        receptive_field=row.receptive_field,
    )


def _with_leftovers(
    network: nn.Module,
    called: list[tuple[str, LayerRow]],
    counted: set[int],
    evaluated: ForwardPass,
    places: dict[int, int],
) -> list[LayerRow]:
    """Return the rows, each parameter that no call took given to its module's first row.

    A module without a call of its own gets a row where its forward ended, or at the end.
    """
    added: list[tuple[int, int, LayerRow]] = []
    for name, module in network.named_modules():
        own = [p for p in module._parameters.values() if p is not None]
        left = [p for p in own if id(p) not in counted]
        counted.update(id(p) for p in left)
        parameters, trainable = _numbers(left)
        if not parameters:
            continue
        at = next((i for i, (path, _) in enumerate(called) if path == name and name), None)
        if at is None:
            before, order, shape = evaluated.ended.get(name, (len(places) - 1, len(called), ()))
            row = _other(name or type(module).__name__, shape, parameters, trainable)
            added.append((places.get(before, len(called)), order, row))
        else:
            row = called[at][1]
            parameters, trainable = row.parameters + parameters, row.trainable + trainable
            called[at] = (name, replace(row, parameters=parameters, trainable=trainable))
    rows = [row for _, row in called]
    added.sort(key=lambda entry: entry[:2])
    for place, _, row in reversed(added):
        rows.insert(place, row)
    return rows


def _numbers(parameters: Sequence[nn.Parameter]) -> tuple[int, int]:
    """Return how many numbers there are, and how many are trained; each parameter once."""
    distinct = {id(p): p for p in parameters}.values()
    trained = sum(p.numel() for p in distinct if p.requires_grad)
    return sum(p.numel() for p in distinct), trained


def _other(name: str, shape: tuple[int, ...], parameters: int, trainable: int) -> LayerRow:
    return LayerRow(
        name=name,
        kind="other",
        output_shape=shape,
        parameters=parameters,
        trainable=trainable,
        shared=False,
        multiply_adds=0,
        activation_bytes=0,
        backward_bytes=0,
    )
