"""Scores of many images: the same in any batch, and the network as it was."""

import contextlib
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from striate._errors import NetworkError
from striate._events import Event, Moved
from striate.data import Preprocessing
from striate.infer import evaluating, predict_scores, run_batches
from tests.conftest import unchanged

GREY = Preprocessing(channels=1, height=4, width=4, mean=(0.5,), deviation=(0.25,))


def network(outputs: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, outputs)
    )
    net[1].eval()  # a mode of the user's inside a network that trains
    return net


def pictures(count: int) -> Tensor:
    noise = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 1, 4, 4), generator=noise, dtype=torch.uint8)


class Pixels(nn.Module):
    """Scores are the first two pixels, normalised; it has no weights."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :2]


def test_by_hand():
    images = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    images[0, 0, 0, 1] = 255
    scores = predict_scores(Pixels(), images, GREY, classes=2)
    torch.testing.assert_close(scores, torch.tensor([[-2.0, 2.0]]))  # (0 or 1 - .5) / .25


def test_against_the_network_itself():
    net, images = network(), pictures(7)
    scores = predict_scores(net, images, GREY, classes=3)
    with torch.no_grad():
        expected = net.eval()((images.float() / 255 - 0.5) / 0.25)
    torch.testing.assert_close(scores, expected)


@given(st.integers(1, 9), st.integers(1, 10))
def test_a_batch_equals_one_by_one(count: int, batch_size: int):
    net, images = network(), pictures(count)
    scores = predict_scores(net, images, GREY, classes=3, batch_size=batch_size)
    alone = [predict_scores(net, image[None], GREY, classes=3) for image in images]
    torch.testing.assert_close(scores, torch.cat(alone))


def test_a_permutation_of_images_permutes_the_scores():
    net, images = network(), pictures(9)
    order = torch.randperm(9)
    scores = predict_scores(net, images, GREY, classes=3, batch_size=4)
    permuted = predict_scores(net, images[order], GREY, classes=3, batch_size=4)
    torch.testing.assert_close(permuted, scores[order])


def test_no_images():
    scores = predict_scores(network(), pictures(0), GREY, classes=3)
    assert (scores.shape, scores.dtype) == ((0, 3), torch.float32)


def test_a_binary_network_keeps_its_one_score():
    assert predict_scores(network(1), pictures(5), GREY, classes=2).shape == (5, 1)


def test_scores_are_ordinary_tensors_that_can_be_changed():
    scores = predict_scores(network(), pictures(3), GREY, classes=3)
    assert not scores.is_inference()
    assert not scores.requires_grad
    scores.add_(1)


def test_half_precision_comes_back_as_float32():
    exact = predict_scores(network(), pictures(5), GREY, classes=3)
    near = predict_scores(network(), pictures(5), GREY, classes=3, precision="bfloat16")
    assert near.dtype == torch.float32
    assert not torch.equal(near, exact)
    torch.testing.assert_close(near, exact, rtol=0.05, atol=0.05)


def test_the_network_is_left_as_it_was():
    net = network()
    with unchanged(net):
        predict_scores(net, pictures(5), GREY, classes=3, batch_size=2)


def test_the_network_is_left_as_it_was_when_its_outputs_do_not_fit():
    net = network()
    # The error is held while the modes are compared, as a caller's `except` would hold it.
    with unchanged(net), pytest.raises(NetworkError, match=r"4 classes need \(n, 4\)") as held:
        predict_scores(net, pictures(5), GREY, classes=4)
    assert held.value is not None


def test_the_network_is_left_as_it_was_when_the_caller_raises():
    net = network()
    kept: list[BaseException] = []

    def tell(event: Event) -> None:
        if isinstance(event, Moved) and event.done:
            raise KeyboardInterrupt

    with unchanged(net):
        try:
            predict_scores(net, pictures(5), GREY, classes=3, batch_size=2, progress=tell)
        except KeyboardInterrupt as error:
            kept.append(error)
    assert kept


class Failing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Dropout().eval()

    def forward(self, images: Tensor) -> Tensor:
        raise RuntimeError(f"no {len(images)} images")


def test_the_network_is_left_as_it_was_when_it_raises_itself():
    net = Failing()
    with unchanged(net), pytest.raises(NetworkError, match="the network failed: no 2 images"):
        predict_scores(net, pictures(5), GREY, classes=3, batch_size=2)


def test_evaluating_gives_every_mode_back():
    net = network()
    modes = [module.training for module in net.modules()]
    assert modes.count(False) == 1
    with evaluating(net):
        assert not any(module.training for module in net.modules())
    assert [module.training for module in net.modules()] == modes
    with contextlib.suppress(ValueError), evaluating(net):
        raise ValueError
    assert [module.training for module in net.modules()] == modes


def test_batches_cover_every_image_once_and_leave_settings_alone():
    places = []
    for place, outputs in run_batches(network(), pictures(7), GREY, batch_size=3):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
        assert len(outputs) == place.stop - place.start
        places.append((place.start, place.stop))
    assert places == [(0, 3), (3, 6), (6, 7)]


def test_a_batch_of_large_images_is_small():
    large = torch.zeros(5, 1, 2000, 2000, dtype=torch.uint8)  # 4 million values: 4 a batch
    places = [place for place, _ in run_batches(Pixels(), large, GREY)]
    assert places == [slice(0, 4), slice(4, 5)]


def test_progress_begins_at_nothing_and_ends_at_all():
    events: list[Any] = []
    predict_scores(
        network(), pictures(5), GREY, classes=3, batch_size=2, progress=events.append, task="test"
    )
    assert events == [
        Moved(task="test", done=done, total=5, unit="images") for done in (0, 2, 4, 5)
    ]
