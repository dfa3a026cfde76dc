"""The loss: against torch's own, by hand for a binary network, and networks with their own."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.train.objective import Objective, balanced_weights

SCORES = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0], [1.0, 1.0, -2.0], [0.3, 0.1, 0.2]])
LABELS = torch.tensor([0, 1, 2, 0])
SHARES = st.floats(0, 0.9)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 2.0, 0.5])])
def test_cross_entropy_is_torchs(smoothing: float, weight: Tensor | None):
    objective = Objective(nn.Identity(), 3, label_smoothing=smoothing, class_weights=weight)
    oracle = nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)
    assert torch.equal(objective(SCORES, LABELS), oracle(SCORES, LABELS))


def test_cross_entropy_by_hand():
    # Two scores, apart by ln 3: the label's probability is 3/4.
    scores = torch.tensor([[math.log(3), 0.0]])
    loss = Objective(nn.Identity(), 2)(scores, torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log(4 / 3))


def test_the_loss_of_half_precision_scores_is_computed_in_float32():
    loss = Objective(nn.Identity(), 3)(SCORES.bfloat16(), LABELS)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, F.cross_entropy(SCORES.bfloat16().float(), LABELS))


def test_binary_by_hand():
    # Scores ln 3 and 0: P(class 1) is 3/4 and 1/2; labels 1 and 0.
    scores = torch.tensor([[math.log(3)], [0.0]])
    labels = torch.tensor([1, 0])
    loss = Objective(nn.Identity(), 2)(scores, labels)
    assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    weighted = Objective(nn.Identity(), 2, class_weights=torch.tensor([1.0, 3.0]))(scores, labels)
    assert weighted.item() == pytest.approx((3 * math.log(4 / 3) + math.log(2)) / 4)
    # Smoothing by .2: the target is 9/10 of the label's class and 1/10 of the other.
    smooth = Objective(nn.Identity(), 2, label_smoothing=0.2)(scores[:1], labels[:1])
    assert smooth.item() == pytest.approx(0.9 * math.log(4 / 3) + 0.1 * math.log(4))


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=6), SHARES, st.booleans())
def test_one_unit_is_two_classes_whose_first_score_is_zero(
    values: list[float], smoothing: float, weighted: bool
):
    scores = torch.tensor(values)[:, None]
    labels = torch.arange(len(values)) % 2
    weight = torch.tensor([0.5, 2.0]) if weighted else None
    objective = Objective(nn.Identity(), 2, label_smoothing=smoothing, class_weights=weight)
    both = torch.cat((torch.zeros_like(scores), scores), dim=1)
    torch.testing.assert_close(objective(scores, labels), objective(both, labels))


def test_a_row_of_single_scores_is_binary_too():
    objective = Objective(nn.Identity(), 2)
    scores, labels = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([0, 1, 1])
    torch.testing.assert_close(objective(scores, labels), objective(scores[:, None], labels))


def test_huge_scores_of_a_binary_network_stay_finite():
    loss = Objective(nn.Identity(), 2)(torch.tensor([[1e4], [-1e4]]), torch.tensor([0, 0]))
    assert loss.item() == pytest.approx(5e3)


@given(SHARES)
def test_mixup_is_linear_in_the_share(share: float):
    objective = Objective(nn.Identity(), 3, label_smoothing=0.1)
    partners = LABELS.flip(0)
    mixed = objective.mixed(SCORES, LABELS, partners, share)
    expected = share * objective(SCORES, LABELS) + (1 - share) * objective(SCORES, partners)
    torch.testing.assert_close(mixed, expected)


class Distances(nn.Module):
    """Scores are negative distances; the loss is its own and reads the outputs as they are."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"distance": images}

    def scores(self, outputs: dict[str, Tensor]) -> Tensor:
        return -outputs["distance"]

    def loss(self, outputs: dict[str, Tensor], labels: Tensor) -> Tensor:
        return outputs["distance"].gather(1, labels[:, None]).mean()


class OwnScores(nn.Module):
    """Two heads, the first of which counts; no loss of its own."""

    def scores(self, outputs: tuple[Tensor, Tensor]) -> Tensor:
        return outputs[0]


def test_a_network_with_a_loss_of_its_own():
    objective = Objective(Distances(), 3, label_smoothing=0.5, class_weights=torch.ones(3))
    loss = objective({"distance": SCORES}, LABELS)
    assert loss.item() == pytest.approx((2.0 + 3.0 - 2.0 + 0.3) / 4)
    mixed = objective.mixed({"distance": SCORES}, LABELS, torch.tensor([1, 1, 1, 1]), 0.25)
    assert mixed.item() == pytest.approx(0.25 * 3.3 / 4 + 0.75 * (-1.0 + 3.0 + 1.0 + 0.1) / 4)


def test_a_network_with_scores_of_its_own():
    loss = Objective(OwnScores(), 3)((SCORES, "another head"), LABELS)
    assert torch.equal(loss, F.cross_entropy(SCORES, LABELS))


class Wrong(nn.Module):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def loss(self, *_: object) -> Any:
        return self.answer


def test_a_loss_of_one_number_in_any_shape_passes():
    for answer in (torch.tensor(2.0), torch.tensor([2.0]), torch.tensor([[2.0]]).double()):
        loss = Objective(Wrong(answer), 3)(None, LABELS)
        assert (loss.shape, loss.dtype, loss.item()) == ((), torch.float32, 2.0)


@pytest.mark.parametrize(
    ("answer", "said"), [(torch.ones(4), r"returns \(4,\), not one number"), (3.0, "float, not")]
)
def test_a_loss_that_is_no_single_number(answer: Any, said: str):
    with pytest.raises(NetworkError, match=said):
        Objective(Wrong(answer), 3)(None, LABELS)


@pytest.mark.parametrize(
    ("outputs", "classes", "said"),
    [
        (torch.zeros(4, 5), 3, r"outputs have shape \(4, 5\), but 3 classes need \(n, 3\)$"),
        (torch.zeros(4, 1), 3, r"shape \(4, 1\), but 3 classes need \(n, 3\)$"),
        (torch.zeros(4, 3), 2, r"shape \(4, 3\), but 2 classes need \(n, 2\) or \(n, 1\)$"),
        ((torch.zeros(4, 3),), 3, r"returns tuple, but must return a tensor of scores; a network "
         r"with several outputs must define scores\(outputs\) and loss\(outputs, labels\)"),
    ],
)  # fmt: skip
def test_outputs_that_fit_neither(outputs: Any, classes: int, said: str):
    with pytest.raises(NetworkError, match=said):
        Objective(nn.Identity(), classes)(outputs, LABELS)


def test_balanced_weights_by_hand():
    # 60 images, 3 classes: 60 / (3 * count).
    assert balanced_weights((30, 20, 10)).tolist() == pytest.approx([2 / 3, 1.0, 2.0])


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6))
def test_balanced_weights_have_mean_1_over_the_images(counts: list[int]):
    total = sum(
        w * n for w, n in zip(balanced_weights(tuple(counts)).tolist(), counts, strict=True)
    )
    assert total / sum(counts) == pytest.approx(1.0, rel=1e-5)


def test_a_class_without_images_has_a_finite_weight():
    assert torch.isfinite(balanced_weights((5, 0))).all()
