"""The page of a run: its numbers are the record's, it asks for nothing, and nothing is lost."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from striate.report import run_page
from striate.runs.record import RunRecord
from tests.report.reading import Node, parse

SECTIONS = [
    *("samples", "augmented", "layers", "curves", "schedule", "activations", "filters"),
    *("confusion", "classes", "calibration", "mistakes", "data", "environment", "recipe"),
]


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


def test_a_map_half_as_strong_is_drawn_half_as_strong(record: RunRecord) -> None:
    assert record.pictures is not None
    maps = np.zeros_like(record.pictures["mistake_maps"])
    maps[0], maps[1] = 31.0, 15.0
    page = parse(run_page(replace(record, pictures=record.pictures | {"mistake_maps": maps})))
    items = page.one("ul", class_="mistakes").all("li")
    sheet = base64.b64decode(page.one("image", id="maps-sheet").attributes["href"].split(",")[1])
    alpha = np.asarray(Image.open(io.BytesIO(sheet)))[..., 3]
    seen = []
    for item in items[:3]:
        x, y, *_ = item.one("svg", class_="smooth").attributes["viewbox"].split()
        seen.append(int(alpha[int(y) + 3, int(x) + 3]))
    # 255 * .85 * (level ** .8), the level 31 or 15 of 31.
    assert seen == [217, round(216.75 * (15 / 31) ** 0.8), 0]


def test_each_map_lies_over_its_own_photo(page: Node) -> None:
    for item in page.one("ul", class_="mistakes").all("li"):
        photo, below = item.all("svg", class_="tile")
        assert photo.attributes["viewbox"] == below.attributes["viewbox"]
        upper = below.one("svg", class_="smooth").attributes
        place = [upper[name] for name in ("x", "y", "width", "height")]
        assert " ".join(place) == photo.attributes["viewbox"]


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
