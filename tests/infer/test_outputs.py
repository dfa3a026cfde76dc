"""A network's outputs as scores: fitting, binary, its own, and none of these."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.infer import class_count, predictions, scores_of, widened

PLAIN = nn.Identity()


@pytest.mark.parametrize(
    ("shape", "classes", "found"),
    [((5, 3), 3, (5, 3)), ((5, 2), 2, (5, 2)), ((5, 1), 2, (5, 1)), ((5,), 2, (5, 1)),
     ((0, 3), 3, (0, 3)), ((5, 1), 1, (5, 1))],
)  # fmt: skip
def test_outputs_that_fit(shape: tuple[int, ...], classes: int, found: tuple[int, ...]):
    outputs = torch.rand(shape)
    scores = scores_of(PLAIN, outputs, classes)
    assert scores.shape == found
    assert torch.equal(scores.flatten(), outputs.flatten())


@pytest.mark.parametrize(
    ("outputs", "classes", "said"),
    [
        (torch.zeros(2, 4), 3, r"^the network's outputs have shape \(2, 4\), but 3 classes need "
         r"\(n, 3\)$"),
        (torch.zeros(2, 3, 1, 1), 3, r"shape \(2, 3, 1, 1\), but 3 classes need \(n, 3\)$"),
        (torch.zeros(2), 3, r"shape \(2,\), but 3 classes need \(n, 3\)$"),
        (torch.zeros(2, 3), 2, r"shape \(2, 3\), but 2 classes need \(n, 2\) or \(n, 1\)$"),
        (torch.zeros(()), 2, r"shape \(\), but 2 classes"),
        ([1.0], 3, r"the network returns list, but must return a tensor of scores; a network with "
         r"several outputs must define scores\(outputs\) and loss\(outputs, labels\)$"),
        (None, 3, "the network returns NoneType"),
    ],
)  # fmt: skip
def test_outputs_that_fit_neither(outputs: Any, classes: int, said: str):
    with pytest.raises(NetworkError, match=said):
        scores_of(PLAIN, outputs, classes)


class Heads(nn.Module):
    """Two heads; the scores are their sum."""

    def scores(self, outputs: tuple[Tensor, Tensor]) -> Tensor:
        return outputs[0] + outputs[1]


def test_scores_of_its_own():
    heads = (torch.ones(2, 3), torch.full((2, 3), 2.0))
    assert torch.equal(scores_of(Heads(), heads, 3), torch.full((2, 3), 3.0))
    with pytest.raises(NetworkError, match="4 classes need"):
        scores_of(Heads(), heads, 4)


def test_half_precision_is_widened_wherever_it_stands():
    half, double = torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.float64)
    whole, words = torch.ones(2, dtype=torch.int16), "words"
    found = widened({"a": [half, (half.half(), double)], "b": whole, "c": words})
    assert found["a"][0].dtype == found["a"][1][0].dtype == torch.float32
    assert (found["a"][1][1], found["b"], found["c"]) == (double, whole, words)
    assert torch.equal(
        scores_of(Heads(), (half[:, None], half[:, None]), 2), torch.full((2, 1), 2.0)
    )


class Named(nn.Module):
    """A network whose last layer happens to be called `scores`; it is no method of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Linear(3, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.scores(images)


def test_a_layer_called_scores_is_not_asked():
    net, images = Named(), torch.rand(2, 3)
    outputs = net(images)
    assert torch.equal(scores_of(net, outputs, 3), outputs)


def test_predictions_by_hand():
    assert predictions(torch.tensor([[1.0, 3.0, 2.0], [0.0, -1.0, -2.0]])).tolist() == [1, 0]
    # One unit is the logit of class 1; exactly 0 is even odds, and answered like argmax: 0.
    assert predictions(torch.tensor([[0.1], [-0.1], [0.0]])).tolist() == [1, 0, 0]
    assert predictions(torch.zeros(0, 3)).tolist() == []


def test_a_binary_prediction_is_that_of_two_scores():
    score = torch.tensor([[-2.0], [-0.0], [0.0], [0.5], [9.0]])
    both = torch.cat((torch.zeros_like(score), score), dim=1)
    assert torch.equal(predictions(score), predictions(both))


@pytest.mark.parametrize(("length", "classes"), [(1, 2), (2, 2), (7, 7)])
def test_class_count(length: int, classes: int):
    assert class_count(torch.zeros(3, length)) == classes
