"""The layer table as it is kept: rows, totals, and how they are written."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from striate._errors import RunError

__all__ = ["CONVENTION", "LayerRow", "LayerTable"]

CONVENTION = (
    "one row a call; multiply-adds of convolution and linear calls for the whole batch, "
    "biases not counted; shared parameters counted once, in the first row that uses them"
)


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One call.

    Attributes:
        name: As `Call.name` has it.
        kind: One of `KINDS`, or `other` for a module that has parameters no such call uses.
        output_shape: Shape of the output, batch first; empty if there is none, as of a module
            that the forward pass does not call.
        parameters: Numbers in the weights and biases that this row is the first to use.
        trainable: Those of them that ask for a gradient.
        shared: Whether the call uses parameters that an earlier row has counted.
        multiply_adds: Of the whole batch, biases not counted.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    trainable: int
    shared: bool
    multiply_adds: int


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """All calls of a network's forward pass in order.

    Attributes:
        rows: The calls.
        size: Length of the input's axes behind the channels, in pixels.
        convention: What the numbers count.
    """

    rows: tuple[LayerRow, ...]
    size: tuple[int, ...]
    convention: str = CONVENTION

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
        """The three sums, by name."""
        return {
            "parameters": self.parameters,
            "trainable": self.trainable,
            "multiply_adds": self.multiply_adds,
        }

    def __str__(self) -> str:
        """Return the table as plain text, columns aligned, totals and convention below."""
        head = ("name", "kind", "output", "parameters", "multiply-adds")
        lines = [head, *(_cells(row) for row in self.rows)]
        lines.append(("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        texts = [
            "  ".join(
                cell.ljust(width) if i < 3 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "-" * max(len(text) for text in texts)
        frozen = self.parameters - self.trainable
        notes = [f"{frozen:,} of the parameters are frozen"] if frozen else []
        if any(row.shared for row in self.rows):
            notes.append("(shared): parameters that an earlier row has counted")
        input_size = " x ".join(str(length) for length in self.size)
        notes.append(f"input {input_size}; {self.convention}")
        return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1], *notes])

    def to_csv(self) -> str:
        """Return a head line and a line a row; the shape as `1x16x28x28`."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([field.name for field in fields(LayerRow)])
        for row in self.rows:
            values = asdict(row) | {
                "output_shape": _shape(row.output_shape, "x"),
                "shared": int(row.shared),
            }
            writer.writerow(values.values())
        return text.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and strings; `from_json` is the way back."""
        rows = [asdict(row) | {"output_shape": list(row.output_shape)} for row in self.rows]
        return {
            "rows": rows,
            "totals": self.totals,
            "size": list(self.size),
            "convention": self.convention,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "LayerTable":
        """Return the table that `to_json` wrote; rows may have fields of later versions.

        Raises:
            RunError: A field is missing or of the wrong kind.
        """
        try:
            rows = tuple(_row(row) for row in values["rows"])
            size = tuple(int(length) for length in values["size"])
            return cls(rows=rows, size=size, convention=str(values["convention"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(f"the layer table is damaged: {error!r}") from error


def _row(values: Mapping[str, Any]) -> LayerRow:
    return LayerRow(
        name=str(values["name"]),
        kind=str(values["kind"]),
        output_shape=tuple(int(length) for length in values["output_shape"]),
        parameters=int(values["parameters"]),
        trainable=int(values["trainable"]),
        shared=bool(values["shared"]),
        multiply_adds=int(values["multiply_adds"]),
    )


def _shape(shape: tuple[int, ...], sign: str) -> str:
    return sign.join(str(length) for length in shape)


def _cells(row: LayerRow) -> tuple[str, ...]:
    parameters = f"{row.parameters:,}" if row.parameters else ("(shared)" if row.shared else "")
    return (
        row.name,
        row.kind,
        _shape(row.output_shape, " x "),
        parameters,
        f"{row.multiply_adds:,}" if row.multiply_adds else "",
    )
