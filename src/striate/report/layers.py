"""The layer table as a page, and as a fragment for a notebook's cell."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from striate.anatomy import LayerRow, LayerTable
from striate.anatomy.plain_text import bytes_words, notes_of, seen_words, shape_words
from striate.report import wording
from striate.report.drawing import draw
from striate.report.sections import Section
from striate.report.svg import element

__all__ = ["layers_html", "layers_page"]

_LEFT, _RIGHT = "text-align:left;padding:0.1em 1em 0.1em 0", "text-align:right;padding:0.1em 0.6em"
_SHARES = ("parameters", "multiply_adds", "activation_bytes", "backward_bytes")


def layers_page(table: LayerTable, *, name: str) -> str:
    """Return a layer table as one HTML file that opens offline.

    Args:
        table: What `striate.anatomy.table` returned.
        name: What the network is called.
    """
    view = {
        "rows": [_row(table, row) for row in table.rows],
        "totals": _totals(table),
        "columns": _columns(table),
        "notes": notes_of(table)[:-1],
        "convention": notes_of(table)[-1],
    }
    shapes = " and ".join(shape_words(shape[1:], " × ") for shape in table.inputs)
    return draw(
        "layers.html",
        title=f"The layers of {name} · Striate",
        sections=[Section(id="calls", title="Call by call", view=view)],
        styles=("theme", "page", "head", "tables", "media", "layers"),
        folder="layers",
        network=name,
        count=len(table.rows),
        inputs=shapes or shape_words(table.size, " × "),
        batch=table.inputs[0][0] if table.inputs else 1,
        facts=_facts(table),
    )


def layers_html(table: LayerTable) -> str:
    """Return a layer table as a fragment of HTML, without style sheet or script.

    It takes letters and colours from where it is shown, for `_repr_html_`.
    """
    columns = _columns(table)
    heads = ["name", "kind", "output", *(head for _, head in columns)]
    head = element("tr", *(_cell("th", text, i > 2) for i, text in enumerate(heads)))
    body = [
        element(
            "tr",
            *(_cell("td", row[key], False) for key in ("name", "kind", "output")),
            *(_cell("td", row[key], True) for key, _ in columns),
        )
        for row in (_row(table, one) for one in table.rows)
    ]
    totals = _totals(table)
    foot = element(
        "tr",
        _cell("th", "total", False),
        _cell("th", "", False),
        _cell("th", "", False),
        *(_cell("th", totals.get(key, ""), True) for key, _ in columns),
    )
    written = element(
        "table", element("thead", head), element("tbody", *body), element("tfoot", foot)
    )
    return str(element("div", written, *(element("p", note) for note in notes_of(table))))


def _cell(tag: str, text: str, right: bool) -> Markup:
    return element(tag, text, style=_RIGHT if right else _LEFT)


def _columns(table: LayerTable) -> list[tuple[str, str]]:
    """Return key and head of the columns with numbers; those of which nothing is known are out."""
    known = table.totals
    columns = [("parameters", "parameters"), ("multiply_adds", "multiply-adds")]
    for key, head in (("activation_bytes", "activation"), ("backward_bytes", "backward")):
        columns += [(key, head)] if key in known else []
    if any(row.receptive_field for row in table.rows):
        columns += [("field", "field"), ("stride", "stride"), ("offset", "offset")]
    return columns


def _row(table: LayerTable, row: LayerRow) -> dict[str, Any]:
    shared = "(shared)" if row.shared else ""
    field, stride, offset = seen_words(row.receptive_field)
    return {
        "name": row.name,
        "mode": row.mode,
        "kind": row.kind,
        "output": shape_words(row.output_shape, " × "),
        "parameters": wording.count(row.parameters) if row.parameters else shared,
        "multiply_adds": wording.count(row.multiply_adds) if row.multiply_adds else "",
        "activation_bytes": bytes_words(row.activation_bytes),
        "backward_bytes": bytes_words(row.backward_bytes),
        "field": field,
        "stride": stride,
        "offset": offset,
        "shares": table.shares(row),
    }


def _totals(table: LayerTable) -> dict[str, str]:
    totals = table.totals
    return {
        key: bytes_words(totals[key]) if key.endswith("bytes") else wording.count(totals[key])
        for key in _SHARES
        if key in totals
    }


def _facts(table: LayerTable) -> Sequence[tuple[str, str]]:
    facts = [("Parameters", wording.count(table.parameters))]
    if table.trainable != table.parameters:
        facts.append(("Trainable", wording.count(table.trainable)))
    facts.append(("Multiply-adds", wording.compact(table.multiply_adds)))
    memory = table.memory
    if memory is not None:
        facts += [
            ("Weights", bytes_words(memory.weights)),
            ("Inference, at once", bytes_words(memory.inference)),
        ]
        if memory.training is not None:
            facts.append(("A training step, at once", bytes_words(memory.training)))
    return facts
