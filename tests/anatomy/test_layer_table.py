"""The layer table as it is kept: JSON there and back, of this version and others."""

import json
import re

import pytest

from striate._errors import RunError
from striate.anatomy import LayerTable, table
from tests.anatomy.networks import Shared


def test_json_round_trip() -> None:
    found = table(Shared(), 4)
    written = json.loads(json.dumps(found.to_json()))
    assert LayerTable.from_json(written) == found
    assert written["totals"] == {
        "parameters": 38,
        "trainable": 38,
        "multiply_adds": 1152,
        "activation_bytes": 256,  # two convolutions of 2 x 4 x 4 floats; the ReLUs are in place
        "backward_bytes": 384,  # the input and both convolutions' outputs
    }
    assert (written["size"], written["inputs"]) == ([4, 4], [[1, 2, 4, 4]])
    assert set(written["rows"][0]) == {
        *("name", "kind", "output_shape", "parameters", "trainable", "shared", "multiply_adds"),
        *("activation_bytes", "backward_bytes", "receptive_field", "mode"),
    }


def test_json_of_an_earlier_version_is_read() -> None:
    new = table(Shared(), 4)
    old = new.to_json()
    for row in old["rows"]:
        for later in ("activation_bytes", "backward_bytes", "receptive_field", "mode"):
            del row[later]
    for later in ("inputs", "dtype", "memory", "notes"):
        del old[later]
    found = LayerTable.from_json(old)
    assert found.memory is None
    assert found.totals == {"parameters": 38, "trainable": 38, "multiply_adds": 1152}
    assert str(found).splitlines()[0].split() == [
        *("name", "kind", "output", "parameters", "%", "multiply-adds", "%"),
    ]
    assert len(found.to_csv().splitlines()) == 5


def test_json_of_a_later_version_is_read_and_a_damaged_one_is_not() -> None:
    written = table(Shared(), 4).to_json()
    for row in written["rows"]:
        row["colour"] = 3
    assert LayerTable.from_json(written) == table(Shared(), 4)
    del written["rows"][0]["kind"]
    with pytest.raises(RunError, match=re.escape("the layer table is damaged: KeyError('kind')")):
        LayerTable.from_json(written)
