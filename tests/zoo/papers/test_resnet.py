"""ResNet: against the function of torchvision's keys written out, and a block by hand."""

import json
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate import zoo
from striate.zoo.papers.resnet import BasicBlock

KEYS = Path(__file__).parents[2] / "facts" / "torchvision_keys" / "resnet18.json"
TRANSLATIONS = [
    (r"^conv1", "stem.block.conv"),
    (r"^bn1", "stem.block.norm"),
    (r"^fc", "head.scores"),
    (r"^layer(\d)\.", lambda m: f"stages.{int(m[1]) - 1}."),
    (r"\.conv1\.", ".body.0.conv."),
    (r"\.bn1\.", ".body.0.norm."),
    (r"\.conv2\.", ".body.1.conv."),
    (r"\.bn2\.", ".body.1.norm."),
    (r"downsample\.0", "shortcut.conv"),
    (r"downsample\.1", "shortcut.norm"),
]


@pytest.fixture
def reference() -> dict[str, Tensor]:
    """Return seeded random weights under torchvision's keys."""
    values: dict[str, Tensor] = {}
    for key, shape in json.loads(KEYS.read_text()).items():
        if key.endswith("num_batches_tracked"):
            values[key] = torch.tensor(0)
        elif key.endswith("running_var"):
            values[key] = torch.rand(shape, dtype=torch.float64) + 0.5
        else:
            fan = max(1, torch.empty(shape)[0].numel())
            values[key] = torch.randn(shape, dtype=torch.float64) / fan**0.5
    return values


def translated(values: dict[str, Tensor]) -> dict[str, Tensor]:
    def ours(key: str) -> str:
        for pattern, replacement in TRANSLATIONS:
            key = re.sub(pattern, replacement, key)
        return key

    return {ours(key): value.clone() for key, value in values.items()}


def forward(x: Tensor, w: dict[str, Tensor], training: bool) -> Tensor:
    """Return what torchvision's resnet18 computes from `x`; updates the running means in `w`."""

    def norm(x: Tensor, key: str) -> Tensor:
        mean, var = w[f"{key}.running_mean"], w[f"{key}.running_var"]
        weight, bias = w[f"{key}.weight"], w[f"{key}.bias"]
        return F.batch_norm(x, mean, var, weight, bias, training, momentum=0.1, eps=1e-5)

    def block(x: Tensor, key: str, stride: int) -> Tensor:
        y = F.conv2d(x, w[f"{key}.conv1.weight"], stride=stride, padding=1)
        y = F.conv2d(F.relu(norm(y, f"{key}.bn1")), w[f"{key}.conv2.weight"], padding=1)
        y = norm(y, f"{key}.bn2")
        if f"{key}.downsample.0.weight" in w:
            x = F.conv2d(x, w[f"{key}.downsample.0.weight"], stride=stride)
            x = norm(x, f"{key}.downsample.1")
        return F.relu(y + x)

    x = F.relu(norm(F.conv2d(x, w["conv1.weight"], stride=2, padding=3), "bn1"))
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for stage in (1, 2, 3, 4):
        x = block(x, f"layer{stage}.0", 1 if stage == 1 else 2)
        x = block(x, f"layer{stage}.1", 1)
    return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])


@pytest.mark.parametrize("training", [True, False])
def test_resnet18_is_the_reference(reference: dict[str, Tensor], training: bool) -> None:
    network = zoo.build("resnet18").double().train(training)
    network.load_state_dict(translated(reference), strict=True)
    images = torch.randn(3, 3, 97, 71, dtype=torch.float64)
    expected = forward(images, reference, training)
    scores = network(images)
    assert (scores - expected).norm() < 1e-12 * expected.norm()
    after = translated(reference)
    for key, value in network.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            torch.testing.assert_close(value, after[key], rtol=1e-10, atol=1e-12)


def test_a_block_by_hand():
    # Kernels with one tap in the middle: body(x) = 2 relu(x); the block is relu(2 relu(x) + x).
    block = BasicBlock(1, 1, stride=1, norm="none", order="norm-act")
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    block.get_parameter("body.0.conv.weight").data[0, 0, 1, 1] = 1
    block.get_parameter("body.1.conv.weight").data[0, 0, 1, 1] = 2
    images = torch.tensor([[[[3.0, -1], [0, 5]]]])
    assert block(images).tolist() == [[[[9, 0], [0, 15]]]]


def test_zero_gamma_makes_a_block_its_shortcut():
    network = zoo.build("resnet18", zero_gamma=True)
    zeros = [k for k, p in network.named_parameters() if k.endswith("norm.weight") and not p.any()]
    assert zeros == [f"stages.{s}.{b}.body.1.norm.weight" for s in range(4) for b in range(2)]
    block = network.get_submodule("stages.0.0")
    images = torch.rand(2, 64, 5, 5)
    assert torch.equal(block(images), images)


def test_without_norms_the_spread_does_not_explode():
    network = zoo.build("resnet34", norm="none").eval()
    images = torch.randn(2, 3, 64, 64)
    stem = network.get_submodule("stem")(images)
    after = network.get_submodule("stages")(stem)
    assert 0.05 < (after.square().mean() / stem.square().mean()).item() < 20
    with_norm = zoo.build("resnet34").eval()
    stem = with_norm.get_submodule("stem")(images)
    assert with_norm.get_submodule("stages")(stem).square().mean() > 100 * stem.square().mean()
