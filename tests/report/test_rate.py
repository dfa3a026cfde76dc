"""The range test as a chart and as a page: places by hand, words, numbers, safety."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from striate.report import rate_page, rate_svg
from striate.train import RateCurve
from tests.report.reading import Node, parse

CURVE = RateCurve(
    rates=(0.001, 0.01, 0.1, 1.0),
    losses=(2.0, 1.5, 1.0, 9.0),
    smoothed=(2.0, 1.8, 1.2, 5.0),
    suggested=0.0316,
)
# The frame of the file: the axis of rates from 46 to 630, that of losses from 322 up to 24.
LEFT, RIGHT, BASE, TOP = 46, 630, 322, 24


def place(svg: Node, text: str) -> tuple[float, str]:
    """Return where a text stands across, and to which side of it."""
    (node,) = [node for node in svg.all("text") if node.text == text]
    return float(node.attributes["x"]), node.attributes["text-anchor"]


@pytest.fixture
def svg() -> Node:
    return parse(rate_svg(CURVE)).one("svg", class_="chart")


def test_powers_of_ten_lie_evenly_apart(svg: Node) -> None:
    third = (RIGHT - LEFT) / 3
    for number, text in enumerate(("0.001", "0.01", "0.1", "1")):
        assert place(svg, text)[0] == pytest.approx(LEFT + number * third, abs=0.06)


def test_lines_by_hand(svg: Node) -> None:
    """The axis reaches from the least loss, 1, to 2 + .8 / 4 over the first: to 2.5, its tick."""
    raw, smooth = svg.one("svg").all("path")
    assert (raw.attributes["class"], smooth.attributes["class"]) == (
        "line look-1 faint", "line look-1",
    )  # fmt: skip
    height = BASE - TOP
    expected = [(2.0, 0), (1.8, 1), (1.2, 2), (5.0, 3)]
    points = [tuple(map(float, xy.split())) for xy in re.split("[ML]", smooth.attributes["d"])[1:]]
    for (x, y), (loss, number) in zip(points, expected, strict=True):
        assert x == pytest.approx(LEFT + number * (RIGHT - LEFT) / 3, abs=0.06)
        assert y == pytest.approx(BASE - height * (loss - 1.0) / (2.5 - 1.0), abs=0.06)
    assert (raw.one("title").text, smooth.one("title").text) == (
        "loss of each step", "smoothed loss",
    )  # fmt: skip
    assert raw.attributes["d"] != smooth.attributes["d"]


@pytest.mark.parametrize(("rate", "side"), [(0.0316, "start"), (0.1, "end")])
def test_the_suggestion_is_marked_and_named_where_there_is_room(rate: float, side: str) -> None:
    svg = parse(rate_svg(replace(CURVE, suggested=rate))).one("svg", class_="chart")
    x = LEFT + (math.log10(rate) + 3) / 3 * (RIGHT - LEFT)
    (line,) = svg.all("path", class_="ideal")
    assert line.attributes["d"] == f"M{x:.1f} {BASE}V{TOP}"
    assert place(svg, f"suggested: {rate:.2g}") == (
        pytest.approx(x + (6 if side == "start" else -6), abs=0.06), side,
    )  # fmt: skip


def test_it_is_said_in_words(svg: Node) -> None:
    assert svg.attributes["aria-label"] == (
        "Loss over the learning rate, from 0.001 to 1: 2.0000 at first, least at 0.1 with 1.2000. "
        "Suggested: 0.032."
    )


def test_the_file_stands_alone() -> None:
    text = rate_svg(CURVE)
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (root.attrib["width"], root.attrib["height"]) == ("640", "360")
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", text)


@pytest.mark.parametrize(
    "curve",
    [
        RateCurve(rates=(0.1,), losses=(1.0,), smoothed=(1.0,), suggested=0.1),
        RateCurve(rates=(0.02, 0.021), losses=(1.0, 2.0), smoothed=(1.0, 2.0), suggested=0.02),
        RateCurve(rates=(1e-9, 1e3), losses=(0.0, 0.0), smoothed=(0.0, 0.0), suggested=1e-3),
        RateCurve(rates=(0.1, 1.0), losses=(1e30, 1e38), smoothed=(1e30, 1e38), suggested=0.1),
    ],
    ids=["one step", "hardly a range", "flat", "huge"],
)
def test_odd_curves_are_drawn_too(curve: RateCurve) -> None:
    svg = parse(rate_svg(curve)).one("svg", class_="chart")
    assert "nan" not in rate_svg(curve).lower().replace("nano", "")
    assert [n for n in svg.all("text") if n.text.startswith("suggested")]
    assert parse(rate_page(curve, network="n", data="d")).one("section", id="curve")


def test_the_page_holds_the_chart_the_advice_and_every_number() -> None:
    page = parse(rate_page(CURVE, network="small_resnet", data="fashion-mini"))
    assert page.one("h1").text == "small_resnet on fashion-mini"
    assert page.one("p", class_="lead").text == (
        "The loss falls most around a learning rate of 0.032."
    )
    section = page.one("section", id="curve")
    assert section.one("svg", class_="chart").all("path", class_="ideal")
    assert "striate train --set learning_rate=0.032" in section.text
    assert "trained for 4 steps" in section.text
    values = page.one("section", id="steps").one("table").values
    rows = zip(CURVE.rates, CURVE.losses, CURVE.smoothed, strict=True)
    assert values == [value for row in rows for value in row]


def test_names_are_never_obeyed() -> None:
    html = rate_page(CURVE, network="<script>x</script>\x1b", data='"><img src=x>\udce9')
    assert html.encode()
    page = parse(html)
    assert len(page.all("script")) == 1
    assert not page.all("img")
    (policy,) = [n for n in page.all("meta") if "http-equiv" in n.attributes]
    assert policy.attributes["content"].startswith("default-src 'none'; img-src data:; ")
