"""One step as lines for a terminal: the window, the weights and the products side by side."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest
from typing import Any

__all__ = ["step_lines"]

# What a terminal of any encoding shows.
_PLAIN = str.maketrans({"×": "x", "−": "-", "→": "->", "÷": "/", "∞": "inf"})


def step_lines(done: Any) -> Iterator[str]:
    """Yield the lines that describe a `jobs.Stepped`."""
    from striate.report.step_sum import description, sum_of

    step = done.step
    total = sum_of(step)
    yield f"{description(done.trace)}".translate(_PLAIN)
    yield f"over {done.source}"
    yield ""
    yield total.said.translate(_PLAIN)
    yield _read(step)
    padded = False
    for term in total.terms:
        yield ""
        if term.name:
            yield term.name
        for line in _beside(term):
            yield line.translate(_PLAIN).rstrip()
        padded = padded or not all(real for row in term.real for real in row)
    yield ""
    if total.left_out:
        yield total.left_out.translate(_PLAIN)
    yield total.formula.translate(_PLAIN)
    if padded:
        between = max(step.stretch) > 1
        yield f"(in brackets: padding{', or zeros between the cells' if between else ''})"
    yield from _files(done)


def _read(step: Any) -> str:
    """Return which cells the window lies on."""
    names = {1: ("cells",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}
    parts = []
    for name, places in zip(names[len(step.positions)], step.positions, strict=True):
        steps = {b - a for a, b in pairwise(places)}
        if len(places) == 1:
            parts.append(f"{name[:-1]} {places[0]}")
        elif steps == {1}:
            parts.append(f"{name} {places[0]} to {places[-1]}")
        else:
            parts.append(f"{name} {', '.join(map(str, places))}")
    where = " of the stretched input" if max(step.stretch) > 1 else " of the input"
    return f"It reads {' and '.join(parts) if len(parts) < 3 else ', '.join(parts)}{where}."


def _beside(term: Any) -> Iterator[str]:
    """Yield the rows of the window, the weights and the products."""
    values = [
        [text if real else f"({text})" for text, real in zip(row, there, strict=True)]
        for row, there in zip(term.values, term.real, strict=True)
    ]
    if term.winner is not None:
        row, column = term.winner
        values[row][column] = f"*{values[row][column]}"
    blocks = [_aligned(values)]
    if term.weights is not None:
        blocks += [_aligned(term.weights), _aligned(term.products)]
    middle = len(values) // 2
    for number, lines in enumerate(zip_longest(*blocks)):
        signs = ("   x   ", "   =   ") if number == middle else ("       ", "       ")
        text = lines[0]
        for sign, part in zip(signs, lines[1:], strict=False):
            text += sign + part
        yield f"  {text}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of numbers as lines, their last digits below one another."""
    # A bracket is behind the last digit: numbers without one are moved in by its width.
    closed = any(text.endswith(")") for row in rows for text in row)
    even = [
        [text if text.endswith(")") or not closed else f"{text} " for text in row] for row in rows
    ]
    width = max(len(text.translate(_PLAIN)) for row in even for text in row)
    return ["  ".join(f"{text.translate(_PLAIN):>{width}}" for text in row) for row in even]


def _files(done: Any) -> Iterator[str]:
    if not done.written:
        return
    yield ""
    for path in done.written:
        yield str(path)
    if done.animated is not None and done.animated[0] < done.animated[1]:
        steps, cells = done.animated
        yield f"(the animation has {steps:,} of {cells:,} steps; --most and --at choose others)"
