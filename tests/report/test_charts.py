"""A small chart whose places are worked out by hand."""

from typing import Any

import pytest
from markupsafe import Markup

from striate.report.charts import FRAME, Frame, Line, Mark, key, line_chart
from striate.report.svg import element, polyline, rounded, text
from tests.report.reading import Node, parse

# 380 wide: from 46 to 370 is 324; 236 high: from 198 up to 24 is 174.
SMALL = Line(name="loss", x=[0.0, 1.0, 2.0], y=[0.0, 5.0, 10.0], look=2, markers=True)


def drawn(*lines: Line, **changes: Any) -> Node:
    options: dict[str, Any] = {"x_name": "epoch", "y_name": "loss", "summary": "It rises."}
    options |= changes
    return parse(line_chart(lines, **options)).one("svg", class_="chart")


def test_path_by_hand() -> None:
    assert FRAME.x == (46, 370)
    assert FRAME.y == (198, 24)
    # x: 46 + 162 a unit; y: 198 - 17.4 a unit.
    path = drawn(SMALL).one("path", class_="line")
    assert path.attributes["d"] == "M46 198L208 111L370 24"
    assert path.attributes["data-xs"] == "0 1 2"
    assert path.attributes["data-ys"] == "0 5 10"


def test_markers_lie_on_the_points() -> None:
    dots = drawn(SMALL).all("circle", class_="dot")
    places = [(dot.attributes["cx"], dot.attributes["cy"]) for dot in dots]
    assert places == [("46", "198"), ("208", "111"), ("370", "24")]


def test_ticks_stand_at_their_values() -> None:
    said = {node.text: node.attributes for node in drawn(SMALL, whole_x=True).all("text")}
    # 4 is two fifths up: 198 - 69.6 = 128.4, and the letters 3.8 lower.
    assert said["4"]["y"] == "132.2"
    assert said["1"]["x"] == "208"
    assert {"epoch", "loss", "0", "2", "10"} <= set(said)


def test_ring_by_hand() -> None:
    ring = drawn(SMALL, marks=[Mark(1.0, 5.0)]).one("circle", class_="ring")
    assert (ring.attributes["cx"], ring.attributes["cy"]) == ("208", "111")


def test_a_gap_breaks_the_line() -> None:
    line = Line(name="a", x=[0.0, 1.0, 2.0, 3.0], y=[1.0, None, 2.0, 3.0])
    path = drawn(line).one("path", class_="line")
    assert path.attributes["d"].count("M") == 2
    assert path.attributes["data-ys"] == "1 - 2 3"


def test_a_faint_line_does_not_stretch_the_axis() -> None:
    wild = Line(name="steps", x=[0.0, 2.0], y=[0.0, 1000.0], faint=True)
    chart = drawn(wild, SMALL)
    assert chart.attributes["data-domain"] == "0 2 0 10"
    assert "data-ys" not in chart.one("path", class_="faint").attributes


def test_high_cuts_the_axis() -> None:
    line = Line(name="a", x=[0.0, 1.0, 2.0], y=[90.0, 1.0, 0.5])
    assert drawn(line, high=1.0).attributes["data-domain"] == "0 2 0.5 1"
    # What lies above stays within an inner svg, which clips.
    assert drawn(line, high=1.0).all("svg")[0].attributes["viewbox"] == "40 18 336 186"


def test_bounds_stop_the_axis() -> None:
    line = Line(name="a", x=[0.0, 1.0], y=[-0.01, 0.97])
    assert drawn(line, y_range=(-0.05, 1.0)).attributes["data-domain"] == "0 1 -0.05 1"
    assert drawn(line).attributes["data-domain"] == "0 1 -0.2 1"
    high = Line(name="a", x=[0.0, 1.0], y=[0.0, 1.03])
    assert drawn(high, y_range=(0.0, 1.1)).attributes["data-domain"] == "0 1 0 1.1"


def test_empty_lines_make_an_empty_chart() -> None:
    chart = drawn(Line(name="a", x=[], y=[]), Line(name="b", x=[1.0], y=[None]))
    assert [p.attributes["d"] for p in chart.all("path", class_="line")] == ["", ""]


def test_summary_is_for_those_who_do_not_see() -> None:
    chart = drawn(SMALL, summary='From "a" to <b>')
    assert chart.attributes["role"] == "img"
    assert chart.attributes["aria-label"] == 'From "a" to <b>'


def test_size_is_kept() -> None:
    chart = drawn(SMALL, size=Frame(290, 216))
    assert chart.attributes["viewbox"] == "0 0 290 216"
    assert chart.one("path", class_="line").attributes["d"] == "M46 178L163 101L280 24"


def test_key_shows_colour_dash_and_marker() -> None:
    sample = parse(key(SMALL))
    assert sample.one("path", class_="look-2")
    assert sample.one("circle", class_="look-2")
    assert not parse(key(Line(name="a", x=[], y=[]))).all("circle")


def test_element_escapes_and_shortens() -> None:
    made = element("text", 'a<"b', x=1.04, y=2, class_="c d", aria_label="'", id=None)
    assert made == '<text x="1" y="2" class="c d" aria-label="&#39;">a&lt;&#34;b</text>'
    assert element("g", Markup("<b></b>")) == "<g><b></b></g>"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<script>", "&lt;script&gt;"),
        ("a\x00b\x1b[31m", "a\\x00b\\x1b[31m"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("\u202egnp", "\\u202egnp"),
        ("Kühe 牛", "Kühe 牛"),
    ],
)
def test_text_is_safe_and_encodes(raw: str, shown: str) -> None:
    assert text(raw) == shown
    assert text(raw).encode()


def test_coordinates_are_short() -> None:
    assert [rounded(v) for v in (1.0, 1.25, -0.04, 100.0, 1234.56)] == [
        *("1", "1.2", "0", "100", "1234.6"),
    ]
    assert polyline([]) == ""
