"""First-layer weights as they are."""

import pytest
import torch
from torch import nn

from striate._errors import NetworkError
from striate.explain import filters
from tests.anatomy.networks import Functional, residual_net
from tests.conftest import unchanged
from tests.explain.networks import PooledNet


def test_the_first_convolution_as_a_copy() -> None:
    network = residual_net()
    with unchanged(network):
        found = filters(network)
        assert found.layer == "stem.0"
        assert torch.equal(found.values, network.stem[0].weight.detach())
        found.values.zero_()


@pytest.mark.parametrize("by", ["name", "module"])
def test_a_named_layer(by: str) -> None:
    network = residual_net()
    chosen = "stages.2.conv" if by == "name" else network.stages[2].conv
    found = filters(network, chosen)
    assert found.layer == "stages.2.conv"
    assert found.values.shape == (4, 4, 3, 3)


def test_weights_of_a_functional_convolution() -> None:
    network = Functional()
    found = filters(network)
    assert torch.equal(found.values, network.first.detach())


def test_half_precision_is_given_as_float32() -> None:
    assert filters(PooledNet().bfloat16()).values.dtype == torch.float32


def test_errors() -> None:
    network = PooledNet()
    with pytest.raises(NetworkError, match="layer 'head' has no filters of two dimensions; body"):
        filters(network, "head")
    with pytest.raises(NetworkError, match="layer 'Linear' has no filters"):
        filters(network, network.head)
    with pytest.raises(NetworkError, match="no layer 'boby'; did you mean 'body'"):
        filters(network, "boby")
    with pytest.raises(NetworkError, match="no convolution of two dimensions"):
        filters(nn.Linear(2, 2))
