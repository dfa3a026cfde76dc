"""A run's report drawn anew, and several runs compared on one page."""

import os
from collections.abc import Sequence
from pathlib import Path

from striate import report as report_room
from striate._errors import RunError
from striate.files import write_text
from striate.runs import Run, read_record

__all__ = ["write_report"]


def write_report(
    folders: Sequence[str | os.PathLike[str]], *, out: str | os.PathLike[str] | None = None
) -> Path:
    """Write the report of one run, or the comparison of several; return where it lies.

    Args:
        folders: Run folders.
        out: The HTML file; None is report.html in the run's folder for one run, and
            comparison.html in the current folder for several.

    Raises:
        RunError: No folder is given, one is no run, or one is damaged.
    """
    if not folders:
        raise RunError("no run is named; name one to report, or several to compare")
    records = [read_record(Path(folder)) for folder in folders]
    if len(records) == 1:
        target = Path(out) if out is not None else Run(records[0].folder).report
        write_text(target, report_room.run_page(records[0]))
        return target
    target = Path(out) if out is not None else Path("comparison.html")
    write_text(target, report_room.compare_page(records))
    return target
