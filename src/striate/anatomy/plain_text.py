"""The layer table in letters: for a terminal of any width, a file, a notebook's text."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, runtime_checkable

from striate.anatomy.layer_row import LayerRow, Memory
from striate.anatomy.seen import SeenAxis

__all__ = ["bytes_words", "count_words", "notes_of", "plain_text", "seen_words", "shape_words"]

_LEAST_NAME = 12  # letters of a name that is shortened
_SMALLEST = 40  # columns of a terminal below which nothing more is done


@runtime_checkable
class Table(Protocol):
    """What is written of a layer table; see `LayerTable`."""

    @property
    def rows(self) -> tuple[LayerRow, ...]: ...
    @property
    def size(self) -> tuple[int, ...]: ...
    @property
    def convention(self) -> str: ...
    @property
    def inputs(self) -> tuple[tuple[int, ...], ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def memory(self) -> Memory | None: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def trainable(self) -> int: ...
    @property
    def multiply_adds(self) -> int: ...
    @property
    def totals(self) -> dict[str, int]: ...
    def shares(self, row: LayerRow) -> dict[str, float]: ...


@dataclass
class _Column:
    """A column: its head, its cells, whether they stand to the right, and the total's cell."""

    key: str
    head: str
    cells: list[str]
    right: bool = True
    total: str = ""

    @property
    def width(self) -> int:
        return max(len(cell) for cell in (self.head, self.total, *self.cells))


def plain_text(table: Table, width: int | None = None) -> str:
    """Return a table as text of at most `width` columns; None is as wide as it gets."""
    columns = _fitting(table, width)
    widths = [column.width for column in columns]

    def line(cells: Sequence[str]) -> str:
        parts = [
            cell.rjust(w) if column.right else cell.ljust(w)
            for cell, w, column in zip(cells, widths, columns, strict=True)
        ]
        return "  ".join(parts).rstrip()

    rows = [line([c.cells[i] for c in columns]) for i in range(len(table.rows))]
    head, foot = line([c.head for c in columns]), line([c.total for c in columns])
    rule = "-" * max(len(text) for text in (head, foot, *rows))
    notes = [
        part
        for note in notes_of(table)
        for part in (textwrap.wrap(note, max(width, _SMALLEST)) if width else [note])
    ]
    return "\n".join([head, rule, *rows, rule, foot, *notes])


def _fitting(table: Table, width: int | None) -> list[_Column]:
    """Return the columns that fit: shares go first, then whole columns, then letters of names."""
    columns = _columns(table, short=False)
    if width is None or _wide(columns) <= width:
        return columns
    columns = [c for c in columns if not c.key.endswith("share")]
    if _wide(columns) > width:
        columns = [c for c in _columns(table, short=True) if not c.key.endswith("share")]
    for key in ("offset", "kind", "backward", "stride", "activation", "field", "output"):
        if _wide(columns) <= width:
            return columns
        names = max(len(row.name) for row in table.rows) if table.rows else 0
        if _wide(columns) - names + min(names, 2 * _LEAST_NAME) <= width:
            break
        columns = [c for c in columns if c.key != key]
    over = _wide(columns) - width
    if over > 0:
        name = columns[0]
        most = max(name.width - over, _LEAST_NAME)
        name.cells = [_shortened(cell, most) for cell in name.cells]
    return columns


def _wide(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns) + 2 * (len(columns) - 1)


def _shortened(text: str, most: int) -> str:
    """Return a text with letters left out of its middle: the end of a name tells most."""
    if len(text) <= most:
        return text
    tail = (most - 2) * 2 // 3
    return f"{text[: most - 2 - tail]}..{text[len(text) - tail :]}"


def _columns(table: Table, *, short: bool) -> list[_Column]:
    rows, totals = table.rows, table.totals
    count = count_words if short else "{:,}".format
    shares = [table.shares(row) for row in rows]

    def share(name: str) -> _Column:
        cells = [f"{s[name]:.1%}" if s[name] else "" for s in shares]
        return _Column(f"{name} share", "%", [cell.rstrip("%") for cell in cells])

    shapes = [shape_words(row.output_shape, "x" if short else " x ") for row in rows]
    columns = [
        _Column("name", "name", [_named(row) for row in rows], right=False, total="total"),
        _Column("kind", "kind", [row.kind for row in rows], right=False),
        _Column("output", "output", shapes, right=False),
        _Column(
            "parameters", "parameters", [_parameters(row, count) for row in rows],
            total=count(table.parameters),
        ),
        share("parameters"),
        _Column(
            "multiply-adds", "multiply-adds" if not short else "mult-adds",
            [count(row.multiply_adds) if row.multiply_adds else "" for row in rows],
            total=count(table.multiply_adds),
        ),
        share("multiply_adds"),
    ]  # fmt: skip
    for key in ("activation", "backward"):
        name = f"{key}_bytes"
        if name in totals:
            cells = [bytes_words(getattr(row, name)) for row in rows]
            columns.append(_Column(key, key, cells, total=bytes_words(totals[name])))
            columns.append(share(name))
    if any(row.receptive_field for row in rows):
        words = [seen_words(row.receptive_field) for row in rows]
        for i, key in enumerate(("field", "stride", "offset")):
            columns.append(_Column(key, key, [word[i] for word in words]))
    return columns


def _named(row: LayerRow) -> str:
    return f"{row.name} ({row.mode} only)" if row.mode else row.name


def _parameters(row: LayerRow, count: Callable[[int], str]) -> str:
    if row.parameters:
        return count(row.parameters)
    return "(shared)" if row.shared else ""


def notes_of(table: Table) -> list[str]:
    """Return what stands below a table: memory, remarks, and last the input and convention."""
    notes: list[str] = []
    if table.memory is not None:
        notes += _memory_words(table)
    if frozen := table.parameters - table.trainable:
        notes.append(f"{frozen:,} of the parameters are frozen")
    if any(row.shared for row in table.rows):
        notes.append("(shared): parameters that an earlier row has counted")
    if any(not seen.exact for row in table.rows for seen in row.receptive_field):
        notes.append("<=: an upper bound, for an operation on the way whose reach is not known")
    notes += table.notes
    shapes = [shape_words(shape, " x ") for shape in table.inputs] or [
        shape_words(table.size, " x ")
    ]
    kind = f" of {table.dtype}" if table.inputs else ""
    notes.append(f"input {' and '.join(shapes)}{kind}; {table.convention}")
    return notes


def _memory_words(table: Table) -> list[str]:
    memory = table.memory
    if memory is None:
        return []
    held = f"weights {bytes_words(memory.weights)}"
    if memory.buffers:
        held += f", buffers {bytes_words(memory.buffers)}"
    held += f", batch {bytes_words(memory.inputs)}"
    lines = [f"inference: {bytes_words(memory.inference)} at once ({held})"]
    if memory.backward is not None:
        kept = f"kept for backward {bytes_words(memory.backward)}"
        kept += f", gradients {bytes_words(memory.gradients)}"
        if memory.training is not None:
            most, one = bytes_words(memory.training), bytes_words(memory.gradients)
            lines.append(
                f"a training step: {most} at once ({kept}); the optimiser's state comes on top: "
                f"momentum {one}, Adam {bytes_words(2 * memory.gradients)}"
            )
        else:
            lines.append(f"a training step: {kept}")
    return lines


def shape_words(shape: Sequence[int], sign: str) -> str:
    """Return `1 x 16 x 28`, with `sign` between the lengths."""
    return sign.join(str(length) for length in shape)


def count_words(number: int) -> str:
    """Return a count in at most five letters and a unit.

    >>> count_words(512), count_words(138_357_544), count_words(15_470_264_320)
    ('512', '138.4 M', '15.47 G')
    """
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            value = number / size
            return f"{value:.{2 if value < 100 else 1}f} {unit}"
    return str(number)


def bytes_words(number: int | None) -> str:
    """Return bytes in binary units; nothing for 0 or None.

    >>> bytes_words(96), bytes_words(12_845_056), bytes_words(0)
    ('96 B', '12.25 MiB', '')
    """
    if not number:
        return ""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= size:
            value = number / size
            return f"{value:.{2 if value < 100 else 1}f} {unit}"
    return f"{number} B"


def seen_words(field: Sequence[SeenAxis]) -> tuple[str, str, str]:
    """Return size, stride and offset; axes that agree are said once.

    >>> seen = SeenAxis(input=0, axis=2, size=7, stride=Fraction(2), offset=-3)
    >>> seen_words([seen, seen])
    ('7', '2', '-3')
    """
    inputs = sorted({seen.input for seen in field})
    texts: list[tuple[str, str, str]] = []
    for number in inputs:
        own = [seen for seen in field if seen.input == number]
        if all(seen.whole for seen in own):
            bound = "" if all(seen.exact for seen in own) else "<= "
            texts.append((f"{bound}whole", "", ""))
            continue
        sizes = _once([_size(seen) for seen in own], "x")
        strides = _once([_stride(s.stride) for s in own], "x")
        texts.append((sizes, strides, _once([str(s.offset) for s in own], ",")))
    if len(set(texts)) == 1:
        return texts[0]
    parts = tuple("; ".join(text[i] for text in texts) for i in range(3))
    return (
        parts[0],
        parts[1] if parts[1].strip("; ") else "",
        parts[2] if parts[2].strip("; ") else "",
    )


def _once(words: list[str], sign: str) -> str:
    return words[0] if len(set(words)) == 1 else sign.join(words)


def _size(seen: SeenAxis) -> str:
    return ("" if seen.exact else "<= ") + ("whole" if seen.whole else str(seen.size))


def _stride(stride: Fraction) -> str:
    return str(stride)
