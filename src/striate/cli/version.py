"""`striate --version`."""

from typing import Annotated

import typer

import striate
from striate.cli.text import say

__all__ = ["version"]


def _show(wanted: bool) -> bool:
    if wanted:
        say(f"striate {striate.__version__}")
        raise typer.Exit
    return wanted


def version(
    show: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Train convolutional networks on images, and look at what they learned."""
