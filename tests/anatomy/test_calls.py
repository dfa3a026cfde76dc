"""Names of calls, their order, and that nothing is left behind."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.anatomy import Call, calls
from tests.anatomy.networks import Functional, Shared, residual_net
from tests.conftest import unchanged


def names(network: nn.Module, images: Tensor) -> list[str]:
    seen: list[Call] = []
    with calls(network, seen.append):
        network(images)
    return [call.name for call in seen]


def test_names_by_hand() -> None:
    assert names(residual_net(), torch.randn(2, 1, 8, 8)) == [
        *("stem.0", "stem.1", "stem.2"),
        *("stages.0.conv", "stages.0.norm", "stages.0.relu", "stages.1"),
        *("stages.2.conv", "stages.2.norm", "stages.2.relu"),
        *("head.0", "head.2"),
    ]


def test_functions_of_the_network_itself_have_their_own_names() -> None:
    assert names(Functional(), torch.randn(2, 1, 8, 8)) == [
        *("conv2d", "relu", "conv2d#2", "batch_norm", "relu#2", "adaptive_avg_pool2d", "linear"),
    ]


def test_calls_of_a_shared_module_are_numbered() -> None:
    assert names(Shared(), torch.randn(1, 2, 4, 4)) == ["conv", "act", "conv#2", "act#2"]


def test_kinds_are_chosen_without_changing_names() -> None:
    seen: list[Call] = []
    network = Functional()
    with calls(network, seen.append, kinds=["activation"]):
        network(torch.randn(2, 1, 8, 8))
    assert [(call.name, call.kind) for call in seen] == [
        ("relu", "activation"),
        ("relu#2", "activation"),
    ]


def test_what_happens_outside_the_network_is_not_seen() -> None:
    seen: list[Call] = []
    network, other = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.ReLU())
    with calls(network, seen.append):
        F.log_softmax(other(network(torch.randn(1, 2))), dim=1)
    assert [call.name for call in seen] == ["0"]


def test_arguments_by_place_and_by_name() -> None:
    seen: list[Call] = []
    network = Functional()
    with calls(network, seen.append, kinds=["linear"]):
        network(torch.randn(2, 1, 8, 8))
    (call,) = seen
    assert call.argument(1, "weight") is network.head
    assert call.argument(2, "bias") is None


def test_an_output_can_be_replaced_also_the_first_of_two() -> None:
    network = nn.Sequential(nn.MaxPool2d(2, return_indices=True))
    with calls(network, lambda call: torch.zeros_like(call.output)):
        values, places = network(torch.ones(1, 1, 2, 2))
    assert values.item() == 0
    assert places.item() == 0


def test_modules_that_end_are_told_in_one_order_with_calls() -> None:
    told: list[str] = []
    network = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Flatten())
    watching = calls(
        network,
        lambda call: told.append(f"call {call.name}"),
        after=lambda name, _module, _output: told.append(f"end {name}"),
    )
    with watching:
        network(torch.randn(1, 2))
    assert told == ["call 0.0", "end 0.0", "end 0", "end 1", "end "]


class Forgiving(nn.Module):
    """Catches its child's error; calls made afterwards are its own."""

    def __init__(self) -> None:
        super().__init__()
        self.child = nn.Linear(99, 1)

    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.child(x)
        except RuntimeError:
            return x.relu()


def test_a_caught_error_does_not_confuse_later_calls() -> None:
    network = nn.Sequential(Forgiving(), nn.Tanh())
    assert names(network, torch.randn(1, 2)) == ["0.relu", "1"]


def test_no_trace() -> None:
    network = residual_net().eval()
    network.stem.train()
    network.stem[1].eval()
    images = torch.randn(2, 1, 8, 8)
    with unchanged(network), calls(network, lambda _: None):
        network(images)


def test_no_trace_when_the_forward_raises() -> None:
    network = residual_net()
    with (
        unchanged(network),
        pytest.raises(RuntimeError, match="channels"),
        calls(network, lambda _: None),
    ):
        network(torch.zeros(1, 7, 8, 8))
