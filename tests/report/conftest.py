"""One sample run and its page, made once."""

from pathlib import Path

import pytest

from striate.report import run_page
from striate.runs.record import RunRecord, read_record
from tests.report.reading import Node, parse
from tests.report.sample import write_run


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "first")


@pytest.fixture(scope="session")
def record(folder: Path) -> RunRecord:
    return read_record(folder)


@pytest.fixture(scope="session")
def html(record: RunRecord) -> str:
    return run_page(record)


@pytest.fixture(scope="session")
def page(html: str) -> Node:
    return parse(html)
