"""Networks small enough to work out a map by hand."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def two_channel_net(*, inplace: bool = False) -> nn.Sequential:
    """Two 1x1 channels, +x and -x; the score is 2 * mean(relu(+x)) - 1 * mean(relu(-x))."""
    conv, head = nn.Conv2d(1, 2, 1, bias=False), nn.Linear(2, 1, bias=False)
    conv.weight.data = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1)
    head.weight.data = torch.tensor([[2.0, -1.0]])
    return nn.Sequential(
        conv, nn.ReLU(inplace=inplace), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head
    )


class CaptumNet(nn.Module):
    """The two-channel net of Captum's tests; `entry` stands for the input of its convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.Identity()
        self.conv1 = nn.Conv2d(1, 2, 3)
        self.relu1 = nn.ReLU()
        self.fc1 = nn.Linear(8, 4)
        self.relu2 = nn.ReLU()
        self.conv1.weight.data.fill_(1)
        self.conv1.bias = nn.Parameter(torch.tensor([-50.0, -75.0]))
        self.fc1.weight.data = torch.cat([torch.ones(4, 5), -torch.ones(4, 3)], dim=1)
        self.fc1.bias.data.zero_()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.conv1(self.entry(x)))
        return self.relu2(self.fc1(x.view(-1, 8)))


class PooledNet(nn.Module):
    """Convolution, functional ReLU, global average, linear head: the case in which CAM exists."""

    def __init__(self, classes: int = 3, *, inplace: bool = False) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 5, 3, padding=1)
        self.norm = nn.BatchNorm2d(5)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(5, classes)
        self.inplace = inplace

    def features(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.body(x)), inplace=self.inplace)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.features(x).mean(dim=(2, 3))))
