"""Arguments of `load` are checked in one place, and what a set says of them repeats it."""

from typing import Any

import pytest

from striate._errors import DataError
from striate.data import load
from striate.data.options import Options

RANGES = [
    ({"size": 7}, "size is 7; it must be 8 to 2048 pixels"),
    ({"size": 2049}, "size is 2049; it must be 8 to 2048 pixels"),
    ({"per_class": 0}, "per_class is 0; it must be 1 or more"),
    ({"validation": 0.0}, r"validation is 0.0; it must be above 0 and below 1, such as 0.1"),
    ({"validation": 1.0}, "validation is 1.0; it must be above 0 and below 1"),
    ({"validation": float("nan")}, "validation is nan; it must be above 0 and below 1"),
    ({"channels": 2}, r"channels is 2; it must be 1 \(grey\) or 3 \(RGB\)"),
]


@pytest.mark.parametrize(("values", "message"), RANGES)
def test_out_of_range_whatever_is_loaded(values: dict[str, Any], message: str) -> None:
    for wrong in (lambda: Options(**values), lambda: load("fashion-mini", **values)):
        with pytest.raises(DataError, match=message):
            wrong()


def test_values_on_the_edge_are_taken() -> None:
    least = Options(size=8, per_class=1, validation=1e-9, channels=1)
    assert (least.size, Options(size=2048).size) == (8, 2048)


def test_they_are_said_in_full_and_repeat_the_load() -> None:
    assert Options().to_json() == {
        "size": 128, "classes": None, "per_class": None, "validation": 0.1, "seed": 0,
        "channels": None,
    }  # fmt: skip
    given = {"classes": ("Coat", "Bag"), "per_class": 30, "seed": 4, "validation": 0.2}
    images = load("fashion-mini", **given)
    assert images.options == Options(**given).to_json()
    assert images.options["classes"] == ["Coat", "Bag"]
    assert load("fashion-mini", **images.options).fingerprint == images.fingerprint
