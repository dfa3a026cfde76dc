"""`striate data`: which sets there are, and where they lie."""

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.text import say, say_json

__all__ = ["data"]


def data(
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the data sets by name, what they are, and where they lie."""
    from striate.data import known

    sets = known()
    if json:
        say_json(
            [
                {**vars(entry), "where": _text(entry.where), "put": _text(entry.put)}
                for entry in sets
            ]
        )
        return
    width = max(len(entry.name) for entry in sets)
    for entry in sets:
        lies = f"in {entry.where}"
        if entry.where is None:
            lies = (
                f"not here yet: fetched when first used ({entry.bytes / 1e6:.0f} MB) to {entry.put}"
            )
        say(f"{entry.name:<{width}}  {entry.what}; {entry.licence}")
        say(f"{'':<{width}}  {lies}")
    say("Any folder works too: FOLDER/class/*.jpg or FOLDER/{train,valid,test}/class/*.jpg")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
