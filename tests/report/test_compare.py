"""Several runs on one page."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from striate._errors import RunError
from striate.report import compare_page
from striate.report.differences import duel, fields, names, numbers
from striate.runs.record import RunRecord, read_record
from tests.report.reading import Node, parse
from tests.report.sample import Plan, write_run
from tests.report.test_safety import nasty


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    plan = Plan(skill=4.0, epochs=4, recipe={"learning_rate": 0.2, "mixup": 0.4})
    return read_record(write_run(tmp_path_factory.mktemp("runs") / "second", plan))


@pytest.fixture(scope="module")
def page(record: RunRecord, other: RunRecord) -> Node:
    return parse(compare_page([record, other]))


def test_sections(page: Node) -> None:
    ids = [node.attributes["id"] for node in page.all("section")]
    assert ids == ["results", "curves", "recipes", "classes", "activations", "timings"]
    assert page.one("h1").text == "2 runs of small_resnet on fashion-mini"


def test_final_numbers_are_the_records(page: Node, record: RunRecord, other: RunRecord) -> None:
    rows = {row.all("th")[0].text: row for row in page.one("section", id="results").all("tr")[1:]}
    assert record.metrics is not None
    assert other.metrics is not None
    both = [record.metrics["test"]["accuracy"], other.metrics["test"]["accuracy"]]
    assert rows["Test accuracy"].values == both
    assert both[1] > both[0]
    winner = rows["Test accuracy"].one("td", class_="winner")
    assert winner.values == [both[1]]
    assert winner.text.endswith("(best)")
    losses = [record.metrics["test"]["loss"], other.metrics["test"]["loss"]]
    assert rows["Test loss"].one("td", class_="winner").values == [min(losses)]
    # Equal in both: none is the best.
    assert not rows["Validation accuracy"].all("td", class_="winner")
    assert rows["Parameters"].values == [23040, 23040]


def test_differences_are_told_and_the_rest_is_folded(page: Node) -> None:
    section = page.one("section", id="recipes")
    different, same = section.all("table")
    assert different.cells()[1:] == [
        ["recipe.epochs", "6", "4"],
        ["recipe.learning_rate", "0.1", "0.2"],
        ["recipe.mixup", "0", "0.4"],
    ]
    marked = different.all("td", class_="differs")
    assert [cell.text for cell in marked] == ["4", "0.2", "0.4"]
    assert ["recipe.batch_size", "128", "128"] in same.cells()
    assert section.one("details").one("summary").text.startswith("Show 1")


def test_curves_are_overlaid_and_told_apart(page: Node, record: RunRecord) -> None:
    charts = page.one("section", id="curves").all("svg", class_="chart")
    assert len(charts) == 6
    for chart in charts:
        lines = chart.all("path", class_="line")
        assert [line.attributes["data-name"] for line in lines] == ["first", "second"]
        assert [line.attributes["class"] for line in lines] == ["line look-21", "line look-22"]
    drawn = [
        float(v) for v in charts[0].all("path", class_="line")[0].attributes["data-ys"].split()
    ]
    np.testing.assert_allclose(
        drawn, np.array(record.history["validation_accuracy"], float), rtol=1e-4
    )


def test_activations_stand_side_by_side(page: Node, other: RunRecord) -> None:
    lists = page.one("section", id="activations").all("ul", class_="layers")
    assert len(lists) == 7
    assert [len(part.all("li")) for part in lists] == [2] * 7
    assert other.activations is not None
    assert lists[3].all("li")[1].values[2] == float(other.activations["mean"][-1, 3])


def test_duel_by_hand(record: RunRecord) -> None:
    labels = np.array([0, 0, 1, 1, 1])
    one = np.array([[2.0, 1], [2, 1], [0, 1], [2, 1], [2, 1]], np.float32)  # right: 0, 1, 2
    two = np.array([[2.0, 1], [1, 2], [2, 1], [2, 1], [0, 1]], np.float32)  # right: 0, 4
    first = replace(record, predictions={"labels": labels, "scores": one})
    second = replace(record, predictions={"labels": labels, "scores": two})
    # Only the first: 1, 2. Only the second: 4. Two of three: (1 + 3) / 8 * 2 = 1.
    assert duel(first, second) == (2, 1, pytest.approx(1.0))
    assert duel(first, replace(second, predictions=None)) is None
    moved = {"labels": labels[::-1], "scores": two}
    assert duel(first, replace(second, predictions=moved)) is None


def test_duel_takes_binary_scores(record: RunRecord) -> None:
    labels = np.array([0, 1, 1])
    one = replace(record, predictions={"labels": labels, "scores": np.array([[-1.0], [1], [1]])})
    two = replace(record, predictions={"labels": labels, "scores": np.array([[1.0], [-1], [1]])})
    assert duel(one, two) == (2, 0, pytest.approx(0.5))


@pytest.mark.parametrize(("a", "b"), [(60, 42), (0, 0), (0, 9), (500, 400)])
def test_chance_against_scipy(record: RunRecord, a: int, b: int) -> None:
    labels = np.zeros(a + b + 1, np.int64)
    right, wrong = [1.0, 0.0], [0.0, 1.0]
    one = np.array([right] * a + [wrong] * b + [right])
    two = np.array([wrong] * a + [right] * b + [right])
    met = duel(
        replace(record, predictions={"labels": labels, "scores": one}),
        replace(record, predictions={"labels": labels, "scores": two}),
    )
    expected = binomtest(a, a + b).pvalue if a + b else 1.0
    assert met == (a, b, pytest.approx(expected, rel=1e-6))


def test_verdict_names_the_better_and_the_odds(page: Node) -> None:
    said = page.one("p", class_="lead").text
    assert said.startswith("Best on test is “second” with ")
    assert "McNemar's test: p = " in said


def test_fields_that_one_run_lacks() -> None:
    first, second = fields([{"a": 1, "x": None}, {"a": 1}])
    assert (first.differs, second.differs) == (False, True)
    assert second.texts == ("none", "not there")


def test_runs_of_one_name_are_told_apart(record: RunRecord) -> None:
    assert names([record, record, record]) == ["first", "first (2)", "first (3)"]


def test_numbers_that_nobody_has_are_left_out(record: RunRecord) -> None:
    rows = numbers([replace(record, metrics=None, layers=None)] * 2)
    assert rows == []


def test_other_images_are_warned_of(record: RunRecord, other: RunRecord) -> None:
    moved = replace(other, data=other.data | {"fingerprint": "0" * 64}, metrics=None)
    notice = parse(compare_page([record, moved])).one("div", class_="notice").text
    assert "did not see the same images" in notice
    assert "second was interrupted" in notice


def test_bare_runs_can_be_compared(record: RunRecord, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "bare")
    for path in folder.iterdir():
        if path.name != "recipe.toml":
            path.unlink()
    bare = read_record(folder)
    assert parse(compare_page([record, bare, bare])).one("section", id="recipes")
    assert parse(compare_page([bare, bare])).one("section", id="recipes")


def test_ten_runs_have_looks(record: RunRecord) -> None:
    page = parse(compare_page([record] * 10))
    keys = page.one("header").all("svg", class_="key")
    looks = [node.one("path").attributes["class"] for node in keys]
    assert looks[0] == "line look-21"
    assert looks[8] == "line look-21"


def test_names_are_never_obeyed(record: RunRecord) -> None:
    html = compare_page([record, nasty(record)])
    assert html.encode()
    tree = parse(html)
    assert len(tree.all("script")) == 1
    assert not tree.all("img")


def test_one_run_is_no_comparison(record: RunRecord) -> None:
    with pytest.raises(RunError, match="1 run given; a comparison needs two or more"):
        compare_page([record])
