import tomllib

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from striate.runs.quoting import quoted, unquoted

NAMES = st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape")) | st.text()
VALUES = st.recursive(
    NAMES | st.integers() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)


@given(value=VALUES)
def test_everything_comes_back_and_is_utf_8(value: object) -> None:
    text = quoted(value)
    repr(text)
    assert unquoted(text) == value


@given(name=NAMES)
def test_a_name_goes_through_toml(name: str) -> None:
    text = tomli_w.dumps(quoted({"source": name}))
    assert unquoted(tomllib.loads(text.encode().decode())) == {"source": name}


def test_ordinary_text_stays_as_it_is() -> None:
    assert quoted(["photos/été", 1, 0.5, True, {"a": "b"}]) == [
        "photos/été",
        1,
        0.5,
        True,
        {"a": "b"},
    ]


def test_a_name_that_looks_quoted_is_quoted() -> None:
    assert quoted("bytes:a") == "bytes:bytes%3Aa"
    assert unquoted("bytes:bytes%3Aa") == "bytes:a"
