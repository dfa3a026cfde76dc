"""Memory: by hand where it is arithmetic, and equal to what PyTorch really saves on a CPU."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate import layers, zoo
from striate.anatomy import table
from tests.anatomy.networks import Functional, Shared, residual_net
from tests.anatomy.oracles import kept_bytes, memory_of
from tests.conftest import unchanged
from tests.torchvision_nets import torchvision_net


def test_a_chain_by_hand() -> None:
    # 4 x 3 floats in, 3 x 5 weights: activations of 4 x 5 floats, 80 bytes each.
    network = nn.Sequential(nn.Linear(3, 5, bias=False), nn.ReLU(inplace=True), nn.Sigmoid())
    found = table(network, torch.zeros(4, 3))
    assert [row.activation_bytes for row in found.rows] == [80, 0, 80]  # in place: nothing new
    # The linear layer keeps its input; the ReLU what it put out, which the next one finds too;
    # the sigmoid what it put out.
    assert [row.backward_bytes for row in found.rows] == [48, 80, 80]
    # Weights 60 + batch 48 + two activations at once; backward: and gradients of both 80s.
    assert memory_of(found).inference == 60 + 48 + 160
    assert (memory_of(found).weights, memory_of(found).gradients) == (60, 60)
    assert memory_of(found).backward == 208


def test_what_lives_at_once_is_less_than_the_sum() -> None:
    network = nn.Sequential(*(nn.Sigmoid() for _ in range(10)))
    found = table(network, torch.zeros(1, 100))
    assert found.totals["activation_bytes"] == 4000
    assert memory_of(found).inference == 3 * 400  # the batch, what is read, what is written
    kept = Branch()
    assert memory_of(table(kept, torch.zeros(1, 100))).inference == 4 * 400


class Branch(nn.Module):
    """Keeps one result until the end: it lives all the while."""

    def forward(self, x: Tensor) -> Tensor:
        first = torch.exp(x)
        return torch.exp(torch.exp(first)) + first


def test_a_training_step_by_hand() -> None:
    # 1000 floats in, 1 weight matrix of 1000 x 1000 (4 MB), out 1000: everything else is small.
    network = nn.Linear(1000, 1000, bias=False)
    memory = memory_of(table(network, torch.zeros(1, 1000)))
    # weights, their gradient, batch, output, the output's gradient; the gradient with respect to
    # the batch is asked of nobody.
    assert memory.training == 2 * 4_000_000 + 3 * 4000


def test_views_and_dropout_in_evaluation_take_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout(), nn.Flatten(), nn.Unflatten(1, (8, 4)))
    found = table(network, 6)
    assert [(r.kind, r.activation_bytes) for r in found.rows] == [
        ("convolution", 128), ("dropout", 0),
    ]  # fmt: skip
    assert [r.mode for r in found.rows] == ["", ""]
    assert found.rows[1].backward_bytes == 128  # the mask, in training mode


def test_vgg16() -> None:
    with torch.device("meta"):
        network = torchvision_net("vgg16")
    found = table(network, 224)
    # 15,237,608 values with the image's 150,528; the adaptive pooling copies 25,088 more.
    assert found.totals["activation_bytes"] == 4 * (15_237_608 - 150_528 + 25_088)
    # Most at once: weights, image, and the two maps of 64 x 224 x 224 of the second convolution.
    at_once = 4 * (138_357_544 + 150_528 + 2 * 64 * 224 * 224)
    assert memory_of(found).inference == at_once
    (row,) = [r for r in found.rows if r.name == "features.4"]
    # A max pooling keeps where the largest were, 8 bytes each; its input the ReLU keeps already.
    assert row.backward_bytes == 8 * 64 * 112 * 112


def encoder() -> nn.Module:
    return nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)


class Attending(nn.Module):
    def __init__(self, *, masked: bool = False, causal: bool = False, dropout: float = 0) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 24)
        self.masked, self.causal, self.dropout = masked, causal, dropout

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.linear(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        mask = torch.ones(5, 5, dtype=torch.bool, device=x.device).tril() if self.masked else None
        return F.scaled_dot_product_attention(
            query, key, value, mask, is_causal=self.causal, dropout_p=self.dropout
        )


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "residual": (residual_net, (2, 1, 8, 8)),
    "functional": (Functional, (2, 1, 8, 8)),
    "shared": (Shared, (2, 2, 8, 8)),
    "channels last": (
        lambda: residual_net().to(memory_format=torch.channels_last), (2, 1, 8, 8)
    ),
    "pools": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveMaxPool2d(2),
            nn.AdaptiveAvgPool2d(1), nn.LPPool2d(2, 1),
        ), (2, 3, 32, 32),
    ),
    "norms": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True),
            nn.LocalResponseNorm(3), nn.LayerNorm([4, 14, 14]), nn.RMSNorm([14]),
        ), (2, 3, 16, 16),
    ),
    "dropouts": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout(),
            nn.Dropout(0.0), nn.Dropout(1.0), nn.RReLU(),
        ), (2, 3, 16, 16),
    ),
    "activations": (
        lambda: nn.Sequential(
            nn.Linear(8, 8), nn.GELU(), nn.SiLU(inplace=True), nn.PReLU(), nn.Softplus(),
            nn.Hardswish(), nn.ELU(inplace=True), nn.GLU(), nn.LogSigmoid(), nn.Softmax(dim=-1),
        ), (2, 8),
    ),
    "transposed": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(3, 4, 4, stride=2, output_padding=1), nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(4, 4, 3, groups=2, dilation=2),
        ), (2, 3, 9, 9),
    ),
    "one and three axes": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 4, 3, padding=1), nn.MaxPool1d(2), nn.Unflatten(2, (2, 2, 2)),
            nn.Conv3d(4, 2, 2), nn.BatchNorm3d(2),
        ), (2, 2, 16),
    ),
    "own layers": (
        lambda: nn.Sequential(
            layers.SameConv2d(1, 6, 5, stride=2), layers.TrainablePool2d(6),
            layers.LocallyConnected2d(6, 4, 3, size=(4, 4), padding="same"), nn.Flatten(),
            layers.RBFOutput(64, 10, trainable=True),
        ), (2, 1, 16, 16),
    ),
    "recurrent": (lambda: nn.GRU(8, 4, batch_first=True), (2, 5, 8)),
    "attention with weights": (encoder, (2, 5, 16)),
    "attention": (Attending, (2, 5, 8)),
    "attention, masked": (lambda: Attending(masked=True), (2, 5, 8)),
    "attention, causal": (lambda: Attending(causal=True), (2, 5, 8)),
    "attention, dropout": (lambda: Attending(dropout=0.5), (2, 5, 8)),
    "circular": (lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), (2, 1, 8, 8)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_for_backward_is_what_pytorch_saves(name: str) -> None:
    build, shape = CASES[name]
    network, inputs = build(), torch.randn(*shape)
    with unchanged(network):
        found = table(network, inputs)
    assert memory_of(found).backward == kept_bytes(network, [inputs])
    assert found.totals["backward_bytes"] == memory_of(found).backward
    assert not found.notes


@pytest.mark.parametrize("name", zoo.names())
def test_what_the_networks_of_the_zoo_keep(name: str) -> None:
    card = zoo.CARDS[name]
    side = min(card.side, 64)
    network = zoo.build(name, size=side)
    found = table(network, side, in_channels=card.in_channels, batch=2)
    images = torch.randn(2, card.in_channels, side, side)
    assert memory_of(found).backward == kept_bytes(network, [images])


NETS = [("vgg16", 64), ("resnet50", 64), ("alexnet", 96), ("googlenet", 96), ("densenet121", 64)]


@pytest.mark.parametrize(("name", "side"), NETS)
def test_what_networks_of_a_user_keep(name: str, side: int) -> None:
    network = torchvision_net(name)
    found = table(network, side, batch=2)
    assert memory_of(found).backward == kept_bytes(network, [torch.randn(2, 3, side, side)])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_another_kind_of_number(dtype: torch.dtype) -> None:
    network = residual_net()
    with unchanged(network):
        found = table(network, 8, batch=2, dtype=dtype)
    single = memory_of(table(network, 8, batch=2))
    images = torch.randn(2, 1, 8, 8, dtype=dtype)
    assert memory_of(found).backward == kept_bytes(network.to(dtype), [images])
    assert found.dtype == str(dtype).removeprefix("torch.")
    assert memory_of(found).weights == single.weights * dtype.itemsize // 4


def test_activations_and_what_is_kept_grow_with_the_batch() -> None:
    one, four = (table(residual_net().eval(), 16, batch=n) for n in (2, 8))
    assert four.totals["activation_bytes"] == 4 * one.totals["activation_bytes"]
    assert memory_of(four).inputs == 4 * memory_of(one).inputs
    assert memory_of(four).weights == memory_of(one).weights
