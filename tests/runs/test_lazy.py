import pytest
import torch
from torch import nn

from striate._errors import NetworkError
from striate.runs.lazy import shaped
from tests.conftest import unchanged


def lazy() -> nn.Sequential:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))


def test_lazy_layers_get_the_shapes_of_the_images() -> None:
    shapes = {name: tuple(p.shape) for name, p in shaped(lazy(), 3, (6, 5)).named_parameters()}
    assert shapes["0.weight"] == (4, 3, 3, 3)
    assert shapes["1.weight"] == (4,)
    assert shapes["3.weight"] == (2, 4 * 4 * 3)


def test_weights_are_a_function_of_the_seed_and_nothing_is_learned_from_the_pass() -> None:
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        network = lazy()
        network[1].eval()
        made.append(shaped(network, 3, (6, 5)))
    one, two = (network.state_dict() for network in made)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert one["1.running_mean"].tolist() == [0] * 4
    assert one["1.num_batches_tracked"] == 0
    assert [module.training for module in made[0]] == [True, False, True, True]


def test_other_networks_are_not_run() -> None:
    class Never(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002, ARG002 - its name
            raise AssertionError("it was run")

    network = Never(2, 2)
    with unchanged(network):
        assert shaped(network, 3, (6, 5)) is network


def test_a_network_that_cannot_take_the_images() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LazyLinear(2))
    with pytest.raises(
        NetworkError, match=r"cannot take images of shape \(3, 6, 5\): Given groups"
    ):
        shaped(network, 3, (6, 5))
