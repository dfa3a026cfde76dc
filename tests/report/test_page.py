"""The page of a run: its numbers are the record's, it asks for nothing, and nothing is lost."""

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.report import run_page, summary_html
from striate.runs.record import RunRecord, read_record
from tests.report.reading import Node, parse
from tests.report.sample import Plan, metrics, predictions, write_run

SECTIONS = [
    *("samples", "augmented", "layers", "curves", "schedule", "activations", "filters"),
    *("confusion", "classes", "calibration", "mistakes", "data", "environment", "recipe"),
]
NASTY = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "'; --",
    "tab\tnull\x00bell\x07",
    "caf\udce9",
    "\ud800 alone",
    "\u202egnp.exe",
    "{{ 7 * 7 }}{% raw %}",
    "牛 & Kühe",
)


def test_sections_stand_in_reading_order(page: Node) -> None:
    assert [node.attributes["id"] for node in page.all("section")] == SECTIONS


def test_head_says_how_well(page: Node, record: RunRecord) -> None:
    assert record.metrics is not None
    head = page.one("header")
    test = record.metrics["test"]
    assert head.one("h1").text == "small_resnet on fashion-mini"
    assert head.one("p", class_="big").values == [test["accuracy"]]
    assert head.one("p", class_="big").text == f"{100 * test['accuracy']:.2f} %"
    assert head.one("p", class_="big-name").text == "Test accuracy"
    assert f"{round(test['accuracy'] * 600)} of 600 images" in head.one("p", class_="lead").text
    facts = {part.one("dt").text: part.one("dd") for part in head.one("dl").all("div")}
    assert facts["Validation accuracy"].values == [0.8123]
    assert facts["Training images"].values == [9000]
    assert facts["Parameters"].values == [23040]
    assert facts["Epochs"].text == "6 best: epoch 5"
    assert facts["Time"].text == "1 min 12 s Example CPU @ 2.0 GHz"
    assert facts["Started"].text == "7 Mar 2026 09:05 UTC"


def test_confusion_is_the_records(page: Node, record: RunRecord) -> None:
    assert record.metrics is not None
    table = page.one("table", class_="confusion").cells()
    names = list(record.classes)
    assert table[1] == ["true class", *names]
    expected = [
        [name, *map(str, row)] for name, row in zip(names, record.metrics["confusion"], strict=True)
    ]
    assert table[2:] == expected


def test_most_frequent_mistakes_by_hand(record: RunRecord) -> None:
    assert record.metrics is not None
    counts = np.diag([5] * 10)
    counts[3, 4], counts[7, 1], counts[0, 9] = 4, 5, 1
    changed = replace(record, metrics=record.metrics | {"confusion": counts.tolist()})
    section = parse(run_page(changed)).one("section", id="confusion")
    assert section.one("table", class_="narrow").cells()[1:] == [
        ["Sneaker", "Trouser", "5", "50.0 %"],
        ["Dress", "Coat", "4", "44.4 %"],
        ["T-shirt/top", "Ankle boot", "1", "16.7 %"],
    ]


def test_class_scores_are_the_records(page: Node, record: RunRecord) -> None:
    assert record.metrics is not None
    rows = page.one("section", id="classes").all("tr")[1:-1]
    expected = sorted(record.metrics["classes"], key=lambda row: row["f1"])
    for row, score in zip(rows, expected, strict=True):
        assert row.all("th")[0].text == score["name"]
        assert row.values == [score[k] for k in ("support", "precision", "recall", "f1")]


def test_epochs_are_the_records(page: Node, record: RunRecord) -> None:
    rows = page.one("section", id="curves").one("table").all("tr")[1:]
    names = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    for i, row in enumerate(rows):
        expected = [record.history[name][i] for name in (*names, "learning_rate")]
        expected += [record.timings[name][i] for name in ("seconds", "images_per_second")]
        assert row.values == expected
    assert len(rows) == record.epochs
    best = [i for i, row in enumerate(rows) if row.attributes.get("class") == "best"]
    assert best == [record.history["best"].index(1.0)]


def test_validation_line_is_the_history(page: Node, record: RunRecord) -> None:
    lines = page.one("section", id="curves").all("path", data_name="validation")
    for line, name in zip(lines, ("validation_loss", "validation_accuracy"), strict=True):
        drawn = [float(v) for v in line.attributes["data-ys"].split()]
        np.testing.assert_allclose(drawn, np.array(record.history[name], float), rtol=1e-4)


def test_layers_are_the_records(page: Node, record: RunRecord) -> None:
    assert record.layers is not None
    table = page.one("section", id="layers").one("table").cells()
    assert table[1][:5] == ["stages.0.0.conv", "Conv2d", "16 × 14 × 14", "452 k", "2,304"]
    assert table[-1][-2] == "23,040"
    assert len(table) == 2 + len(record.layers["rows"])


def test_activations_are_the_records(page: Node, record: RunRecord) -> None:
    arrays = record.activations
    assert arrays is not None
    cards = page.one("section", id="activations").one("ul", class_="layers").all("li")
    for i, card in enumerate(cards):
        window = card.one("svg", class_="tile").attributes["viewbox"].split()
        shown = int(window[3]) / arrays["histogram"].shape[2]
        limit = pytest.approx(float(arrays["limit"][i]) * shown)
        last = [float(arrays[k][-1, i]) for k in ("mean", "deviation", "near_zero")]
        assert card.values == [limit, limit, *last]
    near = page.one("section", id="activations").all("svg", class_="chart")[2]
    line = near.all("path", class_="line")[4]
    drawn = [float(v) for v in line.attributes["data-ys"].split()]
    np.testing.assert_allclose(drawn, arrays["near_zero"][:, 4], rtol=1e-4)


def test_calibration_is_the_records(page: Node, record: RunRecord) -> None:
    assert record.metrics is not None
    section = page.one("section", id="calibration")
    test = record.metrics["test"]
    assert section.all("p")[0].values == [test["ece"], 1.37, test["ece_scaled"]]
    held = [b for b in record.metrics["calibration"]["bins"] if b["count"]]
    for row, b in zip(section.one("table").all("tr")[1:], held, strict=True):
        assert row.values == [b[k] for k in ("low", "high", "count", "confidence", "accuracy")]


def test_reliability_bars_by_hand(record: RunRecord) -> None:
    assert record.metrics is not None
    bins = [
        {"low": 0.4, "high": 0.6, "count": 10, "confidence": 0.5, "accuracy": 0.25},
        {"low": 0.8, "high": 1.0, "count": 30, "confidence": 0.8, "accuracy": 1.0},
        {"low": 0.0, "high": 0.2, "count": 0, "confidence": None, "accuracy": None},
    ]
    changed = replace(record, metrics=record.metrics | {"calibration": {"bins": bins}})
    diagram = parse(run_page(changed)).one("section", id="calibration").all("svg", class_="chart")
    bars = diagram[0].all("rect")
    # 174 high from 198 upwards: 0.25 is 43.5, 0.5 is 87, 0.8 is 139.2, 1 is 174.
    shape = [(b.attributes["class"], b.attributes["y"], b.attributes["height"]) for b in bars]
    assert shape == [
        ("bar", "154.5", "43.5"),
        ("gap over", "111", "43.5"),
        ("bar", "58.8", "139.2"),
        ("gap under", "24", "34.8"),
    ]
    # x: 46 + 324 * 0.4 + 0.75 = 176.35, and 324 * 0.2 - 1.5 wide.
    assert (bars[0].attributes["x"], bars[0].attributes["width"]) == ("176.3", "63.3")


def test_mistakes_are_the_records(page: Node, record: RunRecord) -> None:
    pictures = record.pictures
    assert pictures is not None
    items = page.one("ul", class_="mistakes").all("li")
    assert len(items) == len(pictures["mistake_labels"])
    for i, item in enumerate(items):
        true, said = (
            record.classes[pictures[f"mistake_{k}"][i]] for k in ("labels", "predictions")
        )
        assert item.text.startswith(f"is {true}said {said}, ")
        assert item.values == [float(pictures["mistake_probabilities"][i])]
        assert str(pictures["mistake_names"][i]) in item.text
    assert "no evidence in the map" in items[0].text
    assert "no evidence" not in items[1].text


def test_maps_share_one_scale(page: Node, record: RunRecord) -> None:
    assert record.pictures is not None
    caption = page.one("section", id="mistakes").one("figcaption")
    assert caption.values == [float(record.pictures["mistake_maps"].max())]


def test_doctor_and_recipe_are_told_whole(page: Node, record: RunRecord) -> None:
    told = page.one("section", id="data").text
    assert "Coat/0017.jpg: cut off after 1,204 bytes" in told
    assert "Bag/1.png = Bag/7.png" in told
    assert "Shirt/3.png (test) is Shirt/9.png (train)" in told
    assert "class Sandal has one image" in told
    fields = {
        part.one("dt").text: part.one("dd").text
        for part in page.one("section", id="recipe").all("dl")[3].all("div")
    }
    assert set(fields) == set(record.recipe["recipe"])
    assert fields["learning_rate"] == "0.1"
    assert "812 MiB" in page.one("section", id="environment").text


def test_policy_allows_this_style_and_script_only(html: str, page: Node) -> None:
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for kind, tag in (("style-src", "style"), ("script-src", "script")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"
    assert "unsafe" not in policy
    assert not [node for node in page.nodes() if "style" in node.attributes]
    assert html.index("Content-Security-Policy") < html.index("<title>")


def test_page_asks_for_nothing(html: str, page: Node) -> None:
    for node in page.nodes():
        for name in ("src", "href", "srcset", "action", "data", "xlink:href", "poster"):
            target = node.attributes.get(name, "#")
            assert target.startswith(("#", "data:")), f"<{node.tag} {name}={target[:60]}>"
    assert not re.search(r"url\(|@import|https?://", html)
    assert {node.tag for node in page.nodes()}.isdisjoint({"iframe", "object", "embed", "base"})


def test_every_reference_has_its_target_once(page: Node) -> None:
    ids = [node.attributes["id"] for node in page.nodes() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    refs = [node.attributes["href"][1:] for node in page.nodes() if node.tag in ("a", "use")]
    assert set(refs) <= set(ids)


def test_readable_by_a_screen_reader(page: Node) -> None:
    assert page.one("html").attributes["lang"] == "en"
    assert [node.tag for node in page.all() if node.tag in ("header", "nav", "main", "footer")] == [
        *("header", "nav", "main", "footer"),
    ]
    levels = [int(node.tag[1]) for node in page.all() if re.fullmatch("h[1-6]", node.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    for node in page.all("svg"):
        hidden = node.attributes.get("aria-hidden") == "true"
        inner = "viewbox" in node.attributes and node.attributes.get("class") in (None, "smooth")
        assert hidden or inner or node.attributes.get("aria-label"), node.attributes
    for table in page.all("table"):
        assert all("scope" in cell.attributes for cell in table.all("th"))
    assert page.one("a", class_="skip").attributes["href"] == "#body"
    for node in page.all(class_="scroll"):
        assert node.attributes["tabindex"] == "0"
        assert node.attributes["aria-label"]


def nasty(record: RunRecord) -> RunRecord:
    """Return `record` with names that are attacks wherever a user's names stand."""
    assert record.metrics is not None
    assert record.pictures is not None
    rows = [
        row | {"name": name} for row, name in zip(record.metrics["classes"], NASTY, strict=True)
    ]
    n = len(record.pictures["mistake_names"])
    names = np.array([NASTY[i % len(NASTY)] for i in range(n)])
    finding = {"file": NASTY[0], "reason": NASTY[5], "split": NASTY[1], "same_as": NASTY[2]}
    doctor: dict[str, Any] = {
        "checked": 1,
        "broken": [finding],
        "leaks": [finding | {"in": NASTY[3]}],
        "duplicates": [list(NASTY)],
        "conflicts": [{"files": list(NASTY), "classes": list(NASTY)}],
        "warnings": list(NASTY),
    }
    layers = {"rows": [{"name": NASTY[0], "kind": NASTY[2], "output_shape": [1], "parameters": 1}]}
    assert record.activations is not None
    activations = record.activations | {"names": np.array(NASTY[:7])}
    return replace(
        record,
        name=NASTY[0],
        recipe=record.recipe | {"data": {"source": NASTY[5], NASTY[1]: NASTY[0]}},
        data=record.data
        | {"classes": list(NASTY), "name": NASTY[1], "source": NASTY[5], "doctor": doctor},
        metrics=record.metrics | {"classes": rows},
        environment=record.environment | {"processor": NASTY[0], NASTY[2]: NASTY[1]},
        layers=layers | {"totals": {"parameters": 1}},
        activations=activations,
        pictures=record.pictures | {"mistake_names": names, "filters_layer": np.array(NASTY[2])},
    )


def test_names_are_shown_and_never_obeyed(record: RunRecord, page: Node) -> None:
    html = run_page(nasty(record))
    assert html.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", html)
    tree = parse(html)
    assert len(tree.all("script")) == 1
    assert not tree.all("img")
    assert not [n for n in tree.nodes() if any(name.startswith("on") for name in n.attributes)]
    cells = tree.one("table", class_="confusion").cells()
    assert cells[1][1] == NASTY[0]
    assert cells[1][6] == "caf\\xe9"
    assert cells[1][9] == NASTY[8]
    same = [node.tag for node in page.nodes() if node.tag in ("section", "h2", "nav", "main")]
    assert [n.tag for n in tree.nodes() if n.tag in ("section", "h2", "nav", "main")] == same


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
    assert "interrupted: 0 of 6 epochs ended, and it was not evaluated" in notice
    assert "metrics.json, layers.json" in notice
    assert [node.attributes["id"] for node in page.all("section")] == ["recipe"]


def test_a_run_that_is_not_evaluated_shows_validation_so_far(record: RunRecord) -> None:
    cut = {name: values[:4] for name, values in record.history.items()}
    page = parse(run_page(replace(record, metrics=None, history=cut)))
    assert "4 of 6 epochs ended" in page.all("div", class_="notice")[0].text
    assert page.one("p", class_="big-name").text == "Validation accuracy so far"
    assert page.one("p", class_="big").values == [cut["validation_accuracy"][-1]]


def test_a_run_that_was_stopped_is_marked_though_evaluated(record: RunRecord) -> None:
    stopped = replace(record, environment=record.environment | {"interrupted": True})
    notice = parse(run_page(stopped)).all("div", class_="notice")[0]
    assert "It was evaluated as it stood." in notice.text


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


def test_summary_for_a_notebook(record: RunRecord) -> None:
    assert record.metrics is not None
    tree = parse(summary_html(nasty(record)))
    rows = {row.one("th").text: row.all("td")[0].text for row in tree.all("tr")}
    assert rows["Test accuracy"] == f"{100 * record.metrics['test']['accuracy']:.2f} %"
    assert rows["Parameters"] == "1"
    assert not tree.all("script")
