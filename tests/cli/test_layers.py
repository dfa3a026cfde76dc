"""`striate layers`: networks as a user names them, files, and mistakes in one or two lines."""

import json
import os
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from striate import jobs
from striate._errors import NetworkError, RunError, ShapeError
from striate.anatomy import LayerTable
from striate.cli import run

CODE = """
import torch
from torch import nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self, in_channels=3):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, in_channels, 3, 3))
        self.shared = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.weight))
        return self.shared(self.shared(x))

def net(in_channels):
    return Net(in_channels)

class Picky(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        x = self.conv(x)
        return x.reshape(2, 7)

def picky():
    return Picky()

class Two(nn.Module):
    def forward(self, x, y):
        return x @ y

def two():
    return Two()

def one_d():
    return nn.Conv1d(2, 4, 5)

def one_d_of(in_channels):
    return nn.Conv1d(in_channels, 4, 5)
"""


@pytest.fixture
def code(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(CODE)
    return str(tmp_path / "nets.py")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["layers", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_a_network_of_the_zoo(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "lenet5").splitlines()
    words = "stages.0.conv convolution 1 x 6 x 28 x 28 156 0.3 117,600 28"
    assert " ".join(lines[2].split())[:60] == words
    (total,) = [line for line in lines if line.startswith("total")]
    assert total.split()[1:3] == ["61,706", "416,520"]
    assert lines[-1].startswith("input 1 x 1 x 28 x 28 of float32; one row a call")


def test_size_batch_and_dtype(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "resnet18", "--size", "1x32x64", "--batch", "3", "--dtype", "bfloat16")
    assert "input 3 x 1 x 32 x 64 of bfloat16" in out
    assert "stem.block.conv           convolution  3 x 64 x 16 x 32" in out


def test_code_of_the_users(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, f"{code}:net", "--size", "1x8x8")
    assert "conv2d" in out
    assert "(shared)" in out
    assert f"{36 + 148:,}" in out  # the weight of the function, the shared layer once


def test_several_inputs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, f"{code}:two", "--size", "2x3", "--size", "3x4")
    assert "matmul" in out
    assert "input 1 x 2 x 3 and 1 x 3 x 4 of float32" in out


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {kind: tmp_path / f"t.{kind}" for kind in ("csv", "json", "html")}
    words = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    assert said(capsys, "lenet5", *words).split() == [str(file) for file in files.values()]
    table = LayerTable.from_json(json.loads(files["json"].read_text()))
    assert table == jobs.layers("lenet5")
    assert files["csv"].read_text() == table.to_csv()
    assert "stages.0.conv" in files["html"].read_text()


def test_a_run(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = json.loads((finished / "layers.json").read_text())
    name = tomllib.loads((finished / "recipe.toml").read_text())["network"]["name"]
    assert run(["layers", str(finished)]) == 2
    assert f"if you trust it: --code {name}" in capsys.readouterr().err
    out = said(capsys, str(finished), "--code", name)  # the remedy
    assert f"{written['totals']['parameters']:,}" in out
    table = jobs.layers(finished, code=name)
    assert table.to_json()["totals"] == written["totals"]
    assert list(table.inputs[0]) == written["inputs"][0]


def test_csv_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "lenet5", "--csv", "-").splitlines()[0].startswith("name,kind,output_shape")


def test_sorted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "lenet5", "--sort", "multiply-adds").splitlines()
    assert lines[2].startswith("stages.1.conv")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lenet6"], "no network 'lenet6'; nearest: lenet5"),
        (["lenet5", "--size", "4"], "too small for lenet5; 12 x 12 is the least"),
        (["lenet5", "--size", "0x4x4"], "--size is 0x4x4; it must be at least 1"),
        (["lenet5", "--size", "big"], "--size is 'big'; it must be whole numbers"),
        (["lenet5", "--dtype", "flot32"], "dtype is 'flot32'; did you mean float32?"),
        (["lenet5", "--sort", "size"], "cannot be sorted by 'size'; take name, kind"),
        (["lenet5", "--code", "x.py:y"], "--code goes with a run folder"),
        (["lenet5", "--csv", "-", "--json", "-"], "only one of --csv, --json and --html can be -"),
        (["nets.py"], "name a function: nets.py:net"),
        (["nowhere/run"], "there is no"),
        (["lenet5", "--json", "nowhere/t.json"], "nowhere"),
    ],
)
def test_mistakes(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(["layers", *words]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert "Traceback" not in out + err
    assert len(err.splitlines()) <= 2


def test_the_row_where_a_forward_fails_is_named(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["layers", f"{code}:picky", "--size", "3x8x8"]) == 2
    err = capsys.readouterr().err
    assert "the network fails in 'reshape' after 'conv' on inputs of shape (1, 3, 8, 8)" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_it_fits_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((width, 40)))
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _self: True, raising=False)
    lines = said(capsys, "resnet18").splitlines()
    assert max(len(line) for line in lines) <= width
    assert lines[0].startswith("name")


def test_the_job_says_what_it_refuses() -> None:
    with pytest.raises(NetworkError, match="no network 'lenet'"):
        jobs.layers("lenet")
    with pytest.raises(ShapeError, match="must be one of float32, float64"):
        jobs.layers("lenet5", dtype="int8")
    with pytest.raises(RunError, match="there is no"):
        jobs.layers("no/such/run")
    assert jobs.layers("lenet5", size=[(1, 32, 32)]).inputs == ((1, 1, 32, 32),)
    assert jobs.layers("lenet5", size=(40, 36), batch=2).inputs == ((2, 1, 40, 36),)


@pytest.mark.parametrize("name", ["one_d", "one_d_of"])
def test_channels_and_length_of_a_1d_network(
    name: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "input 1 x 2 x 100 of float32" in said(capsys, f"{code}:{name}", "--size", "2x100")
    assert "x 50 of float32" in said(capsys, f"{code}:{name}", "--size", "50")
