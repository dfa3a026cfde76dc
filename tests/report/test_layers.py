"""The layer table as a page and in a notebook: every number of it, nothing that runs."""

import html
import re

import pytest
import torch
from torch import nn

from striate.anatomy import LayerTable, table
from striate.anatomy.plain_text import bytes_words
from striate.report import layers_html, layers_page, wording
from tests.anatomy.networks import Shared, residual_net


@pytest.fixture(scope="module")
def found() -> LayerTable:
    return table(residual_net(), (8, 6), batch=2)


def cells(page: str, tag: str = "td|th") -> list[list[str]]:
    """Return the words of each cell, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    plain = [re.findall(rf"<(?:{tag})[^>]*>(.*?)</(?:{tag})>", row, re.S) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", "", c)).strip() for c in row] for row in plain]


@pytest.mark.parametrize("draw", [layers_html, lambda t: layers_page(t, name="mine")])
def test_every_call_with_its_numbers(draw: object, found: LayerTable) -> None:
    rows = cells(draw(found))  # pyright: ignore[reportCallIssue]
    assert len(rows) == len(found.rows) + 2
    head, first, last, total = rows[0], rows[1], rows[-2], rows[-1]
    assert [word.lower() for word in head[1:]] == [
        *("kind", "output", "parameters", "multiply-adds", "activation", "backward"),
        *("field", "stride", "offset"),
    ]
    # 4 filters of 3 x 3; 2 x 4 x 8 x 6 outputs of 9 products; the batch, 2 x 48 floats, is kept.
    assert first == [
        *("stem.0", "convolution", "2 × 4 × 8 × 6", "36", "3,456", "1.50 KiB", "384 B"),
        *("3", "1", "-1"),
    ]
    assert last[:4] == ["head.2", "linear", "2 × 3", "15"]
    assert last[-3] == "whole"
    assert f"{found.parameters:,}" in total
    assert f"{found.multiply_adds:,}" in total


def test_the_page_opens_offline_and_says_the_convention(found: LayerTable) -> None:
    page = layers_page(found, name="<b>net</b>")
    assert "default-src &#39;none&#39;" in page
    assert "<b>net" not in page
    assert "&lt;b&gt;net" in page
    assert "biases not counted" in page
    assert "inference: " in page
    assert "2 inputs of 1 × 8 × 6" in page
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert (facts["Parameters"], facts["Multiply-adds"]) == ("363", wording.compact(20_760))
    assert found.memory is not None
    assert facts["Inference, at once"] == bytes_words(found.memory.inference)


def test_names_are_text_in_the_notebook_too() -> None:
    network = nn.Sequential()
    network.add_module("<i>", nn.Linear(2, 2))
    shown = layers_html(table(network, torch.zeros(1, 2)))
    assert "<i>" not in shown
    assert "&lt;i&gt;" in shown
    assert "<style" not in shown
    assert "<script" not in shown


def test_a_notebook_shows_the_table(found: LayerTable) -> None:
    assert found._repr_html_() == layers_html(found)


def test_a_table_of_an_earlier_version_has_the_columns_that_it_knows() -> None:
    written = table(Shared(), 4).to_json()
    for row in written["rows"]:
        for later in ("activation_bytes", "backward_bytes", "receptive_field", "mode"):
            del row[later]
    written["memory"], written["inputs"] = None, []
    old = LayerTable.from_json(written)
    head, first, *_ = cells(layers_html(old))
    assert head == ["name", "kind", "output", "parameters", "multiply-adds"]
    assert first[3:] == ["38", "576"]
    assert "4 × 4" in layers_page(old, name="old")
