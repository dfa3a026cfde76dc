"""Pictures of activations, on histograms so small that every pixel is known."""

from dataclasses import replace

import numpy as np
import pytest

from striate.report.activity import activity, histogram_pictures, layer_views
from striate.report.heat import VIRIDIS
from striate.report.pictures import heat_sheet
from striate.runs.record import RunRecord
from tests.report.reading import parse


def arrays(histogram: np.ndarray, limit: float = 8.0) -> dict[str, np.ndarray]:
    times, layers = histogram.shape[:2]
    flat = np.ones((times, layers), np.float32)
    return {
        "steps": np.arange(1, times + 1),
        "names": np.array([f"layer {i}" for i in range(layers)]),
        "kinds": np.array(["conv"] * layers),
        "mean": 0.5 * flat,
        "deviation": 2 * flat,
        "near_zero": 0.25 * flat,
        "limit": np.full(layers, limit, np.float32),
        "histogram": histogram.astype(np.float32),
    }


def test_up_is_larger_and_right_is_later() -> None:
    # One layer, three points in time, two bins: all low, half and half, all high.
    shares = np.array([[[1.0, 0.0]], [[0.5, 0.5]], [[0.0, 1.0]]])
    (picture,) = histogram_pictures(arrays(shares))
    half = np.log1p(500) / np.log1p(1000)
    np.testing.assert_allclose(picture, [[0, half, 1], [1, half, 0]], rtol=1e-6)


def test_each_layer_has_its_own_scale() -> None:
    shares = np.zeros((1, 2, 4))
    shares[0, 0, 1], shares[0, 1] = 1.0, 0.25
    pictures = histogram_pictures(arrays(shares))
    assert pictures.max(axis=(1, 2)).tolist() == [1, 1]


def test_many_points_in_time_are_averaged_to_a_hundred() -> None:
    shares = np.zeros((200, 1, 2))
    shares[::2, 0, 0] = shares[1::2, 0, 1] = 1.0
    (picture,) = histogram_pictures(arrays(shares))
    assert picture.shape == (2, 100)
    np.testing.assert_allclose(picture, 1.0)


def test_empty_ends_are_cut_and_the_range_with_them() -> None:
    # Ten bins from -8 to 8, and only the middle four hold anything: three are cut at each end,
    # and what is left reaches to 8 * 4 / 10.
    shares = np.zeros((2, 1, 10))
    shares[:, 0, 3:7] = 0.25
    sheet = heat_sheet("s", histogram_pictures(arrays(shares)), VIRIDIS)
    (view,) = layer_views(arrays(shares), sheet)
    tile = parse(view.picture).one("svg", class_="tile")
    assert tile.attributes["viewbox"] == "1 4 2 4"
    assert view.limit == pytest.approx(3.2)
    assert "from -3.2 to 3.2" in tile.attributes["aria-label"]


def test_a_tail_that_counts_is_not_cut() -> None:
    shares = np.zeros((1, 1, 8))
    shares[0, 0, 4], shares[0, 0, 0] = 0.99, 0.01
    sheet = heat_sheet("s", histogram_pictures(arrays(shares)), VIRIDIS)
    assert layer_views(arrays(shares), sheet)[0].limit == 8.0


def test_a_quarter_of_the_bins_is_always_left() -> None:
    shares = np.zeros((1, 1, 8))
    sheet = heat_sheet("s", histogram_pictures(arrays(shares)), VIRIDIS)
    assert layer_views(arrays(shares), sheet)[0].limit == 2.0


def test_strip_by_hand() -> None:
    given = arrays(np.full((3, 1, 4), 0.25))
    given["near_zero"][:, 0] = [0.0, 0.5, np.nan]
    sheet = heat_sheet("s", histogram_pictures(given), VIRIDIS)
    strip = parse(layer_views(given, sheet)[0].strip)
    # Of three points the last is unknown; 0 lies at the bottom, 20, and a half at 10.
    assert strip.one("path", class_="edge").attributes["d"] == "M0 20L50 10"
    assert strip.one("path", class_="area").attributes["d"] == "M0 20L50 10L50 20L0 20z"


def test_layers_that_look_unwell_are_named(record: RunRecord) -> None:
    given = arrays(np.full((2, 3, 4), 0.25))
    given["near_zero"][-1] = [0.99, 0.2, 0.97]
    given["deviation"][-1, 1] = 1e-5
    section = activity(replace(record, activations=given))
    assert section is not None
    assert section.view["notes"] == [
        "More than 95 % of the activations are near zero in layer 0 and layer 2.",
        "The activations hardly vary in layer 1.",
    ]
