"""Names made safe for a terminal: by hand, and as a law."""

import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.files import printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("a b'c\"d.png", "a b'c\"d.png", id="spaces-and-quotes"),
        pytest.param("Größe/日本.jpg", "Größe/日本.jpg", id="non-ascii-stays"),
        pytest.param("a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f", id="control"),
        pytest.param("\x1b]0;title\x07", "\\x1b]0;title\\x07", id="terminal-command"),
        pytest.param(os.fsdecode(b"caf\xe9"), "caf\\xe9", id="undecodable-byte"),
        pytest.param("\ud800", "\\ud800", id="lone-surrogate"),
        pytest.param("gpj.\u202eexe", "gpj.\\u202eexe", id="turned-direction"),
        pytest.param("a\u2028b", "a\\u2028b", id="line-separator"),
        pytest.param(Path("x/y"), "x/y", id="a-path"),
    ],
)
def test_by_hand(name: str | Path, shown: str) -> None:
    assert printable(name) == shown


@given(st.text(st.characters(exclude_categories=[])))
def test_what_comes_out_is_one_line_that_encodes_and_stays(text: str) -> None:
    shown = printable(text)
    assert json.loads(json.dumps(shown)) == shown
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(c) == "Cc" for c in shown)
    assert printable(shown) == shown
