"""Activation statistics: equal to a direct recomputation, and invisible to the training step."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from striate._errors import RunError, ShapeError
from striate.anatomy import ActivationRecord, ActivationStatistics, sample
from tests.anatomy.networks import Functional, Shared, residual_net
from tests.conftest import unchanged


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(64, 1, 16, 16, generator=generator)
    return images, torch.randint(0, 3, (64,), generator=generator)


def test_values_by_hand() -> None:
    network = nn.Sequential(layer := nn.Linear(1, 1, bias=False), nn.ReLU(inplace=True))
    layer.weight.data.fill_(1)
    statistics = ActivationStatistics(network)
    with statistics.watch(7):
        network(torch.tensor([[-3.0], [1.0], [1.0], [1.0]]))
    record = statistics.result()
    assert record.steps.tolist() == [7]
    assert record.names == ("0", "1")
    assert record.kinds == ("linear", "activation")
    # -3, 1, 1, 1: mean 0, deviation sqrt(12 / 4); the ReLU makes 0, 1, 1, 1 of it, in place.
    np.testing.assert_allclose(record.mean, [[0, 0.75]])
    np.testing.assert_allclose(record.deviation, [[3**0.5, (3 / 16) ** 0.5]], rtol=1e-6)
    np.testing.assert_allclose(record.near_zero, [[0, 0.25]])
    np.testing.assert_allclose(record.limit, [4, 2])
    assert {i: s for i, s in enumerate(record.histogram[0, 0].tolist()) if s} == {8: 0.25, 40: 0.75}
    assert {i: s for i, s in enumerate(record.histogram[0, 1].tolist()) if s} == {
        32: 0.25,
        48: 0.75,
    }


def outputs_of(network: Any, images: Tensor) -> dict[str, Tensor]:
    """Recompute every call's output, with no help from the package."""
    stem, stages, head = network.stem, network.stages, network.head
    found = {"stem.0": stem[0](images)}
    found["stem.1"] = stem[1](found["stem.0"])
    x = found["stem.2"] = stem[2](found["stem.1"])
    for name, block in (("stages.0", stages[0]), ("stages.2", stages[2])):
        found[f"{name}.conv"] = block.conv(x)
        found[f"{name}.norm"] = block.norm(found[f"{name}.conv"])
        x = found[f"{name}.relu"] = torch.relu(x + found[f"{name}.norm"])
        x = stages[1](x) if name == "stages.0" else x
    found["head.2"] = head[2](x.amax((2, 3)))
    return {name: value.detach() for name, value in found.items()}


@pytest.mark.parametrize("values", [8192, 100_000])
def test_equal_to_a_direct_recomputation_on_the_same_batch(values: int) -> None:
    network, (images, labels) = residual_net().train(), batch()
    statistics = ActivationStatistics(network, images=32, values=values)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    expected: list[dict[str, Tensor]] = []
    for step in range(3):
        expected.append(outputs_of(network, images))
        with statistics.watch(step):
            outputs = network(images)
        F.cross_entropy(outputs, labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    record = statistics.result()
    assert list(record.names) == list(expected[0])
    for t, at in enumerate(expected):
        for k, (name, output) in enumerate(at.items()):
            # 32 images * 4 channels leave 64 places of 8,192: every 2nd row and column of 16.
            pick = output[:32]
            if values == 8192 and output.ndim == 4 and output.shape[-1] == 16:
                pick = pick[:, :, 1::2, 1::2]
            flat = pick.double().numpy().ravel()
            deviation, limit = flat.std(), float(record.limit[k])
            assert record.mean[t, k] == pytest.approx(flat.mean(), rel=1e-5, abs=1e-6), name
            assert record.deviation[t, k] == pytest.approx(deviation, rel=1e-5), name
            near = (np.abs(flat) <= 0.05 * deviation).mean()
            assert record.near_zero[t, k] == pytest.approx(near, abs=1.5 / len(flat)), name
            counts, _ = np.histogram(flat, bins=64, range=(-limit, limit))
            np.testing.assert_allclose(record.histogram[t, k], counts / len(flat), atol=1e-7)
    assert record.histogram.shape == (3, len(record.names), 64)
    np.testing.assert_allclose(record.histogram.sum(axis=2), 1, rtol=1e-6)


def trained(watched: bool, *, autocast: bool) -> list[Tensor]:
    """Return outputs, gradients, weights and buffers of two steps with dropout."""
    torch.manual_seed(3)
    network = nn.Sequential(residual_net(), nn.Dropout(0.3)).train()
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    statistics = ActivationStatistics(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    kept: list[Tensor] = []
    for step in range(2):
        images, labels = batch(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            if watched:
                with statistics.watch(step):
                    outputs = network(images)
            else:
                outputs = network(images)
        F.cross_entropy(outputs.float(), labels).backward()
        kept += [
            outputs.detach(),
            *(p.grad.clone() for p in network.parameters() if p.grad is not None),
        ]
        optimizer.step()
        optimizer.zero_grad()
    return [*kept, *network.state_dict().values(), torch.get_rng_state()]


@pytest.mark.parametrize("autocast", [False, True])
def test_a_watched_step_is_the_same_bit_for_bit(autocast: bool) -> None:
    for with_it, without in zip(
        trained(True, autocast=autocast), trained(False, autocast=autocast), strict=True
    ):
        assert torch.equal(with_it, without)


def test_no_trace() -> None:
    network, (images, _) = residual_net().eval(), batch()
    statistics = ActivationStatistics(network)
    with unchanged(network):
        with statistics.watch(1):
            network(images)
        statistics.result()


def test_no_trace_and_no_record_when_the_forward_raises() -> None:
    network = residual_net().eval()
    statistics = ActivationStatistics(network)
    with (
        unchanged(network),
        pytest.raises(RuntimeError, match="channels"),
        statistics.watch(1),
    ):
        network(torch.zeros(1, 2, 8, 8))
    assert len(statistics.result().steps) == 0


def test_no_record_where_the_network_did_not_run() -> None:
    statistics = ActivationStatistics(residual_net())
    with statistics.watch(1):
        pass
    assert len(statistics.result().steps) == 0


def test_functional_and_shared_calls_are_told_apart() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), Shared())
    statistics = ActivationStatistics(network)
    with statistics.watch(1):
        network(batch()[0])
    assert statistics.result().names == ("0", "1.conv", "1.act", "1.conv#2", "1.act#2")
    functional = Functional()
    statistics = ActivationStatistics(functional)
    with statistics.watch(1):
        functional(batch()[0])
    assert "activation" in statistics.result().kinds
    assert "pooling" not in statistics.result().kinds


class Sometimes(nn.Module):
    """Calls its second layer only for large inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(1, 1), nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)) if x[0, 0] > 0 else self.first(x)


def test_a_call_that_does_not_happen_leaves_a_gap() -> None:
    network = Sometimes()
    statistics = ActivationStatistics(network)
    for step, value in enumerate([-1.0, 1.0, -1.0]):
        with statistics.watch(step):
            network(torch.full((4, 1), value))
    record = statistics.result()
    assert record.names == ("first", "second")
    assert np.isnan(record.mean[:, 1]).tolist() == [True, False, True]
    assert record.histogram[:, 1].sum(axis=1).tolist() == [0, 1, 0]


def test_growing_values_widen_the_range_of_earlier_points_exactly() -> None:
    network = nn.Sequential(nn.ReLU())
    statistics = ActivationStatistics(network)
    small = torch.rand(8, 100)
    for step, scale in enumerate([1, 100]):
        with statistics.watch(step):
            network(small * scale)
    record = statistics.result()
    assert record.limit.tolist() == [128]
    counts, _ = np.histogram(small.double().numpy(), bins=64, range=(-128, 128))
    np.testing.assert_allclose(record.histogram[0, 0], counts / small.numel())


def record_of(steps: range, statistics: ActivationStatistics, network: nn.Module) -> None:
    for step in steps:
        with statistics.watch(step), torch.no_grad():
            network(batch(step)[0] * (1 + step))


def test_a_state_that_was_saved_goes_on_as_if_it_had_not_been() -> None:
    network = residual_net().eval()
    whole, before, after = (ActivationStatistics(network) for _ in range(3))
    record_of(range(6), whole, network)
    record_of(range(3), before, network)
    buffer = io.BytesIO()
    torch.save(before.state_dict(), buffer)
    buffer.seek(0)
    state = torch.load(buffer, weights_only=True)
    assert all(isinstance(value, Tensor) for value in state.values())
    after.load_state_dict(state)
    record_of(range(3, 6), after, network)
    for name, value in vars(whole.result()).items():
        np.testing.assert_array_equal(getattr(after.result(), name), value)
    for name, value in whole.state_dict().items():
        assert torch.equal(after.state_dict()[name], value), name


def test_an_empty_state_is_a_state() -> None:
    network = residual_net()
    statistics = ActivationStatistics(network)
    statistics.load_state_dict(ActivationStatistics(network).state_dict())
    record = statistics.result()
    assert record.histogram.shape == (0, 0, 64)


def test_damaged_states_are_refused() -> None:
    network = residual_net()
    statistics = ActivationStatistics(network)
    record_of(range(2), statistics, network)
    state = statistics.state_dict()
    with pytest.raises(RunError, match="have 64 bins, but 128 are asked"):
        ActivationStatistics(network, bins=128).load_state_dict(state)
    with pytest.raises(RunError, match="is damaged"):
        statistics.load_state_dict({**state, "counts": state["counts"][:-1]})
    with pytest.raises(RunError, match="is damaged"):
        statistics.load_state_dict({k: v for k, v in state.items() if k != "steps"})


def test_files_round_trip(tmp_path: Path) -> None:
    network = residual_net().eval()
    statistics = ActivationStatistics(network)
    record_of(range(2), statistics, network)
    record = statistics.result()
    record.save(tmp_path / "activations.npz")
    read = ActivationRecord.load(tmp_path / "activations.npz")
    for name, value in vars(record).items():
        np.testing.assert_array_equal(getattr(read, name), value)
    lines = record.to_csv().splitlines()
    assert lines[0] == "step,name,kind,mean,deviation,near_zero"
    assert len(lines) == 1 + 2 * len(record.names)
    assert float(lines[1].split(",")[3]) == pytest.approx(record.mean[0, 0], rel=1e-6)


def test_files_that_hold_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, steps=np.zeros(1))
    with pytest.raises(RunError, match="holds no activation statistics"):
        ActivationRecord.load(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(RunError, match="holds no activation statistics"):
        ActivationRecord.load(path)
    arrays = {n: np.zeros((2, 3), np.float32) for n in ("mean", "deviation", "near_zero")}
    words = {n: np.array(["a", "b", "c"]) for n in ("names", "kinds")}
    histogram = np.zeros((2, 4, 64), np.float32)
    arrays |= {"steps": np.zeros(2), "limit": np.ones(3), "histogram": histogram}
    np.savez(path, allow_pickle=False, **arrays, **words)
    with pytest.raises(RunError, match="do not fit one another"):
        ActivationRecord.load(path)


@pytest.mark.parametrize(
    "wrong", [{"bins": 40}, {"bins": 32}, {"images": 0}, {"values": 0}, {"near_zero": -0.1}]
)
def test_settings_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ShapeError, match="must be"):
        ActivationStatistics(nn.ReLU(), **wrong)


@pytest.mark.parametrize(
    ("shape", "taken"),
    [
        ((128, 16, 14, 14), (32, 16, 3, 3)),  # s = 4: 32 * 16 * 9 = 4,608; s = 3 has 12,800
        ((128, 4, 16, 16), (32, 4, 8, 8)),
        ((128, 64, 1, 1), (32, 64, 1, 1)),
        ((8, 16, 4, 4), (8, 16, 4, 4)),
        ((128, 512, 7, 7), (16, 512, 1, 1)),
        ((128, 10_000, 7, 7), (1, 10_000, 1, 1)),
        ((128, 10), (32, 10)),
        ((128, 32, 300), (32, 32, 8)),
        ((128,), (32,)),
        ((), ()),
        ((4, 3, 0, 5), (4, 3, 0, 5)),
    ],
)
def test_samples(shape: tuple[int, ...], taken: tuple[int, ...]) -> None:
    assert sample(torch.zeros(shape)).shape == taken


@given(
    shape=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    images=st.integers(1, 50),
    values=st.integers(1, 5000),
)
def test_samples_are_within_the_limits(shape: list[int], images: int, values: int) -> None:
    taken = sample(torch.zeros(shape), images=images, values=values)
    channels = shape[1] if len(shape) > 1 else 1
    assert 1 <= taken.shape[0] <= images
    assert taken.numel() <= max(values, channels)
    assert taken.shape[1:2] == tuple(shape[1:2])  # all channels
