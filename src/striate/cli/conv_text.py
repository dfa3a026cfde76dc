"""The facts of a convolution as lines for a terminal."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from striate.cli.text import StyledLine
from striate.ops.axis_facts import AxisFacts
from striate.ops.comparisons import Comparison
from striate.ops.counting import Cost
from striate.ops.layer_facts import ConvolutionFacts
from striate.ops.padding import Padding

__all__ = ["comparison_lines", "facts_lines", "memory_text"]

LABEL = 17  # columns
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_FORMULA = "floor((size + before + after - span) / stride) + 1"
_FORMULA_BACK = "(size - 1) * stride + span - before - after + output_padding"


def facts_lines(facts: ConvolutionFacts) -> Iterator[StyledLine]:
    """Yield the lines that describe `facts`, a `ConvolutionFacts`."""
    kind = "transposed convolution" if facts.transposed else "convolution"
    shapes = f"{_shape(facts.input_shape)}  ->  {_shape(facts.output_shape)}"
    yield [(f"{kind}  ", ""), (shapes, "bold")]
    yield []
    yield from _sizes(facts)
    yield from _padding(facts)
    yield from _counts(facts)
    yield from _memory(facts)
    yield from _field(facts)


def _sizes(facts: ConvolutionFacts) -> Iterator[StyledLine]:
    yield _row("output size", [(_FORMULA_BACK if facts.transposed else _FORMULA, "dim")])
    for label, axis in _each(facts.axes, "formula"):
        formula, _, value = axis.formula.rpartition(" = ")
        yield _row(f"  {label}", [(f"{formula} = ", ""), (value, "bold")])
    for label, axis in _each(facts.axes, "span"):
        if axis.dilation > 1:
            text = f"{axis.dilation} * ({axis.kernel_size} - 1) + 1 = "
            yield _row(f"  span, {label}", [(text, ""), (f"{axis.span}", "bold")])
    for label, axis in _each(facts.axes, "unread"):
        if axis.unread:
            yield _row("  never read", [(f"{_pixels(axis.unread)} at the far end of {label}", "")])


def _padding(facts: ConvolutionFacts) -> Iterator[StyledLine]:
    words = [facts.padding] if isinstance(facts.padding, str) else []
    if facts.transposed:
        words.append("cut off")
    yield _row("padding", [(", ".join(words) or "as given", "dim")])
    names = ("before", "after", "size", "stride", "span")
    for label, axis in _each(facts.axes, *(names if words else names[:2])):
        after = f"{axis.after} after" if axis.after >= 0 else f"{-axis.after} more after"
        formula = "" if facts.transposed else _padding_formula(facts.padding, axis)
        yield _row(f"  {label}", [(f"{axis.before} before, {after}", "bold"), (formula, "")])


def _padding_formula(padding: Padding, axis: AxisFacts) -> str:
    """Return where the padding of an axis comes from, if a word asked for it."""
    if padding == "same":
        total = f"({axis.output} - 1) * {axis.stride} + {axis.span} - {axis.size}"
        return f"  = max({total}, 0) in all, the odd one after"
    return f"  = {axis.span} - 1" if padding == "full" else ""


def _counts(facts: ConvolutionFacts) -> Iterator[StyledLine]:
    taps = " * ".join(str(axis.kernel_size) for axis in facts.axes)
    reads = f"{facts.in_channels}"
    if facts.groups > 1:
        reads = f"{facts.in_channels} / {facts.groups}"
    each = f"({reads} * {taps} + 1)" if facts.bias else f"{reads} * {taps}"
    text = f"  = {facts.out_channels} * {each}"
    yield _row("parameters", [(f"{facts.cost.parameters:,}", "bold"), (text, "")])
    sizes = facts.input_shape if facts.transposed else facts.output_shape
    places = [str(length) for length in sizes[2:]]
    if facts.batch > 1:
        places.insert(0, str(facts.batch))
    text = f"  = {' * '.join(places)} * {facts.out_channels} * {reads} * {taps}"
    yield _row("multiply-adds", [(f"{facts.multiply_adds:,}", "bold"), (text, "")])
    if facts.bias:
        yield _row("", [("biases are parameters, and no multiply-adds", "dim")])


def _memory(facts: ConvolutionFacts) -> Iterator[StyledLine]:
    yield _row("memory", [(facts.dtype, "dim")])
    for label, number in (
        ("input", facts.input_bytes),
        ("output", facts.output_bytes),
        ("parameters", facts.parameter_bytes),
    ):
        text = memory_text(number)
        exact = "" if number < 1024 else f"  = {number:,} bytes"
        yield _row(f"  {label}", [(text, "bold"), (exact, "")])


def _field(facts: ConvolutionFacts) -> Iterator[StyledLine]:
    sides = " x ".join(str(axis.sees) for axis in facts.axes)
    pixels = "pixel" if sides == "1" else "pixels"
    if facts.transposed:
        yield _row("receptive field", [("at most ", ""), (sides, "bold"), (f" {pixels}", "")])
        return
    strides = " x ".join(str(axis.stride) for axis in facts.axes)
    starts = ", ".join(str(-axis.before) for axis in facts.axes)
    starts = f"({starts})" if len(facts.axes) > 1 else starts
    text = f" {pixels}, {strides} apart; the first begins at {starts}"
    yield _row("receptive field", [(sides, "bold"), (text, "")])


def comparison_lines(facts: ConvolutionFacts) -> Iterator[StyledLine]:
    """Yield the lines that set other layers beside `facts`, a `ConvolutionFacts`."""
    if (three := facts.connections) is not None:
        rows: list[tuple[str, ...]] = [("connected", "connections", "parameters")]
        for name, way in (
            ("fully", three.fully_connected),
            ("locally", three.locally_connected),
            ("convolutional", three.convolutional),
        ):
            rows.append((name, f"{way.connections:,}", f"{way.parameters:,}"))
        yield []
        yield from _table(rows)
        units = " x ".join(map(str, facts.output_shape[1:]))
        yield [(f"the same {units} units for one image, biases not counted", "dim")]
    if (separable := facts.separable) is not None:
        yield []
        yield from _replacements(facts, separable)


def _replacements(facts: ConvolutionFacts, separable: Comparison) -> Iterator[StyledLine]:
    costs: list[tuple[str, ...]] = [("in its place", "parameters", "multiply-adds", "of its work")]
    costs.append(_cost_row("this convolution", facts.cost, None))
    costs.append(_cost_row("separable", separable.cheaper, separable.multiply_adds_ratio))
    taps = " * ".join(str(axis.kernel_size) for axis in facts.axes)
    taps = f"({taps})" if len(facts.axes) > 1 else taps
    notes = [f"separable: 1 / {facts.out_channels} + 1 / {taps} of the work"]
    if (stacked := facts.stacked) is not None:
        name = f"{(stacked.receptive_field - 1) // 2} of {' x '.join('3' * len(facts.axes))}"
        costs.append(_cost_row(name, stacked.cheaper, stacked.multiply_adds_ratio))
        notes.append(f"{name}: behind one another they see as much")
    yield from _table(costs)
    for note in notes:
        yield [(note, "dim")]


def memory_text(number: int) -> str:
    """Return bytes in the largest unit of which there is one at least.

    >>> memory_text(12_000_000), memory_text(52)
    ('11.44 MiB', '52 bytes')
    """
    if number < 1024:
        return f"{number} byte{'s' * (number != 1)}"
    power = min((number.bit_length() - 1) // 10, len(_UNITS))
    return f"{number / 1024**power:,.2f} {_UNITS[power - 1]}"


def _cost_row(name: str, cost: Cost, ratio: Fraction | None) -> tuple[str, ...]:
    share = "" if ratio is None else f"{float(ratio):.1%}"
    return (name, f"{cost.parameters:,}", f"{cost.multiply_adds:,}", share)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[StyledLine]:
    """Yield rows with aligned columns, the first to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(max(widths[0], LABEL - 2))]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield [("  ".join(cells).rstrip(), "" if number else "dim")]


def _each(axes: Sequence[AxisFacts], *names: str) -> Iterator[tuple[str, AxisFacts]]:
    """Yield label and axis; once for all axes if they agree in what is shown."""
    if len(axes) > 1 and len({tuple(getattr(axis, name) for name in names) for axis in axes}) == 1:
        yield "each axis", axes[0]
        return
    for axis in axes:
        yield axis.name, axis


def _row(label: str, parts: StyledLine) -> StyledLine:
    return [(label.ljust(LABEL), "dim"), *parts]


def _shape(shape: Sequence[int]) -> str:
    """Return (n, c, ...) as text; a batch of one is left out."""
    return " x ".join(map(str, shape if shape[0] > 1 else shape[1:]))


def _pixels(number: int) -> str:
    return f"{number} pixel{'s' * (number != 1)}"
