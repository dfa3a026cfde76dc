"""Memory: by hand where it is arithmetic, and equal to what PyTorch really saves on a CPU."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from striate import layers, zoo
from striate.anatomy import LayerTable, Memory, table
from tests.anatomy.networks import Functional, Shared, residual_net
from tests.anatomy.oracles import kept_bytes
from tests.conftest import unchanged
from tests.torchvision_nets import torchvision_net


def memory_of(found: LayerTable) -> Memory:
    assert found.memory is not None
    return found.memory


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


def test_a_real_pass_and_one_without_values_agree() -> None:
    network = residual_net()
    ghostly, really = table(network, 8, batch=2), table(Stubborn(network), 8, batch=2)
    assert really.notes
    assert not ghostly.notes
    ours, theirs = memory_of(ghostly), memory_of(really)
    assert (ours.backward, ours.weights) == (theirs.backward, theirs.weights)
    own = [row for row in really.rows if row.name.startswith("inner.")]
    assert [r.activation_bytes for r in own] == [r.activation_bytes for r in ghostly.rows]
    assert [r.backward_bytes for r in own] == [r.backward_bytes for r in ghostly.rows]
    assert [r.receptive_field for r in own] == [r.receptive_field for r in ghostly.rows]


class Stubborn(nn.Module):
    """Looks at a value first, so that the pass must be real."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) if bool(x.detach().sum() == 0) else x


def test_a_norm_that_cannot_train_on_one_image_leaves_the_rest_of_the_table() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(2))
    found = table(network, 8)
    assert memory_of(found).backward is None
    assert memory_of(found).training is None
    assert all(row.backward_bytes is None for row in found.rows)
    (note,) = found.notes
    assert note.startswith("no memory of training: the network fails in '2' after '1'")
    assert memory_of(table(network, 8, batch=2)).backward  # the remedy


class Auxiliary(nn.Module):
    """A head that only training uses, and a call that only evaluation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)
        self.aux = nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.first(x)
        aux = self.aux(F.relu(x).mean((2, 3))) if self.training else None
        x = F.relu(self.second(F.relu(x)))
        return (x, aux) if aux is not None else torch.sigmoid(x)


def test_calls_of_one_mode_have_rows_that_say_so() -> None:
    network = Auxiliary()
    found = table(network, 8)
    modes = {(row.name, row.mode) for row in found.rows if row.mode}
    assert ("aux", "training") in modes
    assert ("sigmoid", "evaluation") in modes
    assert found.parameters == sum(p.numel() for p in network.parameters())
    (aux,) = [row for row in found.rows if row.name == "aux"]
    assert (aux.parameters, aux.multiply_adds, aux.activation_bytes) == (9, 0, 0)
    assert memory_of(found).backward == kept_bytes(network, [torch.zeros(1, 1, 8, 8)])
    assert "aux (training only)" in str(found)
    assert len({row.name for row in found.rows}) == len(found.rows)


def test_what_checkpointing_keeps_stands_in_a_row() -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
            self.head = nn.Conv2d(4, 2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(checkpoint(self.body, x, use_reentrant=False))

    found = table(Checkpointed(), 8)
    # Kept are the input of the body, 3 * 64 floats, before any call, and of the head, 4 * 64.
    assert memory_of(found).backward == 4 * (3 * 64 + 4 * 64)
    assert sum(row.backward_bytes or 0 for row in found.rows) == memory_of(found).backward


def test_a_network_that_casts_by_itself_is_run_really() -> None:
    class Casting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.conv(x)

    found = table(Casting(), 8)
    assert found.rows[0].activation_bytes == 2 * 4 * 6 * 6  # two bytes a number
    assert memory_of(found).backward == kept_bytes(Casting(), [torch.rand(1, 3, 8, 8)])
    assert found.notes[0].startswith("run on zeros")


def test_frozen_layers_keep_less() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3))
    network[0].requires_grad_(False)
    found = table(network, 8)
    assert [row.backward_bytes for row in found.rows] == [0, 4 * 4 * 36]
    assert memory_of(found).gradients == 4 * 148


def test_what_is_kept_does_not_depend_on_what_else_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    # The same storages may be given the same place again: nothing is mistaken for what it was.
    network = residual_net()
    first = table(network, 8, batch=2)
    others: Sequence[Tensor] = [torch.empty(1000, device="meta") for _ in range(50)]
    assert table(network, 8, batch=2) == first
    assert len(others) == 50


def test_a_lstm_has_another_kernel_on_a_cpu_and_the_table_says_so() -> None:
    found = table(nn.LSTM(8, 4, batch_first=True), torch.zeros(2, 5, 8))
    assert found.notes[0].startswith("LSTM: kept for backward as by its formulas")
    # 5 steps of 2 rows: 16 gates from 8 inputs and from 4 states.
    assert found.multiply_adds == 10 * 16 * (8 + 4)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_the_modes_around_it_do_not_matter(mode: Callable[[], Any]) -> None:
    network = residual_net()
    with mode():
        found = table(network, 8, batch=2)
    assert found == table(network, 8, batch=2)


def test_a_compiled_network_is_the_network_that_was_compiled() -> None:
    # What torch.compile returns is a module that holds the network as `_orig_mod`; making a real
    # one would load the compiler.
    network, compiled = residual_net(), nn.Module()
    compiled._orig_mod = network
    assert table(compiled, 8, batch=2) == table(network, 8, batch=2)
