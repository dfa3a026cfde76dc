"""Expected calibration error and temperature: by hand, against loops and a general minimiser."""

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from torch import Tensor

from striate._errors import DataError, ShapeError
from striate.metrics import calibration, fit_temperature, probabilities


def test_by_hand() -> None:
    # Top probabilities .9 (right), .7 (wrong), .6 (right), .55 (right); halves of 0.5 to 1:
    # bin 2 of 4 is (.5, .75]: 3 images, accuracy 2/3, confidence 1.85/3; bin 3: 1, 1, .9.
    rows = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.45, 0.55]], dtype=torch.float64)
    found = calibration(rows, torch.tensor([0, 1, 1, 1]), bins=4)
    assert found.ece == pytest.approx((3 * abs(2 / 3 - 1.85 / 3) + abs(1 - 0.9)) / 4)
    assert [b.count for b in found.bins] == [0, 0, 3, 1]
    third = found.bins[2]
    assert (third.low, third.high) == (0.5, 0.75)
    assert third.accuracy == pytest.approx(2 / 3)
    assert third.confidence == pytest.approx(1.85 / 3)
    assert (found.bins[0].accuracy, found.bins[0].confidence) == (0, 0)


@pytest.mark.parametrize(("top", "place"), [(0.5, 1), (0.75, 2), (1.0, 3), (0.5000001, 2)])
def test_right_edges_belong_to_their_bin(top: float, place: int) -> None:
    rows = torch.tensor([[top, 1 - top]], dtype=torch.float64)
    counts = [b.count for b in calibration(rows, torch.tensor([0]), bins=4).bins]
    assert counts.index(1) == place


def by_loops(rows: np.ndarray, labels: np.ndarray, bins: int) -> float:
    total = 0.0
    for m in range(bins):
        inside = [i for i, row in enumerate(rows) if m / bins < row.max() <= (m + 1) / bins]
        if inside:
            right = sum(int(rows[i].argmax() == labels[i]) for i in inside)
            sure = sum(float(rows[i].max()) for i in inside)
            total += abs(right - sure) / len(rows)
    return total


@given(seed=st.integers(0, 10_000), count=st.integers(1, 60), bins=st.integers(1, 20))
def test_against_loops(seed: int, count: int, bins: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(count, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 5, (count,), generator=generator)
    rows = probabilities(scores, 5)
    found = calibration(rows, labels, bins=bins)
    assert found.ece == pytest.approx(by_loops(rows.numpy(), labels.numpy(), bins))
    assert sum(b.count for b in found.bins) == count


def test_sure_and_right_is_calibrated() -> None:
    assert calibration(torch.eye(3), torch.tensor([0, 1, 2])).ece == 0
    assert calibration(torch.eye(3), torch.tensor([1, 2, 0])).ece == 1


def test_calibration_errors() -> None:
    with pytest.raises(DataError, match="of 0 images"):
        calibration(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(DataError, match="probabilities must lie in 0 to 1"):
        calibration(torch.tensor([[3.0, -2.0]]), torch.tensor([0]))
    with pytest.raises(DataError, match="probabilities must lie in 0 to 1"):
        calibration(torch.tensor([[math.nan, 0.5]]), torch.tensor([0]))
    with pytest.raises(ShapeError, match="bins is 0"):
        calibration(torch.eye(2), torch.tensor([0, 1]), bins=0)


def drawn(seed: int, temperature: float, *, count: int = 400, classes: int = 4) -> tuple:
    """Return scores, and labels drawn from softmax(scores / temperature)."""
    generator = torch.Generator().manual_seed(seed)
    scores = 4 * torch.randn(count, classes, generator=generator, dtype=torch.float64)
    labels = torch.multinomial((scores / temperature).softmax(1), 1, generator=generator)[:, 0]
    return scores, labels


def likelihood(scores: Tensor, labels: Tensor, temperature: float) -> float:
    return float(F.cross_entropy(scores / temperature, labels))


@given(seed=st.integers(0, 1000), temperature=st.floats(0.3, 5))
def test_temperature_against_a_general_minimiser(seed: int, temperature: float) -> None:
    scores, labels = drawn(seed, temperature)
    found = fit_temperature(scores, labels)
    oracle: Any = minimize_scalar(
        lambda log: likelihood(scores, labels, math.exp(log)),
        bounds=(math.log(0.05), math.log(20)),
        method="bounded",
        options={"xatol": 1e-8},
    )
    assert found == pytest.approx(math.exp(oracle.x), rel=1e-4)
    assert likelihood(scores, labels, found) <= likelihood(scores, labels, 1) + 1e-12


@given(seed=st.integers(0, 1000), scale=st.floats(0.5, 3))
def test_temperature_scales_with_the_scores(seed: int, scale: float) -> None:
    scores, labels = drawn(seed, 1)
    found = fit_temperature(scores * scale, labels)
    assert found == pytest.approx(scale * fit_temperature(scores, labels), rel=1e-9)


def test_one_column_is_two_classes() -> None:
    scores, labels = drawn(5, 2, classes=2)
    one = scores[:, 1:] - scores[:, :1]
    assert fit_temperature(one, labels) == pytest.approx(fit_temperature(scores, labels))


def test_a_better_temperature_calibrates() -> None:
    scores, labels = drawn(1, 3, count=4000)
    found = fit_temperature(scores, labels)
    before = calibration(probabilities(scores, 4), labels).ece
    after = calibration(probabilities(scores / found, 4), labels).ece
    assert after < 0.03 < before


def test_bounds_where_there_is_no_minimum() -> None:
    perfect = 10 * torch.eye(3)
    assert fit_temperature(perfect, torch.tensor([0, 1, 2])) == pytest.approx(0.05)
    assert fit_temperature(perfect, torch.tensor([1, 2, 0])) == pytest.approx(20)
    assert 0.05 <= fit_temperature(torch.zeros(3, 2), torch.tensor([0, 1, 0])) <= 20


def test_temperature_errors() -> None:
    with pytest.raises(DataError, match="cannot be fit to 0 images"):
        fit_temperature(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(DataError, match="infinities or NaNs"):
        fit_temperature(torch.tensor([[math.nan, 1.0]]), torch.tensor([0]))
    with pytest.raises(DataError, match="labels must be 0 to 1"):
        fit_temperature(torch.zeros(1, 2), torch.tensor([2]))
