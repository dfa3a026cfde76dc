"""What is kept around a look at a network."""

import pytest
import torch
from torch import Tensor, nn

from striate.anatomy import preserved
from tests.anatomy.networks import residual_net
from tests.conftest import unchanged


class Restless(nn.Module):
    """Changes what a forward pass can change: buffers, modes, random state, grad mode."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Dropout()
        self.written: Tensor
        self.replaced: Tensor
        self.register_buffer("written", torch.zeros(2))
        self.register_buffer("replaced", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        self.written += 1
        self.replaced = self.replaced + 1
        torch.rand(1)
        torch.set_grad_enabled(False)
        self.inner.train()
        return self.inner(x)


@pytest.mark.parametrize("training", [False, True])
def test_all_is_as_before(training: bool) -> None:
    network = Restless().train(training)
    with unchanged(network), preserved(network):
        assert not network.training
        network(torch.ones(2))
        assert network.written.tolist() == [1, 1]


def test_all_is_as_before_after_an_error() -> None:
    network = nn.Sequential(Restless(), nn.Linear(3, 1))
    with unchanged(network), pytest.raises(RuntimeError, match="shape"), preserved(network):
        network(torch.ones(2))


def test_statistics_of_a_batch_norm_come_back() -> None:
    # PyTorch writes them without counting a version, in plain and in scripted code.
    network = nn.BatchNorm2d(3)
    with unchanged(network), preserved(network):
        network.train()
        network(torch.rand(2, 3, 4, 4))
        assert network.running_mean is not None
        assert network.running_mean.abs().min() > 0


def test_mixed_modes_come_back_module_by_module() -> None:
    network = residual_net().train()
    network.stages.eval()
    network.stages[0].norm.train()
    with unchanged(network), preserved(network):
        assert not any(module.training for module in network.modules())
