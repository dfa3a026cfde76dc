"""The page asks for nothing, obeys no name, and is read by everyone."""

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from striate.report import run_page, summary_html
from striate.runs.record import RunRecord
from tests.report.reading import Node, parse

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


def test_summary_for_a_notebook(record: RunRecord) -> None:
    assert record.metrics is not None
    tree = parse(summary_html(nasty(record)))
    rows = {row.one("th").text: row.all("td")[0].text for row in tree.all("tr")}
    assert rows["Test accuracy"] == f"{100 * record.metrics['test']['accuracy']:.2f} %"
    assert rows["Parameters"] == "1"
    assert not tree.all("script")
