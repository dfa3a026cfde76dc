"""The sum of one step: what stands under the window, times what, and what comes of it."""

from dataclasses import dataclass

from striate.ops import MapTrace, OutputTrace
from striate.report.step_board import shown
from striate.report.wording import count

__all__ = ["LARGEST_SIDE", "Sum", "Term", "description", "place_words", "sum_of"]

LARGEST_SIDE = 11
"""Rows or columns of a window up to which its numbers are drawn one by one."""

_TERMS = 3  # planes whose numbers are drawn
_SUMMANDS = 9  # numbers up to which a sum is written out
_PARTS = 6  # of a longer one, what is written out


@dataclass(frozen=True, kw_only=True)
class Term:
    """One plane under the window.

    Attributes:
        name: Which plane; empty if there is one only.
        values: Numbers under the window, row by row; empty where there is nothing.
        weights: What they are multiplied by; None for a pooling.
        products: Their products; None for a pooling.
        real: Whether a real cell lies there.
        winner: Row and column, within the window, of the cell that wins a pooling.
    """

    name: str
    values: tuple[tuple[str, ...], ...]
    weights: tuple[tuple[str, ...], ...] | None
    products: tuple[tuple[str, ...], ...] | None
    real: tuple[tuple[bool, ...], ...]
    winner: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class Sum:
    """How an output cell comes about, ready to be drawn.

    Attributes:
        terms: The first planes; none where windows are too large to be drawn.
        left_out: What is not drawn, in words; empty if nothing is.
        formula: From the sums of the planes to the output.
        said: All of it in a sentence.
    """

    terms: tuple[Term, ...]
    left_out: str
    formula: str
    said: str


def sum_of(step: OutputTrace) -> Sum:
    """Return the sum of one step in numbers and words.

    >>> import torch
    >>> from striate.ops import trace_output
    >>> sum_of(trace_output(torch.eye(2), torch.ones(2, 2), (0, 0))).said
    'Output row 0, column 0: the 4 products add up to 2.'
    """
    terms = _terms(step)
    planes = _planes(step)
    left_out = ""
    if not terms:
        size = " × ".join(str(len(p)) for p in step.positions)
        left_out = f"A window of {size} cells is too large to be drawn number by number."
    elif planes > len(terms):
        more = planes - len(terms)
        left_out = f"{count(more)} more {_plane_word(step, more)} in the same way."
    return Sum(terms=terms, left_out=left_out, formula=_formula(step), said=_said(step))


def description(trace: MapTrace) -> str:
    """Return what is done to which map, in a line.

    >>> import torch
    >>> from striate.ops import Convolution, trace_map
    >>> description(trace_map(torch.eye(4), Convolution(torch.ones(3, 3), stride=2, padding=1)))
    'Convolution 3 × 3, stride 2, padding 1: 4 × 4 → 2 × 2'
    """
    step = trace.steps[0]
    skip = {"kernel_size"} | ({"output_size"} if "output_size" in step.settings else set())
    words = [f"{step.kind.capitalize()} {_by(len(p) for p in step.positions)}"]
    if "output_size" in step.settings:
        words = [f"Adaptive {step.kind}"]
    for name, value in step.settings.items():
        if name not in skip and not _nothing(name, value):
            words.append(_setting(name, value))
    return f"{', '.join(words)}: {_by(step.input_size)} → {_by(step.output_size)}"


def _nothing(name: str, value: object) -> bool:
    """Whether a setting has no effect, such as a padding of (0, 0)."""
    plain = 1 if name in ("stride", "dilation") else 0
    values = value if isinstance(value, tuple | list) else (value,)
    return value is None or all(v == plain or v == (plain, plain) for v in values)


def _setting(name: str, value: object) -> str:
    plain = name.replace("_", " ")
    if value is True:
        return {"flip": "kernel turned round", "ceil": "rounded up"}.get(name, plain)
    if isinstance(value, tuple | list):
        same = len(set(map(str, value))) == 1
        return f"{plain} {value[0] if same else ' × '.join(map(str, value))}"
    return f"{plain} {value}"


def _by(sizes: object) -> str:
    return " × ".join(map(str, sizes))  # pyright: ignore[reportArgumentType]


def _planes(step: OutputTrace) -> int:
    return len(step.channels) * (len(step.positions[0]) if len(step.at) == 3 else 1)


def _plane_word(step: OutputTrace, n: int) -> str:
    word = "plane" if len(step.at) == 3 else "channel"
    return word if n == 1 else f"{word}s"


def _terms(step: OutputTrace) -> tuple[Term, ...]:
    """Return the first planes of the window, flat maps as one row."""
    sides = [len(p) for p in step.positions[-2:]]
    if max(sides) > LARGEST_SIDE:
        return ()
    height, width = (1, sides[0]) if len(sides) == 1 else sides
    shape = (-1, height, width)
    values, weights, products = (
        t.reshape(shape).tolist() for t in (step.values, step.weights, step.products)
    )
    real = (~step.padding).reshape(shape).tolist()
    repeated = all(s is not None for axis in step.sources for s in axis)  # padding that holds cells
    pooled = step.kind.endswith("pooling")
    names = _names(step)
    terms = []
    for n in range(min(len(names), _TERMS)):
        here = real[n % len(real)]
        texts = [
            [
                shown(v) if r or repeated or not pooled else ""
                for v, r in zip(row, line, strict=True)
            ]
            for row, line in zip(values[n], here, strict=True)
        ]
        won = [(i, j) for i, row in enumerate(weights[n]) for j, w in enumerate(row) if w]
        terms.append(
            Term(
                name=names[n] if len(names) > 1 else "",
                values=_frozen(texts),
                weights=None if pooled else _frozen([[shown(w) for w in r] for r in weights[n]]),
                products=None if pooled else _frozen([[shown(p) for p in r] for r in products[n]]),
                real=_frozen(here),
                winner=won[0] if step.winner is not None and won else None,
            )
        )
    return tuple(terms)


def _frozen(rows: list[list]) -> tuple[tuple, ...]:
    return tuple(tuple(row) for row in rows)


def _names(step: OutputTrace) -> list[str]:
    if len(step.at) < 3:
        return [f"channel {channel}" for channel in step.channels]
    slices = ["padding" if s is None else f"slice {s}" for s in step.sources[0]]
    if len(step.channels) == 1:
        return slices
    return [f"channel {channel}, {part}" for channel in step.channels for part in slices]


def _formula(step: OutputTrace) -> str:
    """Return the way from the numbers under the window to the output."""
    result = shown(step.output)
    if step.divisor is not None:
        return f"{shown(float(step.values.sum()))} ÷ {shown(step.divisor)} = {result}"
    if step.kind.endswith("pooling"):
        return f"{'largest' if step.kind.startswith('max') else 'smallest'} = {result}"
    lead = 2 if len(step.at) == 3 else 1
    parts = [float(p.sum()) for p in step.products.flatten(0, lead - 1)]
    if len(parts) == 1:
        products = step.products.flatten().tolist()
        if len(products) <= _SUMMANDS:
            parts = products
    told = parts[:_PARTS] if len(parts) > _SUMMANDS else parts
    text = _added(told)
    if len(parts) > len(told):
        rest = sum(parts[len(told) :])
        text = f"{text} {_signed(rest)} ({count(len(parts) - len(told))} more)"
    if step.bias is not None:
        text = f"{text} {_signed(step.bias)} (bias)"
    return (
        f"sum of {count(step.values.numel())} products = {result}"
        if text == result
        else f"{text} = {result}"
    )


def _added(values: list[float]) -> str:
    return " ".join([shown(values[0]), *map(_signed, values[1:])])


def _signed(value: float) -> str:
    return f"− {shown(-value)}" if value < 0 else f"+ {shown(value)}"


def _said(step: OutputTrace) -> str:
    """Return the step in a sentence, for those who hear it."""
    where = f"Output {place_words(step.at)}"
    cells = int((~step.padding).sum())
    if step.divisor is not None:
        total = shown(float(step.values.sum()))
        return f"{where}: {total} divided by {shown(step.divisor)} is {shown(step.output)}."
    if step.kind.endswith("pooling"):
        which = "largest" if step.kind.startswith("max") else "smallest"
        if step.winner is None:
            return f"{where}: there is no cell under the window."
        return (
            f"{where}: the {which} of {count(cells)} is {shown(step.output)}, "
            f"at {place_words(step.winner)}."
        )
    n = step.values.numel()
    what = "the product is" if n == 1 else f"the {count(n)} products add up to"
    text = f"{where}: {what} {shown(step.sum)}"
    if step.bias is not None:
        text += f"; with the bias {shown(step.bias)} that is {shown(step.output)}"
    return f"{text}."


def place_words(at: tuple[int, ...]) -> str:
    """Return a place in words.

    >>> place_words((2, 0))
    'row 2, column 0'
    """
    names = {1: ("cell",), 2: ("row", "column"), 3: ("slice", "row", "column")}[len(at)]
    return ", ".join(f"{name} {place}" for name, place in zip(names, at, strict=True))
