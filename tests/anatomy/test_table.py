"""The layer table: counts by hand and by an oracle, for networks that other tables get wrong."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.flop_counter import FlopCounterMode

from striate._errors import NetworkError, ShapeError
from striate.anatomy import LayerTable, table
from tests.anatomy.networks import Branching, Functional, Shared, residual_net
from tests.conftest import unchanged


def rows_of(found: LayerTable) -> list[tuple[object, ...]]:
    return [(r.name, r.kind, r.output_shape, r.parameters, r.multiply_adds) for r in found.rows]


def large_net() -> nn.Sequential:
    """The courses' LargeNet; 9,705 parameters, shapes 5x28x28, 5x14x14, 10x10x10, 10x5x5."""
    return nn.Sequential(
        *(nn.Conv2d(3, 5, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(5, 10, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(250, 32), nn.ReLU(), nn.Linear(32, 1)),
    )


def test_the_courses_large_net() -> None:
    found = table(large_net(), 32)
    assert rows_of(found) == [
        ("0", "convolution", (1, 5, 28, 28), 380, 5 * 28 * 28 * 75),
        ("1", "activation", (1, 5, 28, 28), 0, 0),
        ("2", "pooling", (1, 5, 14, 14), 0, 0),
        ("3", "convolution", (1, 10, 10, 10), 1260, 10 * 10 * 10 * 125),
        ("4", "activation", (1, 10, 10, 10), 0, 0),
        ("5", "pooling", (1, 10, 5, 5), 0, 0),
        ("7", "linear", (1, 32), 8032, 250 * 32),
        ("8", "activation", (1, 32), 0, 0),
        ("9", "linear", (1, 1), 33, 32),
    ]
    assert found.parameters == found.trainable == 9705


def test_the_courses_third_layer_of_3_against_7() -> None:
    # 8 -> 16 channels, 3x3, stride 2, on 7 x 7: the output is 4 x 4, so 16 * 4 * 4 * 72 = 18,432
    # multiplies; the course's note counts 7 * 7 * 1152 = 56,448, with the input's grid.
    (row,) = table(nn.Conv2d(8, 16, 3, stride=2, padding=1), 7).rows
    assert (row.parameters, row.multiply_adds) == (1168, 18_432)


def test_a_transposed_convolution_costs_what_its_transpose_costs() -> None:
    # 16 channels of 8 x 8, each times 8 filters of 4 x 4: 1024 * 128; others print 524,288.
    (row,) = table(nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), 8).rows
    assert row.output_shape == (1, 8, 16, 16)
    assert row.multiply_adds == 131_072


def test_functional_calls_count_and_their_parameters_are_found() -> None:
    assert rows_of(table(Functional(), 8, in_channels=1)) == [
        ("conv2d", "convolution", (1, 4, 8, 8), 36, 4 * 64 * 9),
        ("relu", "activation", (1, 4, 8, 8), 0, 0),
        ("conv2d#2", "convolution", (1, 4, 6, 6), 36, 4 * 36 * 9),
        ("batch_norm", "norm", (1, 4, 6, 6), 4, 0),
        ("relu#2", "activation", (1, 4, 6, 6), 0, 0),
        ("adaptive_avg_pool2d", "pooling", (1, 4, 1, 1), 0, 0),
        ("linear", "linear", (1, 3), 12, 12),
    ]


def test_a_shared_layer_is_counted_once_and_marked() -> None:
    found = table(Shared(), 4)
    assert [(r.name, r.parameters, r.shared) for r in found.rows if r.kind == "convolution"] == [
        ("conv", 38, False),
        ("conv#2", 0, True),
    ]
    assert found.multiply_adds == 2 * (2 * 16 * 18)  # work is done twice
    assert "(shared)" in str(found)


def test_tied_weights_of_two_layers() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    network[1].weight = network[0].weight
    found = table(network, (1, 4), in_channels=1)
    assert [(r.parameters, r.shared) for r in found.rows] == [(20, False), (4, True)]


class Odd(nn.Module):
    """Parameters in places where tables lose them."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, 4, 1, 1))
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)
        self.embedded = nn.Embedding(5, 4)
        self.unused = nn.Linear(7, 7)
        self.normal = weight_norm(nn.Conv2d(4, 2, 3))
        self.attention = nn.MultiheadAttention(2, 1, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.scale + self.embedded.weight.sum() + self.embedded(torch.tensor(1)).sum()
        x = self.normal(x).flatten(2).transpose(1, 2)
        return self.attention(x, x, x)[0]


NETWORKS = [
    pytest.param(large_net, 32, id="large"),
    pytest.param(residual_net, 8, id="residual"),
    pytest.param(Functional, 8, id="functional"),
    pytest.param(Shared, 8, id="shared"),
    pytest.param(Branching, 8, id="branching"),
    pytest.param(Odd, 8, id="odd"),
    pytest.param(lambda: nn.Sequential(nn.Conv2d(4, 8, 3, groups=2, dilation=2)), 9, id="grouped"),
    pytest.param(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), 8, id="mlp"),
    pytest.param(
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding="same", padding_mode="circular")),
        8,
        id="circular",
    ),
]


@pytest.mark.parametrize(("build", "size"), NETWORKS)
def test_no_parameter_is_lost_and_the_network_is_as_before(build: type, size: int) -> None:
    network = build().train()
    known = 1 if isinstance(network, Functional) else None
    with unchanged(network):
        found = table(network, size, in_channels=known)
    assert found.parameters == sum(p.numel() for p in network.parameters())
    assert found.trainable == sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert len({row.name for row in found.rows}) == len(found.rows)


def test_parameters_no_call_uses_have_a_row_where_their_module_ends() -> None:
    found = table(Odd(), 8)
    others = {row.name: row for row in found.rows if row.kind == "other"}
    assert others["Odd"].parameters == 3  # frozen, and never used
    assert others["Odd"].trainable == 0
    used = {row.name: row.parameters for row in found.rows if row.kind != "other"}
    assert used["mul"] == 4  # the scale
    assert others["unused"].output_shape == ()
    names = [row.name for row in found.rows]
    assert names.index("sum") < names.index("embedded") < names.index("unused")


@pytest.mark.parametrize(("build", "size"), NETWORKS[:5] + NETWORKS[6:])
def test_multiply_adds_are_half_of_pytorchs_flops(build: type, size: int) -> None:
    network = build().eval()
    known = 1 if isinstance(network, Functional) else None
    found = table(network, size, in_channels=known, batch=3)
    channels = _channels(network)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(3, channels, size, size))
    assert found.multiply_adds == counter.get_total_flops() // 2


def _channels(network: nn.Module) -> int:
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    return convolutions[0].in_channels if convolutions else 1


@given(
    channels=st.sampled_from([(2, 4, 1), (4, 2, 2), (6, 3, 3), (4, 8, 4)]),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    turned=st.booleans(),
    batch=st.integers(1, 3),
)
def test_any_convolution_against_pytorchs_counter(
    channels: tuple[int, int, int],
    kernel: int,
    stride: int,
    dilation: int,
    turned: bool,
    batch: int,
) -> None:
    before, after, groups = channels
    layer = (nn.ConvTranspose2d if turned else nn.Conv2d)(
        before, after, kernel, stride=stride, dilation=dilation, groups=groups
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer(torch.zeros(batch, before, 7, 6))
    (row,) = table(layer, (7, 6), batch=batch).rows
    assert row.multiply_adds == counter.get_total_flops() // 2


def test_other_dimensions() -> None:
    one, three = nn.Conv1d(2, 3, 5), nn.Conv3d(1, 2, 3)
    assert table(one, (9,)).multiply_adds == 3 * 5 * 10
    assert table(three, (4, 4, 4)).multiply_adds == 2 * 8 * 27


def test_bilinear_and_double_precision() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.both = nn.Bilinear(3, 3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.both(x, x)

    (row,) = table(Two().double(), (3,), in_channels=1).rows
    assert (row.kind, row.multiply_adds) == ("linear", 2 * 9)


def test_nothing_is_allocated_on_the_meta_device(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(98, 10))
    devices: list[str] = []
    forward = nn.Conv2d.forward

    def look(self: nn.Conv2d, x: Tensor) -> Tensor:
        devices.extend([x.device.type, self.weight.device.type])
        return forward(self, x)

    monkeypatch.setattr(nn.Conv2d, "forward", look)
    table(network, 100)
    assert set(devices) == {"meta"}


def test_a_network_that_branches_on_values_runs_really() -> None:
    network = Branching()
    found = table(network, 5)
    assert [row.kind for row in found.rows] == ["convolution", "reduction", "arithmetic"]
    assert network.calls.item() == 0
    (note,) = found.notes
    assert note.startswith("run on zeros, for without values the network fails in 'bool'")
    assert note in str(found)


def test_channels_are_told_by_the_first_layer() -> None:
    assert table(nn.Sequential(nn.Flatten(), nn.Linear(2 * 12, 3)), (3, 4)).parameters == 75
    folded = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(8, 3, 3))
    assert table(folded, 8).rows[1].output_shape == (1, 3, 2, 2)
    assert table(Functional(), 8).rows[0].output_shape == (1, 4, 8, 8)
    with pytest.raises(NetworkError, match="say how many channels the images have"):
        table(nn.Sequential(nn.Flatten(), nn.Linear(7, 3)), 4)
    taken = table(nn.Sequential(nn.Flatten(), nn.Linear(32, 3)), 4, in_channels=2)
    assert taken.parameters == 99


class Failing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.fc = nn.Linear(10, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.relu(self.conv(x)).flatten(1))


def test_a_forward_that_fails_names_the_row() -> None:
    network = Failing().train()
    message = r"fails in 'fc' after 'relu' on inputs of shape \(1, 1, 9, 9\): mat1 and mat2"
    with unchanged(network), pytest.raises(NetworkError, match=message):
        table(network, 9)


def test_a_module_that_raises_by_itself_is_named() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 3), Refusing())
    with unchanged(network), pytest.raises(NetworkError, match=r"in '1' after '0' .*: 'not today'"):
        table(network, 9)


class Refusing(nn.Module):
    def forward(self, _x: Tensor) -> Tensor:
        raise KeyError("not today")


def test_the_remedy_for_lazy_layers_works() -> None:
    network = nn.Sequential(nn.LazyConv2d(4, 3))
    with pytest.raises(NetworkError, match=r"0\.weight has no shape yet; run the network"):
        table(network, 8)
    network(torch.zeros(1, 2, 8, 8))
    assert table(network, 8).parameters == 4 * 2 * 9 + 4


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 4, "batch": 0}, {"size": (4, -1)}])
def test_sizes_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ShapeError, match="must be > 0"):
        table(Shared(), **wrong)
