"""`striate data`: which sets there are, and where they lie."""

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
        say_json([entry.to_json() for entry in sets])
        return
    width = max(len(entry.name) for entry in sets)
    for entry in sets:
        where = entry.where if entry.where is not None else "not here yet; fetched when first used"
        say(f"{entry.name:<{width}}  {entry.what}")
        say(f"{'':<{width}}  {where}")
    say("Any folder works too: FOLDER/class/*.jpg or FOLDER/{train,valid,test}/class/*.jpg")
