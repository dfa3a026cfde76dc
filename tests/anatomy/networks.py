"""Small networks with the traits that tables and hooks get wrong."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Functional(nn.Module):
    """All calls are functions: two convolutions, a norm, two ReLUs, a pooling, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(4, 1, 3, 3))
        self.second = nn.Parameter(torch.randn(4, 1, 3, 3))
        self.scale = nn.Parameter(torch.ones(4))
        self.head = nn.Parameter(torch.randn(3, 4))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(F.conv2d(x, self.first, padding=1))
        x = F.conv2d(x, self.second, groups=4)
        x = F.batch_norm(x, None, None, self.scale, training=True).relu_()
        return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), weight=self.head)


class Shared(nn.Module):
    """One convolution called twice, with a ReLU in place behind each call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(self.act(self.conv(x))))


class Branching(nn.Module):
    """Takes a path that depends on values, so the meta device cannot run it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.calls: Tensor
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1  # a trace that an inspection would leave
        x = self.conv(x)
        return x if x.sum() > -1e9 else -x


class Residual(nn.Module):
    """A block with an addition and a functional ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.conv(x)), inplace=True)


def residual_net() -> Any:
    """Return a Sequential with `stem`, `stages` and `head`; Any, so that tests may reach inside."""
    stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    stages = nn.Sequential(Residual(4), nn.MaxPool2d(2), Residual(4))
    head = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    net = nn.Sequential()
    net.add_module("stem", stem)
    net.add_module("stages", stages)
    net.add_module("head", head)
    return net
