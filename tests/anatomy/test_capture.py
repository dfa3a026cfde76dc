"""Capture: what it keeps, how layers are named, and that it leaves no trace."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import striate
from striate._errors import NetworkError
from striate.anatomy import capture
from tests.anatomy.networks import Functional, Shared, residual_net
from tests.conftest import unchanged

IMAGES = torch.linspace(-1, 1, 2 * 8 * 8).reshape(2, 1, 8, 8)


def chain() -> nn.Sequential:
    """x -> 2 x -> relu in place -> -x, so that every output is arithmetic."""
    first, last = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    first.weight.data.fill_(2)
    last.weight.data.fill_(-1)
    return nn.Sequential(first, nn.ReLU(inplace=True), last)


def test_outputs_by_hand_though_a_relu_in_place_follows() -> None:
    network = chain()
    with capture(network, ["0", network[1], nn.Linear]) as seen:
        network(torch.tensor([[-3.0], [5.0]]))
    assert seen["0"][0].tolist() == [[-6.0], [10.0]]  # not [[0], [10]]
    assert seen[network[1]][0].tolist() == [[0.0], [10.0]]
    assert seen["2"][0].tolist() == [[0.0], [-10.0]]
    assert seen.order == ["0", "1", "2"]


def test_calls_of_a_shared_module_are_all_kept_in_order() -> None:
    network, images = Shared(), torch.randn(1, 2, 4, 4)
    with capture(network, network.conv) as seen:
        network(images)
    first = network.conv(images)
    second = network.conv(first.relu())
    torch.testing.assert_close(seen["conv"], [first.detach(), second.detach()])


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        pytest.param("stages", ["stages"], id="name"),
        pytest.param("stages.*", ["stages.0", "stages.1", "stages.2"], id="children"),
        pytest.param("stages.*.conv", ["stages.0.conv", "stages.2.conv"], id="one-level"),
        pytest.param("**.conv", ["stages.0.conv", "stages.2.conv"], id="any-level"),
        pytest.param("st[!e]*", ["stages"], id="letters"),
        pytest.param("", [""], id="network"),
        pytest.param(
            nn.Conv2d, ["stem.0", "stages.0.conv", "stages.2.conv"], id="class-of-modules"
        ),
        pytest.param("convolution", ["stem.0", "stages.0.conv", "stages.2.conv"], id="kind"),
        pytest.param("activation", ["stem.2", "stages.0.relu", "stages.2.relu"], id="functions"),
        pytest.param("stages.2.relu", ["stages.2.relu"], id="functional-call"),
        pytest.param(["stem", "norm"], ["stem", "stem.1", "stages.0.norm", "stages.2.norm"],
                     id="several"),
        pytest.param(["stem.0", "convolution"], ["stem.0", "stages.0.conv", "stages.2.conv"],
                     id="once-though-named-twice"),
    ],
)  # fmt: skip
def test_ways_to_name_layers(layers: str, names: list[str]) -> None:
    network = residual_net()
    with capture(network, layers) as seen:
        network(IMAGES)
    assert sorted(seen) == sorted(names)
    assert all(len(seen[name]) == 1 for name in seen)
    assert len(seen) == len(names)


def test_numbered_functional_calls() -> None:
    network = Functional()
    with capture(network, ["relu", "relu#2"]) as seen:
        network(IMAGES)
    assert seen.order == ["relu", "relu#2"]
    assert seen["relu"][0].shape != seen["relu#2"][0].shape


def test_a_module_under_two_names_is_found_by_both() -> None:
    network = nn.Sequential(layer := nn.Linear(1, 1), nn.ReLU(), layer)
    with capture(network, "2") as seen:
        network(torch.ones(1, 1))
    assert "2" in seen
    assert len(seen["2"]) == len(seen["0"]) == len(seen[layer]) == 2


def test_gradient_by_hand_through_a_relu_in_place() -> None:
    network = chain()
    with capture(network, "0", gradients=True) as seen:
        score = network(torch.tensor([[-3.0], [5.0]])).sum()
        (gradient,) = torch.autograd.grad(score, seen["0"])
    assert gradient.tolist() == [[0.0], [-1.0]]
    assert seen["0"][0].tolist() == [[-6.0], [10.0]]


def test_gradients_reach_the_images_where_they_ask_for_them() -> None:
    network, images = chain(), torch.tensor([[5.0]], requires_grad=True)
    with capture(network, ["0", "1"], gradients=True) as seen:
        network(images)
    (gradient,) = torch.autograd.grad(seen["1"][0].sum(), images)
    assert gradient.tolist() == [[2.0]]


def test_the_graph_starts_at_the_layer_where_nothing_asks_before_it() -> None:
    network = chain()
    with torch.no_grad():
        with capture(network, "0", gradients=True) as seen:
            score = network(torch.tensor([[5.0]])).sum()
        assert not torch.is_grad_enabled()
    assert seen["0"][0].is_leaf
    assert torch.autograd.grad(score, seen["0"])[0].tolist() == [[-1.0]]


def test_gradients_of_functional_calls() -> None:
    network = Functional()
    with capture(network, "activation", gradients=True) as seen:
        score = network(IMAGES).sum()
    for name in ("relu", "relu#2"):
        (gradient,) = torch.autograd.grad(score, seen[name], retain_graph=True)
        assert gradient.shape == seen[name][0].shape
        assert float(gradient.abs().sum()) > 0


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return x, {"twice": 2 * x}


def test_nested_outputs_keep_their_form() -> None:
    network = nn.Sequential(Pair())
    with capture(network, "0", gradients=True) as seen:
        network(torch.ones(1))
    (kept,) = seen["0"]
    assert kept[1]["twice"].item() == 2


def test_what_was_captured_is_that_of_the_network_alone() -> None:
    network = residual_net().eval()
    with capture(network, "stages.0") as seen:
        network(IMAGES)
    body = nn.Sequential(network.stem, network.stages[0])
    torch.testing.assert_close(seen["stages.0"][0], body(IMAGES).detach())


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("layers", ["stages.*", "activation", nn.Conv2d])
def test_no_trace(layers: str | type[nn.Module], gradients: bool) -> None:
    network = residual_net().eval()
    network.stem[0].weight.requires_grad_(False)
    with unchanged(network), capture(network, layers, gradients=gradients):
        network(IMAGES)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("layers", ["stages.*", "activation"])
def test_no_trace_when_the_forward_raises(layers: str, gradients: bool) -> None:
    network = residual_net().eval()
    with (
        unchanged(network),
        torch.no_grad(),
        pytest.raises(RuntimeError, match="cannot be multiplied"),
        capture(network, ["stem", layers], gradients=gradients),
    ):
        network.head(network.stages(network.stem(IMAGES)).repeat(1, 2, 1, 1))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("stages.2.cnov", r"no layer 'stages\.2\.cnov'; did you mean 'stages\.2\.conv'"),
        ("steges.*", r"no layer fits 'steges\.\*'; did you mean 'stages"),
        ("zzz", "no layer 'zzz'; there are stem, stem.0"),
        (nn.LSTM, "the network has no LSTM; there are stem"),
        (nn.Linear(1, 1), "this Linear is no module of the network; there are stem"),
        ("conv#x", "no layer 'conv#x'"),
    ],
)
def test_unknown_layers(layers: str, message: str) -> None:
    network = residual_net()
    with unchanged(network), pytest.raises(NetworkError, match=message), capture(network, layers):
        pass


def test_a_layer_that_was_not_called() -> None:
    network = residual_net()
    with capture(network, ["stem", "head"]) as seen:
        network.stem(IMAGES)
    with pytest.raises(NetworkError, match="'head' was not called while capturing; called: stem"):
        seen["head"]


def test_hooks_are_hung_in_one_place_only() -> None:
    root = Path(striate.__file__).parent
    places = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any(
            f"register_{word}" in path.read_text("utf-8")
            for word in ("forward", "module_forward", "full_backward", "backward_hook")
        )
    }
    # zoo.build looks at a copy of its own on the meta device, which it throws away.
    assert places - {"zoo/build.py"} == {"anatomy/hooks.py"}


def test_functional_calls_by_pattern() -> None:
    network = residual_net()
    with capture(network, "stages.*.relu") as seen:
        network(IMAGES)
    assert list(seen) == ["stages.0.relu", "stages.2.relu"]
    with capture(Functional(), "**conv2d*") as seen:
        Functional()  # another network's calls are not this one's
    assert len(seen) == 0
    functional = Functional()
    with unchanged(functional), capture(functional, "*conv2d*") as seen:
        functional(IMAGES)
    assert list(seen) == ["conv2d", "conv2d#2"]
    refused = pytest.raises(NetworkError, match=r"no layer fits '\*\*.nonsense'")
    with refused, capture(network, "**.nonsense"):
        pass


class Joined(nn.Module):
    """relu(x) beside x, doubled in size, plus the mean over the channels."""

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([x, x.relu()], dim=1)
        large = nn.functional.interpolate(both, scale_factor=2.0)
        return large + large.mean(1, keepdim=True)


def test_every_named_call_of_the_table_can_be_captured() -> None:
    network, images = Joined(), torch.randn(2, 1, 4, 4)
    names = [row.name for row in striate.anatomy.table(network, 4, in_channels=1, batch=2).rows]
    assert names == ["relu", "cat", "interpolate", "mean.other", "add"]
    with capture(network, names) as seen:
        put = network(images)
    assert sorted(seen) == sorted(names)
    torch.testing.assert_close(seen["cat"], [torch.cat([images, images.relu()], 1)])
    torch.testing.assert_close(seen["add"], [put])


@pytest.mark.parametrize(("layers", "name"), [("join", "cat"), ("**interp*", "interpolate")])
def test_calls_that_are_no_layers_by_kind_and_pattern(layers: str, name: str) -> None:
    network = Joined()
    with capture(network, layers) as seen:
        network(torch.zeros(1, 1, 2, 2))
    assert list(seen) == [name]
