import dataclasses
import json
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import torch
from torch import nn

from striate._errors import StorageError, WeightsError
from striate.data import Preprocessing
from striate.runs import WeightsCard, load_weights, read_card, save_weights
from tests.runs.test_checkpoint import Evil

GREY = Preprocessing(channels=1, height=8, width=6, mean=(0.25,), deviation=(0.5,))
CARD = WeightsCard(
    name="lenet5", code=False, options={"norm": "none"}, classes=("cat", "dög"),
    preprocessing=GREY, kept="best",
)  # fmt: skip


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(48, 2))


def filled(module: nn.Module) -> nn.Module:
    """Give every weight and buffer numbers of its own."""
    for place, value in enumerate(module.state_dict().values()):
        value.copy_(torch.arange(value.numel()).reshape(value.shape) + 100 * place)
    return module


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_weights(path, filled(network()), CARD)
    return path


def test_weights_and_buffers_come_back(saved: Path) -> None:
    other = network()
    load_weights(saved, other)
    for name, value in filled(network()).state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_another_reader_finds_tensors_and_card(saved: Path) -> None:
    """The format as documented, read by the library alone, and byte by byte."""
    raw = saved.read_bytes()
    tensors = safetensors.numpy.load(raw)
    assert sorted(tensors) == sorted(network().state_dict())
    np.testing.assert_array_equal(tensors["3.bias"], np.array([800.0, 801.0], np.float32))
    (length,) = struct.unpack("<Q", raw[:8])
    metadata = json.loads(raw[8 : 8 + length])["__metadata__"]
    assert list(metadata) == ["striate"]
    card = json.loads(metadata["striate"])
    assert card == {
        "architecture": {"name": "lenet5", "code": False, "options": {"norm": "none"}},
        "classes": ["cat", "dög"],
        "preprocessing": {
            "channels": 1, "height": 8, "width": 6, "mean": [0.25], "deviation": [0.5],
            "resize": "crop", "interpolation": "bilinear",
        },
        "weights": "best",
    }  # fmt: skip
    assert metadata["striate"] == json.dumps(card, sort_keys=True)


def test_the_card_comes_back(saved: Path) -> None:
    assert read_card(saved) == CARD


def test_a_class_name_of_undecodable_bytes_comes_back(tmp_path: Path) -> None:
    card = dataclasses.replace(CARD, classes=("caf\udce9", "\x1b[31m", "a\nb"))
    save_weights(tmp_path / "a", network(), card)
    assert read_card(tmp_path / "a") == card


def test_a_path_of_undecodable_bytes(saved: Path) -> None:
    folder = saved.with_name(os.fsdecode(b"caf\xe9"))
    folder.mkdir()
    path = saved.rename(folder / "model.safetensors")
    assert read_card(path) == CARD
    other = network()
    load_weights(path, other)
    assert torch.equal(other.state_dict()["3.bias"], torch.tensor([800.0, 801.0]))
    with pytest.raises(WeightsError, match=r"there is no weights file .*caf\\xe9/none"):
        read_card(folder / "none")


def test_equal_weights_are_equal_bytes_however_they_lie_in_memory(
    saved: Path, tmp_path: Path
) -> None:
    other = filled(network())
    kernels = other.get_parameter("0.weight")
    kernels.data = kernels.data.contiguous(memory_format=torch.channels_last)
    save_weights(tmp_path / "b", other, CARD)
    assert (tmp_path / "b").read_bytes() == saved.read_bytes()


def test_shared_tensors_are_written_and_read(tmp_path: Path) -> None:
    shared = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    shared.append(shared[0])
    save_weights(tmp_path / "a", shared, CARD)
    other = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    other.append(other[0])
    load_weights(tmp_path / "a", other)
    assert torch.equal(other[2].weight, shared[0].weight)  # pyright: ignore[reportArgumentType]


def test_code_is_known_by_its_name_whatever_the_card_says(tmp_path: Path) -> None:
    lying = dataclasses.replace(CARD, name="evil.py:make", code=False)
    save_weights(tmp_path / "a", network(), lying)
    assert read_card(tmp_path / "a").code


def changed(architecture: str) -> nn.Module:
    first = {"wider": nn.Conv2d(1, 3, 3), "kernel": nn.Conv2d(1, 2, (3, 1))}
    layers = [first.get(architecture, nn.Conv2d(1, 2, 3)), nn.BatchNorm2d(2)]
    if architecture == "wider":
        layers[1] = nn.BatchNorm2d(3)
    layers += [nn.Flatten(), nn.Linear(48, 2)]
    if architecture == "longer":
        layers.append(nn.Linear(2, 2))
    return nn.Sequential(*(layers[:-1] if architecture == "shorter" else layers))


@pytest.mark.parametrize(
    ("architecture", "why"),
    [
        ("wider", r"0.weight has shape \(2, 1, 3, 3\), but the network needs \(3, 1, 3, 3\)"),
        ("kernel", r"0.weight has shape \(2, 1, 3, 3\), but the network needs \(2, 1, 3, 1\)"),
        ("longer", r"4.weight is missing"),
        ("shorter", r"it has 3.bias, which the network has not"),
    ],
)
def test_weights_of_another_architecture_are_refused_and_nothing_is_loaded(
    saved: Path, architecture: str, why: str
) -> None:
    other = changed(architecture)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(WeightsError, match=rf"model.safetensors is of another network: {why}"):
        load_weights(saved, other)
    for name, value in other.state_dict().items():
        assert torch.equal(value, before[name])


def header(contents: dict[str, object], length: int | None = None, data: bytes = b"") -> bytes:
    text = json.dumps(contents).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


PETABYTES = {"dtype": "F32", "shape": [2**50], "data_offsets": [0, 2**52]}
NO_SAFETENSORS = {
    "empty": b"",
    "short": b"\x10\x00",
    "garbage": b"\x00" * 64,
    "text": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    "header of exabytes": header({}, length=2**62),
    "tensor of petabytes": header({"0.weight": PETABYTES}, data=b"\x00" * 16),
    "shape and bytes differ": header(
        {"0.weight": {"dtype": "F32", "shape": [2**60], "data_offsets": [0, 4]}}, data=b"\x00" * 4
    ),
    "overlapping": header(
        {n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}, data=b"\x00" * 4
    ),
    "negative": header(
        {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, data=b"\x00" * 4
    ),
    "no JSON": struct.pack("<Q", 4) + b"{{{{",
}


@pytest.mark.parametrize("kind", NO_SAFETENSORS)
def test_what_is_no_safetensors_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(NO_SAFETENSORS[kind])
    for read in (read_card, lambda path: load_weights(path, network())):
        with pytest.raises(
            WeightsError, match=r"model.safetensors is no safetensors file"
        ) as found:
            read(path)
        assert "\n" not in str(found.value)


def test_every_truncation_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in range(0, len(whole), 41):
        saved.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match="is no safetensors file"):
            load_weights(saved, network())


@pytest.mark.parametrize(
    "make", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))]
)
def test_a_pickle_in_place_of_the_weights_is_never_executed(tmp_path: Path, make: object) -> None:
    path, trap = tmp_path / "model.safetensors", tmp_path / "trap"
    make(Evil(trap), path)  # pyright: ignore[reportCallIssue]
    with pytest.raises(WeightsError, match="is no safetensors file"):
        read_card(path)
    with pytest.raises(WeightsError, match="is no safetensors file"):
        load_weights(path, network())
    assert not trap.exists()


def test_a_folder_or_nothing_in_place_of_the_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="there is no weights file"):
        read_card(tmp_path / "none")
    with pytest.raises(WeightsError, match="is no safetensors file"):
        read_card(tmp_path)


def written(path: Path, metadata: dict[str, str]) -> Path:
    path.write_bytes(safetensors.numpy.save({"a": np.zeros(2, np.float32)}, metadata))
    return path


def test_weights_of_another_program_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a", {"format": "pt"})
    with pytest.raises(WeightsError, match="does not say what network it is of"):
        read_card(path)


GOOD = json.loads(CARD.to_json())


@pytest.mark.parametrize(
    ("card", "why"),
    [
        ("{", "Expecting"),
        ("[]", "list indices"),
        ('"a"', "string indices"),
        ("[" * 100_000, "recursion"),
        (json.dumps({**GOOD, "architecture": None}), "NoneType"),
        (json.dumps({**GOOD, "architecture": {"name": "a", "code": False}}), "no 'options'"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "classes"}), "no 'classes'"),
        (json.dumps({**GOOD, "classes": 3}), "not iterable"),
        (json.dumps({**GOOD, "preprocessing": {}}), "preprocessing is damaged"),
        (
            json.dumps({**GOOD, "preprocessing": {**GREY.to_json(), "height": 10**9}}),
            "preprocessing asks for",
        ),
    ],
)
def test_a_damaged_card_is_refused(tmp_path: Path, card: str, why: str) -> None:
    path = written(tmp_path / "a", {"striate": card})
    with pytest.raises(WeightsError, match=rf"the card in .* is damaged \(.*{why}"):
        read_card(path)


def test_weights_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        save_weights(tmp_path / "missing" / "a", network(), CARD)
