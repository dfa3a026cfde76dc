"""`striate --version`."""

from typing import Annotated

import typer

import striate
from striate.cli.text import say

__all__ = ["version"]


def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Train convolutional networks on images, and look at what they learned."""
    if show:
        say(f"striate {striate.__version__}")
        raise typer.Exit
