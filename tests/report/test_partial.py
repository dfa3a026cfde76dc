"""Pages of runs that lack something, and of one that has much of everything."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from striate.report import run_page
from striate.runs.record import RunRecord, read_record
from tests.report.reading import Node, parse
from tests.report.sample import Plan, metrics, predictions, write_run
from tests.report.test_page import SECTIONS


@pytest.mark.parametrize(
    "part",
    [
        *("data", "history", "steps", "timings", "metrics", "environment", "layers"),
        *("activations", "predictions", "pictures"),
    ],
)
def test_a_part_that_is_missing_is_left_out(record: RunRecord, part: str) -> None:
    nothing = None if part in ("metrics", "layers", *NPZ) else {}
    page = parse(run_page(replace(record, **{part: nothing}, missing=(f"{part}.x",))))
    assert f"{part}.x" in page.one("header").one("div", class_="notice").text
    gone = {node.attributes["id"] for node in page.all("section")} ^ set(SECTIONS)
    assert gone == GONE[part]


NPZ = ("activations", "predictions", "pictures")
GONE = {
    "data": {"data"},
    "history": set(),
    "steps": set(),
    "timings": set(),
    "metrics": {"confusion", "classes", "calibration"},
    "environment": {"environment"},
    "layers": {"layers"},
    "activations": {"activations"},
    "predictions": set(),
    "pictures": {"samples", "augmented", "filters", "mistakes"},
}


def test_a_run_that_was_killed_at_once_still_has_a_page(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "killed")
    for path in folder.iterdir():
        if path.name != "recipe.toml":
            path.unlink()
    page = parse(run_page(read_record(folder)))
    notice = page.all("div", class_="notice")[0].text
    assert "was stopped before its first epoch ended, and it was not evaluated. To go on" in notice
    assert "metrics.json, layers.json" in notice
    assert [node.attributes["id"] for node in page.all("section")] == ["recipe"]


def test_a_run_that_is_not_evaluated_shows_validation_so_far(record: RunRecord) -> None:
    cut = {name: values[:4] for name, values in record.history.items()}
    page = parse(run_page(replace(record, metrics=None, history=cut)))
    assert "was stopped after 4 of 6 epochs, and" in page.all("div", class_="notice")[0].text
    assert page.one("p", class_="big-name").text == "Validation accuracy so far"
    assert page.one("p", class_="big").values == [cut["validation_accuracy"][-1]]


def test_a_run_that_was_stopped_is_marked_though_evaluated(record: RunRecord) -> None:
    stopped = replace(record, environment=record.environment | {"interrupted": True})
    page = parse(run_page(stopped))
    assert "This run was stopped after" in page.all("div", class_="notice")[0].text
    assert "Came to its endno, it was stopped" in page.one("section", id="environment").text


def test_a_finished_run_has_no_notice_at_the_top(page: Node) -> None:
    assert not page.one("header").all("div", class_="notice")


def test_numbers_that_are_none_do_not_stop_the_page(record: RunRecord) -> None:
    assert record.metrics is not None
    assert record.activations is not None
    arrays = {name: array.copy() for name, array in record.activations.items()}
    for name in ("mean", "deviation", "near_zero"):
        arrays[name][:, 0] = np.nan
        arrays[name][5:, 1] = np.inf
    arrays["histogram"][:, 0] = 0
    empty = {"accuracy": None, "loss": None, "ece": None, "images": 0}
    changed = replace(
        record,
        activations=arrays,
        metrics=record.metrics | {"test": empty, "temperature": None},
        history={name: [None] * 6 for name in record.history},
        steps={name: [None] * 120 for name in record.steps},
    )
    assert parse(run_page(changed)).one("section", id="activations")


def test_without_mistakes_there_is_no_such_section(record: RunRecord) -> None:
    assert record.pictures is not None
    none = {
        name: array[:0] if name.startswith("mistake") else array
        for name, array in record.pictures.items()
    }
    assert not parse(run_page(replace(record, pictures=none))).all("section", id="mistakes")
    plain = {k: v for k, v in record.pictures.items() if k != "mistake_maps"}
    page = parse(run_page(replace(record, pictures=plain)))
    assert "Grad-CAM" not in page.one("section", id="mistakes").text


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> str:
    plan = Plan(
        classes=[f"a class with a long name {i}" for i in range(100)],
        images=10_000,
        side=224,
        channels=3,
        epochs=100,
        steps_an_epoch=100,
        layers=300,
        times=150,
        shown=64,
        mistakes=40,
        skill=2.0,
    )
    return run_page(read_record(write_run(tmp_path_factory.mktemp("big") / "run", plan)))


def test_a_big_run_stays_under_five_megabytes(big: str) -> None:
    assert len(big.encode()) < 5_000_000


def test_many_classes_are_a_picture_and_a_list(big: str) -> None:
    section = parse(big).one("section", id="confusion")
    matrix = section.one("svg", class_="matrix")
    cells = matrix.one("svg", class_="cells")
    counts = {
        (int(i), int(j)): int(n)
        for i, j, n in (cell.split(",") for cell in cells.attributes["data-cells"].split())
    }
    plan = Plan(classes=[str(i) for i in range(100)], images=10_000, skill=2.0)
    expected = np.array(
        metrics(*predictions(plan, np.random.default_rng(0)), plan.classes)["confusion"]
    )
    assert counts == {(int(i), int(j)): int(expected[i, j]) for i, j in np.argwhere(expected)}
    drawn = "".join(path.attributes["d"] for path in cells.all("path"))
    squares = re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn)
    assert {(int(j), int(i)) for i, j in squares} == set(counts)
    assert len(section.one("table", class_="narrow").all("tr")) == 21
