"""Whole networks: parameters and multiply-adds by facts, by PyTorch's counter, by formulas."""

from math import prod

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate import layers, zoo
from striate.anatomy import table
from tests.anatomy.oracles import half_of_flops
from tests.torchvision_nets import torchvision_net

# Parameters; multiply-adds at 224 x 224 in thousand millions, as in torchvision's own tables.
FACTS = [
    ("alexnet", 61_100_840, 0.714),
    ("vgg11", 132_863_336, 7.609),
    ("vgg16", 138_357_544, 15.470),
    ("resnet18", 11_689_512, 1.814),
    ("resnet50", 25_557_032, 4.089),
    ("googlenet", 13_004_888, 1.498),
    ("squeezenet1_0", 1_248_424, 0.819),
    ("squeezenet1_1", 1_235_496, 0.349),
    ("mobilenet_v2", 3_504_872, 0.301),
    ("convnext_tiny", 28_589_128, 4.456),
]


@pytest.mark.parametrize(("name", "parameters", "billions"), FACTS)
def test_networks_of_a_user(name: str, parameters: int, billions: float) -> None:
    with torch.device("meta"):
        network = torchvision_net(name)
    found = table(network, 224, in_channels=3)
    assert found.parameters == parameters == sum(p.numel() for p in network.parameters())
    assert found.trainable == parameters
    assert found.multiply_adds / 1e9 == pytest.approx(billions, abs=0.0006)
    assert found.multiply_adds == half_of_flops(network, [torch.empty(1, 3, 224, 224).to("meta")])
    assert not found.notes or name in ("googlenet",)


def test_googlenet_has_heads_that_only_training_uses() -> None:
    with torch.device("meta"):
        network = torchvision_net("googlenet")
    found = table(network, 224, batch=2)
    of_training = [row for row in found.rows if row.mode == "training"]
    assert sum(row.parameters for row in of_training) == 13_004_888 - 6_624_904
    assert {row.name.split(".")[0] for row in of_training} == {"aux1", "aux2"}


@pytest.mark.parametrize("name", zoo.names())
def test_networks_of_the_zoo(name: str) -> None:
    card = zoo.CARDS[name]
    with torch.device("meta"):
        network = zoo.build(name)
    found = table(network, card.side, in_channels=card.in_channels)
    assert (found.parameters, found.multiply_adds) == (card.parameters, card.multiply_adds)


def test_the_disputed_cases() -> None:
    # 16 channels of 8 x 8, each times 8 filters of 4 x 4; stride 2 makes 4 times as many outputs.
    assert table(nn.ConvTranspose2d(16, 8, 4, 2, 1), 8).multiply_adds == 131_072
    assert table(OneFunction(), 8, in_channels=3).multiply_adds == 4 * 36 * 27
    shared = nn.Linear(10, 10)  # 110 parameters; with the last, 10 more
    network = nn.Sequential(shared, nn.ReLU(inplace=True), shared, nn.Linear(10, 1, bias=False))
    found = table(network, torch.zeros(1, 10))
    assert found.parameters == 120
    assert [row.shared for row in found.rows] == [False, False, True, False]
    assert found.rows[1].activation_bytes == 0


class OneFunction(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight)


class Products(nn.Module):
    """Products of matrices in all their spellings; each is 2 * 3 * 4 * 5 = 120."""

    def forward(self, x: Tensor) -> Tensor:
        one, other = x[..., :5], torch.zeros(2, 5, 4, device=x.device)
        made = [
            one @ other, torch.matmul(one, other), torch.bmm(one, other), one.bmm(other),
            torch.einsum("bik,bkj->bij", one, other), torch.baddbmm(other[:, :1], one, other),
            torch.stack([torch.mm(a, b) for a, b in zip(one, other, strict=True)]),
            torch.stack([a.mv(b[:, 0]) for a, b in zip(one, other, strict=True)])[..., None],
        ]  # fmt: skip
        return torch.cat(made, 2)


def test_products_of_matrices_are_counted_however_they_are_written() -> None:
    found = table(Products(), torch.zeros(2, 3, 6))
    kinds = [
        (row.name.partition("#")[0], row.multiply_adds)
        for row in found.rows
        if row.kind == "matmul"
    ]
    assert kinds == [
        *(("matmul", 120), ("matmul", 120), ("bmm", 120), ("bmm", 120), ("einsum", 120)),
        *(("baddbmm", 120), ("mm", 60), ("mm", 60), ("mv", 15), ("mv", 15)),
    ]
    # PyTorch's counter does not know products with a vector: 2 * 15 more.
    assert found.multiply_adds == half_of_flops(Products(), [torch.zeros(2, 3, 6)]) + 30


def test_attention_by_its_formula() -> None:
    # Four projections of 5 x 16 x 16 for 2 images; 2 heads of 8: scores and sums 5 * 5 * 8 each.
    attention = nn.MultiheadAttention(16, 2, batch_first=True)
    projections, pairs = 2 * 4 * 5 * 16 * 16, 2 * 2 * 2 * 5 * 5 * 8

    class Itself(nn.Module):
        def __init__(self, *, weights: bool) -> None:
            super().__init__()
            self.inner, self.weights = attention, weights

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x, x, x, need_weights=self.weights)[0]

    for weights in (False, True):
        (row,) = table(Itself(weights=weights), torch.zeros(2, 5, 16)).rows
        assert (row.kind, row.multiply_adds) == ("attention", projections + pairs)
        assert row.parameters == 4 * 16 * 17


def test_layers_of_the_package_are_one_row_each_with_their_own_formula() -> None:
    network = nn.Sequential(
        layers.TrainablePool2d(6), layers.LocallyConnected2d(6, 4, 3, size=(4, 4)),
        nn.Flatten(), layers.RBFOutput(16, 10),
    )  # fmt: skip
    found = table(network, (8, 8), in_channels=6, batch=2)
    assert [(r.name, r.kind, r.parameters, r.multiply_adds) for r in found.rows] == [
        ("0", "pooling", 12, prod((2, 6, 4, 4))),  # one product a cell
        ("1", "convolution", 4 * 4 * 54 + 16, 2 * 4 * 4 * 54),  # 2 x 2 places, 54 weights each
        ("2", "shape", 0, 0),  # the places came first in memory, so that flattening copies
        ("3", "linear", 0, 2 * 10 * 16),  # the codes are fixed, so no parameters
    ]
    assert [s.size for s in found.rows[1].receptive_field] == [6, 6]


def test_scripted_code_is_counted_operation_by_operation() -> None:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    with pytest.warns(DeprecationWarning, match=r"torch\.jit\.script"):
        scripted = torch.jit.script(inner)
    found = table(scripted, torch.zeros(1, 1, 8, 8))
    assert found.parameters == 20
    assert found.multiply_adds == 2 * 36 * 9
    assert found.rows[0].kind == "convolution"
    assert found.memory is not None
    assert found.memory.backward == found.totals["backward_bytes"] == 256 + 288
    assert "cannot be copied" in found.notes[0]  # so it was run on zeros
