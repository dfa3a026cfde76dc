"""Memory of networks out of the ordinary, and of passes that end early or run really."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from striate.anatomy import table
from tests.anatomy.networks import residual_net
from tests.anatomy.oracles import kept_bytes, memory_of


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
