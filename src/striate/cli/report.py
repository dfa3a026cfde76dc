"""`striate report`: a run's report drawn anew, or runs compared."""

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.text import say

__all__ = ["report"]


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; several are compared.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The page. Default: report.html in the run, or comparison.html here."),
    ] = None,
) -> None:
    """Draw the report of one run, or compare several on one page."""
    from striate import jobs

    say(str(jobs.write_report(runs, out=out)))
