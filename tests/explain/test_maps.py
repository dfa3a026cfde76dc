"""Map records: files, and resizing for drawing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import RunError
from striate.explain import Map, grad_cam, resize_maps
from tests.explain.networks import two_channel_net


def example(**changes: Any) -> Map:
    fields: dict[str, Any] = {
        "method": "grad_cam",
        "values": torch.rand(2, 3, 4),
        "layer": "stages.1",
        "targets": torch.tensor([1, 0]),
        "scores": torch.tensor([0.5, -0.5]),
        "seed": 7,
    }
    return Map(**{**fields, **changes})


@pytest.mark.parametrize("changes", [{}, {"targets": None, "layer": None, "seed": None}])
@pytest.mark.parametrize("name", ["map", "map.npz", "a.b"])
def test_files_round_trip(tmp_path: Path, changes: dict[str, Any], name: str) -> None:
    record = example(**changes)
    record.save(tmp_path / name)
    read = Map.load(tmp_path / name)
    for field in ("values", "targets", "scores"):
        before, after = getattr(record, field), getattr(read, field)
        assert (before is None) == (after is None)
        if before is not None:
            assert torch.equal(before, after)
    for field in ("method", "layer", "seed", "versions"):
        assert getattr(record, field) == getattr(read, field)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_words_are_readable_and_name_the_versions(tmp_path: Path) -> None:
    grad_cam(two_channel_net(), torch.ones(1, 1, 2, 2)).save(tmp_path / "m.npz")
    words = json.loads((tmp_path / "m.json").read_text())
    assert words["method"] == "grad_cam"
    assert words["layer"] == "1"
    assert words["versions"]["torch"] == torch.__version__
    assert set(words["versions"]) == {"striate", "torch"}


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no map can be read from .*m\.npz"):
        Map.load(tmp_path / "m")
    example().save(tmp_path / "m")
    np.savez(tmp_path / "m.npz", values=np.zeros((1, 1, 1)), scores=np.zeros(1))
    with pytest.raises(RunError, match=r"m\.npz is not the one that m\.json tells"):
        Map.load(tmp_path / "m")
    np.savez(tmp_path / "m.npz", scores=np.zeros(1))
    with pytest.raises(RunError, match="no map can be read"):
        Map.load(tmp_path / "m")


def test_resizing_by_hand() -> None:
    # Cell centres lie at 1/4 and 3/4; the centres of 4 pixels at 1/8, 3/8, 5/8, 7/8.
    assert resize_maps(torch.tensor([[[0.0, 4.0]]]), 1, 4).tolist() == [[[0, 1, 3, 4]]]


@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_resizing_keeps_constants_and_the_range(height: int, width: int) -> None:
    flat = resize_maps(torch.full((1, 3, 2), 2.5), height, width)
    torch.testing.assert_close(flat, torch.full((1, height, width), 2.5))
    values = torch.rand(2, 3, 4)
    found = resize_maps(values, height, width)
    assert float(found.min()) >= float(values.min()) - 1e-6
    assert float(found.max()) <= float(values.max()) + 1e-6
    expected = F.interpolate(values[None], size=(height, width), mode="bilinear")[0]
    torch.testing.assert_close(found, expected)
