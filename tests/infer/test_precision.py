"""The choice of precision: measured, reasoned, and without a trace."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.infer import autocast, bfloat16_is_native, choose_precision
from striate.infer import precision as precision_module
from tests.conftest import unchanged

CPU = torch.device("cpu")
IMAGES = torch.rand(4, 1, 4, 4)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2)
    )


def loss(outputs: Tensor) -> Tensor:
    return F.cross_entropy(outputs.float(), torch.zeros(len(outputs), dtype=torch.int64))


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    def say(yes: bool) -> None:
        monkeypatch.setattr(precision_module, "bfloat16_is_native", lambda _: yes)

    return say


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Give a function that says what the measurements will find, and lists their order."""

    def say(**seconds: float) -> list[str]:
        asked: list[str] = []

        def found(_net: object, _images: object, _loss: object, name: str, _repeats: int) -> float:
            asked.append(name)
            return seconds[name]

        monkeypatch.setattr(precision_module, "_seconds_a_step", found)
        return asked

    return say


def test_float32_where_the_processor_has_nothing_else(
    native: Callable[[bool], None], measured: Callable[..., list[str]]
):
    native(False)
    asked = measured(float32=9.0, bfloat16=1.0)
    choice = choose_precision(network(), IMAGES, loss)
    assert choice == {"precision": "float32", "why": "no bfloat16 arithmetic in this processor"}
    assert asked == []  # not even tried


@pytest.mark.parametrize(
    ("float32", "bfloat16", "precision", "ratio"),
    [
        (3.0, 1.0, "bfloat16", "3.00"),
        (1.11, 1.0, "bfloat16", "1.11"),
        (1.09, 1.0, "float32", "1.09"),
        (1.0, 2.0, "float32", "0.50"),
    ],
)
def test_the_ratio_decides(
    native: Callable[[bool], None],
    measured: Callable[..., list[str]],
    float32: float,
    bfloat16: float,
    precision: str,
    ratio: str,
):
    native(True)
    measured(float32=float32, bfloat16=bfloat16)
    assert choose_precision(network(), IMAGES, loss) == {
        "precision": precision,
        "why": f"bfloat16 measured {ratio} times as fast as float32",
        "float32_seconds": float32,
        "bfloat16_seconds": bfloat16,
    }


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(native: Callable[[bool], None], training: bool):
    native(True)
    net = network().train(training)
    net[1].eval()
    with unchanged(net):
        choice = choose_precision(net, IMAGES, loss)
    assert choice["float32_seconds"] > 0
    assert choice["bfloat16_seconds"] > 0


def test_the_network_is_left_as_it_was_when_the_loss_raises(native: Callable[[bool], None]):
    native(True)

    def broken(_: Any) -> Tensor:
        raise RuntimeError("no loss today")

    net = network()
    with unchanged(net), pytest.raises(RuntimeError, match="no loss today"):
        choose_precision(net, IMAGES, broken)


def test_frozen_weights_are_no_obstacle(native: Callable[[bool], None]):
    native(True)
    net = network()
    net[0].requires_grad_(False)
    assert choose_precision(net, IMAGES, loss)["precision"] in (
        "float32",
        "bfloat16",
    )


class Determined(nn.Module):
    """A network with an operation that bfloat16 has not."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 2)

    def forward(self, images: Tensor) -> Tensor:
        scores = self.linear(images.flatten(1))
        return scores * torch.linalg.det(scores[:2])


def test_a_network_that_fails_in_bfloat16_stays_with_float32(native: Callable[[bool], None]):
    native(True)
    with unchanged(net := Determined()):
        choice = choose_precision(net, IMAGES, loss)
    assert choice["precision"] == "float32"
    assert choice["why"].startswith("the network fails in bfloat16 (")
    assert "BFloat16" in choice["why"]


class Uncopied(nn.Module):
    """A weight that is computed, such as the old weight norm leaves it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.doubled = self.weight * 2


class Rotating(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.turn = nn.Parameter(torch.ones(2, dtype=torch.complex64))


@pytest.mark.parametrize(
    ("net", "why"),
    [
        (Rotating(), "the network has complex weights"),
        (Uncopied(), "the network cannot be copied to be measured"),
    ],
)
def test_networks_that_stay_with_float32(
    native: Callable[[bool], None], measured: Callable[..., list[str]], net: nn.Module, why: str
):
    native(True)
    measured(float32=9.0, bfloat16=1.0)
    choice = choose_precision(net, IMAGES, loss)
    assert (choice["precision"], choice["why"][: len(why)]) == ("float32", why)


def test_the_quickest_of_the_steps_after_the_first_counts(monkeypatch: pytest.MonkeyPatch):
    # Each step reads the clock twice: steps of 0.5 (warm-up), 3, 9 and 2 seconds.
    ticks = iter([0, 0.5, 1, 4, 4, 13, 13, 15])
    monkeypatch.setattr(precision_module.time, "perf_counter", lambda: float(next(ticks)))
    seconds = precision_module._seconds_a_step(network(), IMAGES, loss, "float32", 3)
    assert seconds == 2.0


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_autocast(precision: str, dtype: torch.dtype):
    layer = nn.Linear(2, 2)
    with autocast(CPU, precision):
        assert layer(torch.rand(1, 2)).dtype == dtype
    assert layer(torch.rand(1, 2)).dtype == torch.float32


def test_a_device_that_is_not_known_has_no_bfloat16():
    assert bfloat16_is_native(torch.device("meta")) is False
    assert isinstance(bfloat16_is_native(CPU), bool)
