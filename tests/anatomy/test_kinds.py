"""Every way of writing a layer is seen, once, as what it is."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.anatomy import Call, calls

ACTIVATIONS = [
    *(nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.ELU(), nn.SELU(), nn.CELU(), nn.GELU()),
    *(nn.SiLU(), nn.SiLU(inplace=True), nn.Mish(), nn.LeakyReLU(), nn.PReLU(), nn.RReLU()),
    *(nn.Hardtanh(), nn.Hardswish(), nn.Hardsigmoid(), nn.Hardshrink(), nn.Softshrink()),
    *(nn.Tanhshrink(), nn.Sigmoid(), nn.Tanh(), nn.LogSigmoid(), nn.Softplus(), nn.Softsign()),
    *(nn.Threshold(0, 0), nn.GLU(dim=1), nn.Softmax(dim=1), nn.LogSoftmax(dim=1)),
    *(nn.Softmax2d(), nn.Softmin(dim=1)),
]
NORMS = [
    *(nn.BatchNorm2d(4), nn.InstanceNorm2d(4), nn.GroupNorm(2, 4), nn.LayerNorm(8)),
    *(nn.LocalResponseNorm(2), nn.RMSNorm(8)),
]
POOLS = [
    *(nn.MaxPool2d(2), nn.MaxPool2d(2, return_indices=True), nn.AvgPool2d(2), nn.LPPool2d(2, 2)),
    *(nn.AdaptiveMaxPool2d(1), nn.AdaptiveAvgPool2d(2), nn.FractionalMaxPool2d(2, output_size=3)),
    nn.AdaptiveMaxPool2d(1, return_indices=True),
]
CONVOLUTIONS = [nn.Conv2d(4, 2, 3), nn.ConvTranspose2d(4, 2, 3, stride=2)]
LAYERS = [
    *(pytest.param(m, "activation", id=f"{m}") for m in ACTIVATIONS),
    *(pytest.param(m, "norm", id=f"{m}") for m in NORMS),
    *(pytest.param(m, "pooling", id=f"{m}") for m in POOLS),
    *(pytest.param(m, "convolution", id=f"{m}") for m in CONVOLUTIONS),
    pytest.param(nn.Linear(8, 3), "linear", id="Linear"),
]


def seen_in(network: nn.Module, images: Tensor) -> list[Call]:
    seen: list[Call] = []
    with calls(network, seen.append):
        network(images)
    return seen


@pytest.mark.parametrize(("layer", "kind"), LAYERS)
def test_a_module_is_one_call(layer: nn.Module, kind: str) -> None:
    seen = seen_in(nn.Sequential(layer), torch.randn(2, 4, 8, 8))
    assert [(call.name, call.kind) for call in seen] == [("0", kind)]


class Calling(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


WRITTEN = [
    ("activation", F.relu),
    ("activation", lambda x: F.relu(x, inplace=True)),
    ("activation", torch.relu),
    ("activation", lambda x: x.relu()),
    ("activation", lambda x: x.relu_()),
    ("activation", lambda x: x.clamp(min=0)),
    ("activation", lambda x: x.clamp(0, 6)),
    ("activation", lambda x: torch.clamp_min(x, 0)),
    ("activation", lambda x: x.clip(-1, 1)),
    ("activation", lambda x: x.sigmoid()),
    ("activation", torch.tanh),
    ("activation", F.hardtanh),
    ("activation", F.gelu),
    ("convolution", lambda x: F.conv2d(x, torch.ones(1, 4, 2, 2))),
    ("convolution", lambda x: torch.conv_transpose2d(x, torch.ones(4, 1, 2, 2))),
    ("linear", lambda x: F.linear(x, torch.ones(3, 8))),
    ("norm", lambda x: F.batch_norm(x, None, None, training=True)),
    ("norm", lambda x: F.layer_norm(x, (8,))),
    ("pooling", lambda x: F.max_pool2d(x, 2)),
    ("pooling", lambda x: torch.max_pool2d(x, 2)),
    ("pooling", lambda x: F.avg_pool2d(x, 2)),
    ("pooling", lambda x: x.mean(dim=(2, 3))),
    ("pooling", lambda x: torch.mean(x, [-1, -2], keepdim=True)),
    ("pooling", lambda x: x.amax((2, 3))),
    (None, lambda x: x.clamp(min=1e-6)),
    (None, lambda x: x.clamp(max=1)),
    (None, lambda x: x.mean()),
    (None, lambda x: x.mean(dim=1)),
    (None, lambda x: x + x),
]


@pytest.mark.parametrize(("kind", "function"), WRITTEN)
def test_a_function_is_one_call(kind: str | None, function: Callable[[Tensor], Tensor]) -> None:
    seen = seen_in(Calling(function), torch.randn(2, 4, 8, 8))
    assert [call.kind for call in seen] == ([] if kind is None else [kind])
