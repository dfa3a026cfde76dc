"""`striate layers`: the layer table of a network."""

import json as json_
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from striate._errors import ShapeError
from striate.cli.conv import parse_lengths
from striate.cli.text import say
from striate.files import write_text

__all__ = ["layers"]

_FILE = "Write it to a file instead; - is standard output."
_Sizes = Annotated[
    list[str] | None,
    typer.Option(
        help="Channels, height, width: 3x224x224; or 224; or channels, length (2x100) if the "
        "first convolution is 1-d. Once for each input.",
        metavar="CxHxW",
    ),
]
_Sort = Annotated[
    str | None,
    typer.Option(
        help="name, kind, parameters, multiply-adds, activation, backward or field.",
        metavar="COLUMN",
    ),
]


def layers(
    model: Annotated[str, typer.Argument(help="Zoo name, file.py:function, or a run folder.")],
    size: _Sizes = None,
    batch: Annotated[int, typer.Option(help="Images at once.", min=1, max=10**6)] = 1,
    dtype: Annotated[
        str | None, typer.Option(help="float32, float64, float16 or bfloat16.")
    ] = None,
    sort: _Sort = None,
    csv: Annotated[str | None, typer.Option(help=f"{_FILE} CSV.", metavar="FILE")] = None,
    json: Annotated[str | None, typer.Option(help=f"{_FILE} JSON.", metavar="FILE")] = None,
    html: Annotated[str | None, typer.Option(help=f"{_FILE} A page.", metavar="FILE")] = None,
    code: Annotated[
        str | None, typer.Option(help="The run's own file.py:function, if you trust it.")
    ] = None,
) -> None:
    """Print what each call of a network puts out, holds, computes, keeps and sees."""
    shapes = [parse_lengths(text, "--size") for text in size or []]
    if [csv, json, html].count("-") > 1:
        raise ShapeError("only one of --csv, --json and --html can be -; name a file for the rest")
    from striate import jobs, report

    table = jobs.layers(model, size=shapes or None, batch=batch, dtype=dtype, code=code)
    if sort is not None:
        table = table.sorted(sort.replace("-", "_"))
    if csv is not None:
        _write(csv, table.to_csv())
    if json is not None:
        _write(json, f"{json_.dumps(table.to_json(), indent=2, ensure_ascii=True)}\n")
    if html is not None:
        _write(html, report.layers_page(table, name=model))
    if csv is json is html is None:
        wide = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
        say(table.text(wide))


def _write(file: str, text: str) -> None:
    if file == "-":
        say(text.removesuffix("\n"))
        return
    write_text(Path(file), text)
    say(file)
