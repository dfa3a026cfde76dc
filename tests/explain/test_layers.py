"""Which layer a map is read from."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.explain import feature_layer
from tests.anatomy.networks import residual_net
from tests.conftest import unchanged
from tests.explain.networks import PooledNet


class AddedLast(nn.Module):
    """A block whose output is an addition, which is no layer's call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x).relu()


class ChannelsLast(nn.Module):
    """A block that works on (n, h, w, c) inside, as ConvNeXt's does."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.fc = nn.LayerNorm(2), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.gelu(self.fc(self.norm(x.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)


def head(features: int = 2) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, 3)]


def conv() -> nn.Conv2d:
    return nn.Conv2d(1, 2, 3, padding=1)


class LinearLast(nn.Module):
    """A linear layer over channels that stand last, then the mean over the places."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = conv(), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).permute(0, 2, 3, 1)).mean(dim=(1, 2))


CASES = [
    pytest.param(LinearLast(), "conv", id="linear-over-channels-last"),
    pytest.param(nn.Sequential(conv(), nn.ReLU(), *head()), "1", id="activation"),
    pytest.param(nn.Sequential(conv(), nn.BatchNorm2d(2), *head()), "1", id="norm"),
    pytest.param(
        nn.Sequential(conv(), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 3)),
        "1",
        id="finer-than-the-pooling",
    ),
    pytest.param(
        nn.Sequential(nn.Sequential(conv(), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout()), *head()),
        "0.1",
        id="containers-that-hand-on-a-pooling",
    ),
    pytest.param(nn.Sequential(conv(), AddedLast(), *head()), "1", id="addition"),
    pytest.param(
        nn.Sequential(nn.Sequential(conv(), AddedLast()), *head()), "0.1", id="innermost-name"
    ),
    pytest.param(nn.Sequential(conv(), ChannelsLast(), *head()), "1", id="channels-last-inside"),
    pytest.param(
        nn.Sequential(conv(), nn.ReLU(), nn.Conv2d(2, 3, 8), nn.ReLU(), nn.Flatten()),
        "1",
        id="more-than-one-pixel",
    ),
    pytest.param(
        nn.Sequential(nn.Conv2d(1, 3, 8), nn.ReLU(), nn.Flatten()), "1", id="one-pixel-only"
    ),
    pytest.param(residual_net(), "stages.2.relu", id="functional-relu"),
    pytest.param(PooledNet(), "relu", id="functional-relu-of-the-network"),
]


@pytest.mark.parametrize(("network", "name"), CASES)
def test_found(network: nn.Module, name: str) -> None:
    images = torch.randn(2, 1, 8, 8)
    network.train()
    with unchanged(network):
        assert feature_layer(network, images) == name


def test_images_are_not_written_to() -> None:
    network = nn.Sequential(nn.ReLU(inplace=True), conv(), *head())
    images = -torch.ones(1, 1, 4, 4)
    feature_layer(network, images)
    assert torch.equal(images, -torch.ones(1, 1, 4, 4))


def test_a_network_of_vectors_has_no_map() -> None:
    with pytest.raises(NetworkError, match="no layer of the network puts out a map"):
        feature_layer(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.zeros(1, 1, 2, 2))
