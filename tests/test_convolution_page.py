"""Every example of docs/convolution.md runs, and its table of functions is complete."""

import doctest
import re
from pathlib import Path

from striate import layers, ops

PAGE = Path(__file__).parents[1] / "docs" / "convolution.md"


def test_python() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert tried > 25
    assert failed == 0


def test_the_names_of_the_tables_are_there() -> None:
    text = PAGE.read_text("utf-8")
    for room, heading in ((ops, "## Operations"), (layers, "## Layers")):
        table = text.split(heading)[1].split("\n\n")[1]
        cells = re.findall(r"^\| `([^`]*)` \|", table, flags=re.MULTILINE)
        names = " ".join(cells).split()
        assert len(names) > 8
        assert all(name in room.__all__ for name in names)
