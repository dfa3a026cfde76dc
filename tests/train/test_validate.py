"""Loss and accuracy of images that training does not read."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.infer import run_batches
from striate.train import validate as validate_module
from striate.train.objective import Objective
from striate.train.validate import validate
from tests.conftest import unchanged
from tests.train.sample import GREY, network, never, split


def test_against_one_pass_over_all():
    net, part = network(dropout=0.5), split(20)
    found = validate(net, part.images, part.labels, GREY, Objective(net, 4))
    with torch.no_grad():
        scores = net.eval()(GREY.normalize(part.images))
    assert found.loss == pytest.approx(F.cross_entropy(scores, part.labels).item(), rel=1e-6)
    assert found.accuracy == (scores.argmax(1) == part.labels).double().mean().item()


class Pixel(nn.Module):
    """One unit: the first pixel, before normalisation (grey 128 is 0)."""

    def forward(self, images: Tensor) -> Tensor:
        return (images[:, :, 0, 0] * 0.25 + 0.3) * 255 - 128


def test_a_binary_network_by_hand():
    images = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.tensor([0, 127, 129, 255], dtype=torch.uint8)
    labels = torch.tensor([0, 1, 1, 1])  # scores -128, -1, 1, 127: three are right
    found = validate(Pixel(), images, labels, GREY, Objective(Pixel(), 2))
    assert found.accuracy == 0.75
    losses = [0.0, math.log(1 + math.e), math.log(1 + 1 / math.e), 0.0]
    assert found.loss == pytest.approx(math.fsum(losses) / 4, abs=1e-4)


def test_the_size_of_batches_does_not_matter(monkeypatch: pytest.MonkeyPatch):
    net, part = network(), split(10)
    whole = validate(net, part.images, part.labels, GREY, Objective(net, 4))

    def by_three(*args: Any, **kwargs: Any) -> Any:
        return run_batches(*args, batch_size=3, **kwargs)  # 3, 3, 3 and 1

    monkeypatch.setattr(validate_module, "run_batches", by_three)
    parts = validate(net, part.images, part.labels, GREY, Objective(net, 4))
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    assert parts.accuracy == whole.accuracy


def test_the_network_is_left_as_it_was():
    net = network(dropout=0.5).train()
    net[1].eval()
    part = split(6)
    with unchanged(net):
        validate(net, part.images, part.labels, GREY, Objective(net, 4))


def test_the_network_is_left_as_it_was_when_the_loss_raises():
    net = network(dropout=0.5).train()
    part = split(6)
    objective = Objective(net, 4)
    objective.own = never
    with unchanged(net), pytest.raises(NetworkError, match="must not be called"):
        validate(net, part.images, part.labels, GREY, objective)
