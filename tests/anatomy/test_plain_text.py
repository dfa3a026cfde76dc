"""The table in letters: fits where it must, tells the numbers, says the convention."""

import csv
import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate._errors import ShapeError
from striate.anatomy import LayerTable, table
from striate.anatomy.plain_text import bytes_words, count_words
from tests.anatomy.networks import Shared, residual_net


def deep_names() -> nn.Module:
    inner: nn.Module = nn.Conv2d(3, 64, 3, padding=1)
    for name in ("convolution", "block", "stage", "encoder", "backbone"):
        outer = nn.Module()
        outer.add_module(name, inner)
        outer.forward = inner.forward
        inner = nn.Sequential()
        inner.add_module(name, outer)
    return inner


def residual() -> LayerTable:
    network = residual_net()
    network.stem.requires_grad_(False)
    return table(network, (8, 6), batch=2)


def test_plain_text() -> None:
    lines = str(residual()).splitlines()
    assert lines[0].split() == [
        *("name", "kind", "output", "parameters", "%", "multiply-adds", "%"),
        *("activation", "%", "backward", "%", "field", "stride", "offset"),
    ]
    assert " ".join(lines[2].split()) == (
        # 2 x 4 x 8 x 6 floats of 4 bytes are 1.5 KiB, of 6 * 1536 + 4 * 384 + 32 + 24; 36 weights
        # of 363; 3,456 of 3,456 + 13,824 + 3,456 + 24. Nothing here asks for a gradient.
        "stem.0 convolution 2 x 4 x 8 x 6 36 9.9 3,456 16.6 1.50 KiB 14.2 3 1 -1"
    )
    assert "44 of the parameters are frozen" in lines
    assert lines[-1].startswith("input 2 x 1 x 8 x 6 of float32; one row a call; multiply-adds")
    assert "biases not counted" in lines[-1]
    body = [line for line in lines if line.startswith("head.2") or "convolution  2" in line]
    assert len({line.index("convolution") for line in body if "convolution" in line}) == 1


def test_the_memory_of_the_whole_is_below() -> None:
    found = residual()
    (inference,) = [line for line in str(found).splitlines() if line.startswith("inference: ")]
    (training,) = [line for line in str(found).splitlines() if "a training step: " in line]
    assert found.memory is not None
    assert inference.startswith(f"inference: {bytes_words(found.memory.inference)} at once")
    assert f"kept for backward {bytes_words(found.memory.backward)}" in training


@given(width=st.integers(40, 220))
def test_it_fits_any_terminal(width: int) -> None:
    for found in FOUND:
        lines = found.text(width).splitlines()
        assert max(len(line) for line in lines) <= max(width, 60)
        assert all(lines[0].startswith("name") for _ in lines)
        if width >= 60:
            assert {"parameters", "mult-adds"} <= set(lines[0].replace("multiply", "mult").split())


FOUND = [table(deep_names(), 200), table(Shared(), 4)]


def test_what_is_wide_enough_has_every_column() -> None:
    found = residual()
    assert found.text(400).splitlines()[0] == str(found).splitlines()[0]


def test_shortened_names_keep_their_end() -> None:
    narrow = table(deep_names(), 200).text(70).splitlines()
    assert ".." in narrow[2]
    assert narrow[2].split()[0].endswith("volution.conv2d")


def test_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(residual().to_csv())))
    first = rows[0]
    assert (first["name"], first["output_shape"]) == ("stem.0", "2x4x8x6")
    assert first["parameters"] == "36"
    assert (first["trainable"], first["multiply_adds"]) == ("0", "3456")
    assert (first["activation_bytes"], first["backward_bytes"]) == ("1536", "0")
    assert (first["receptive_field"], first["stride"], first["offset"]) == ("3", "1", "-1")
    for column in ("parameters", "multiply_adds", "activation_bytes", "backward_bytes"):
        assert sum(float(row[f"{column}_share"]) for row in rows) == pytest.approx(1, abs=1e-4)


def test_shares_by_hand() -> None:
    network = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 1, bias=False))
    found = table(network, torch.zeros(2, 3))
    assert [found.shares(row)["parameters"] for row in found.rows] == [0.75, 0.25]
    assert [found.shares(row)["activation_bytes"] for row in found.rows] == [0.75, 0.25]


def test_sorted() -> None:
    found = residual()
    for by in ("parameters", "multiply_adds"):
        values = [getattr(row, by) for row in found.sorted(by).rows]
        assert values == sorted(values, reverse=True)
    assert [row.name for row in found.sorted("name").rows][:2] == ["head.0", "head.2"]
    wholes = [row.receptive_field[0].whole for row in found.sorted("field").rows]
    assert found.sorted("kind").totals == found.totals
    assert len(wholes) == len(found.rows)
    with pytest.raises(ShapeError, match="cannot be sorted by 'size'; take name, kind, param"):
        found.sorted("size")


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (999, "999"), (1000, "1.00 k"), (123_456, "123.5 k"), (4_089_184_256, "4.09 G")],
)
def test_counts(number: int, words: str) -> None:
    assert count_words(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(None, ""), (0, ""), (1023, "1023 B"), (1024, "1.00 KiB"), (3 * 2**30, "3.00 GiB")],
)
def test_bytes(number: int | None, words: str) -> None:
    assert bytes_words(number) == words
