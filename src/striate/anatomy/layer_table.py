"""The layer table as it is kept: rows, totals, and how they are written."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from striate._errors import RunError, ShapeError
from striate.anatomy.layer_row import LayerRow, Memory
from striate.anatomy.plain_text import plain_text, seen_words

__all__ = ["CONVENTION", "SORTS", "LayerRow", "LayerTable"]

CONVENTION = (
    "one row a call; multiply-adds of convolutions, linear layers and matrix products for the "
    "whole batch, biases not counted; shared parameters counted once, in the first row that uses "
    "them; activation: new memory, none for views and calls in place; backward: memory kept for "
    "it in training mode; field: input cells that one output cell sees, borders not heeded"
)
SORTS = ("name", "kind", "parameters", "multiply_adds", "activation", "backward", "field")
"""What a table can be sorted by."""

_SHARES = ("parameters", "multiply_adds", "activation_bytes", "backward_bytes")


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """All calls of a network's forward pass in order.

    Attributes:
        rows: The calls.
        size: Length of the first input's axes behind the channels, in pixels.
        convention: What the numbers count.
        inputs: Shape of each input, batch first; empty in a table of an earlier version.
        dtype: What the weights and inputs are, such as `float32`.
        memory: Bytes of the whole; None in a table of an earlier version.
        notes: What must be known to read the numbers: a pass that had to be real, say.
    """

    rows: tuple[LayerRow, ...]
    size: tuple[int, ...]
    convention: str = CONVENTION
    inputs: tuple[tuple[int, ...], ...] = ()
    dtype: str = "float32"
    memory: Memory | None = None
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """All parameters; equal to `sum(p.numel() for p in network.parameters())`."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """Parameters that ask for a gradient."""
        return sum(row.trainable for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one forward pass of the batch."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def totals(self) -> dict[str, int]:
        """The sums of the rows, by name; those that are known."""
        found = {
            "parameters": self.parameters,
            "trainable": self.trainable,
            "multiply_adds": self.multiply_adds,
        }
        for name in ("activation_bytes", "backward_bytes"):
            values = [getattr(row, name) for row in self.rows]
            if any(value is not None for value in values):
                found[name] = sum(value or 0 for value in values)
        return found

    def shares(self, row: LayerRow) -> dict[str, float]:
        """Return what part of each total a row has: a fraction; 0 of nothing is 0.

        >>> from torch import nn
        >>> from striate import anatomy
        >>> found = anatomy.table(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1)), (3,), \
in_channels=1)
        >>> found.shares(found.rows[0])["parameters"]  # 12 of 16
        0.75
        """
        totals = self.totals
        return {
            name: (getattr(row, name) or 0) / totals[name] if totals.get(name) else 0.0
            for name in _SHARES
        }

    def sorted(self, by: str) -> "LayerTable":
        """Return the table with its rows sorted: words upwards, numbers downwards.

        Args:
            by: One of `SORTS`.

        Raises:
            ShapeError: It is none of them.
        """
        if by not in SORTS:
            raise ShapeError(f"a layer table cannot be sorted by {by!r}; take {', '.join(SORTS)}")
        if by in ("name", "kind"):
            return replace(self, rows=tuple(sorted(self.rows, key=lambda r: getattr(r, by))))
        name = {"activation": "activation_bytes", "backward": "backward_bytes"}.get(by, by)

        def size(row: LayerRow) -> int:
            if by == "field":
                return max((seen.size for seen in row.receptive_field), default=0)
            return getattr(row, name) or 0

        return replace(self, rows=tuple(sorted(self.rows, key=size, reverse=True)))

    def __str__(self) -> str:
        """Return the table as plain text, all columns, totals and convention below."""
        return plain_text(self)

    def _repr_html_(self) -> str:
        """Show the table in a notebook, drawn by the report room."""
        from importlib import import_module

        # By name: report stands above anatomy, and only a notebook asks for this.
        return import_module("striate.report").layers_html(self)

    def text(self, width: int | None = None) -> str:
        """Return the table as plain text of at most `width` columns; None is as wide as it gets.

        Where it does not fit, shares, then the least needed columns, are left out and names
        shortened.
        """
        return plain_text(self, width)

    def to_csv(self) -> str:
        """Return a head line and a line a row; the shape as `1x16x28x28`, bytes, fractions."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            [
                *("name", "kind", "output_shape", "parameters", "trainable", "shared"),
                *("multiply_adds", "activation_bytes", "backward_bytes", "receptive_field"),
                *("stride", "offset", "mode", *(f"{name}_share" for name in _SHARES)),
            ]
        )
        for row in self.rows:
            shape = "x".join(str(length) for length in row.output_shape)
            counts = (row.parameters, row.trainable, int(row.shared), row.multiply_adds)
            memory = (row.activation_bytes, row.backward_bytes)
            shares = [f"{share:.6g}" for share in self.shares(row).values()]
            seen = seen_words(row.receptive_field)
            writer.writerow([row.name, row.kind, shape, *counts, *memory, *seen, row.mode, *shares])
        return text.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and strings; `from_json` is the way back."""
        return {
            "rows": [row.to_json() for row in self.rows],
            "totals": self.totals,
            "size": list(self.size),
            "convention": self.convention,
            "inputs": [list(shape) for shape in self.inputs],
            "dtype": self.dtype,
            "memory": None if self.memory is None else asdict(self.memory),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "LayerTable":
        """Return the table that `to_json` wrote; rows may have fields of later versions.

        Raises:
            RunError: A field is missing or of the wrong kind.
        """
        if not isinstance(values, Mapping):
            kind = type(values).__name__
            raise RunError(
                f"a layer table is read from a dict, not from {kind}; "
                "give it what json.loads makes of the text"
            )
        try:
            memory = values.get("memory")
            return cls(
                rows=tuple(LayerRow.from_json(row) for row in values["rows"]),
                size=tuple(int(length) for length in values["size"]),
                convention=str(values["convention"]),
                inputs=tuple(tuple(int(n) for n in shape) for shape in values.get("inputs", ())),
                dtype=str(values.get("dtype", "float32")),
                memory=None if memory is None else Memory.from_json(memory),
                notes=tuple(str(note) for note in values.get("notes", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(f"the layer table is damaged: {error!r}") from error
