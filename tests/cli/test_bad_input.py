"""Every line of what must be refused: exit code 2, one or two lines, no traceback, nothing lost."""

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.jobs.sample import state

# Data.


def test_a_folder_without_images(cli: Cli, tmp_path: Path) -> None:
    assert cli("train", tmp_path).refused("holds no images; put them in one folder a class")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("meow")
    assert cli("train", tmp_path).refused("holds no images")
    assert cli("find-rate", tmp_path).refused("holds no images")


def test_one_class_only(cli: Cli, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos / "disc", tmp_path / "one" / "disc")
    assert cli("train", tmp_path / "one").refused("one class only, disc; a classifier needs two")
    shutil.copy(photos / "disc" / "00.png", tmp_path / "a.png")
    shutil.rmtree(tmp_path / "one")
    assert cli("train", tmp_path).refused("but no class folders; put the images of each class")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("fashion-mnsit", "nearest: fashion-mnist"),
        ("minst", "nearest: mnist"),
        ("photos-of-cats", "known: fashion-mini, fashion-mnist, mnist"),
        ("", "an argument is empty; is a variable of the shell not set?"),
        ("a" * 5000, "File name too long"),
    ],
)
def test_unknown_data(
    cli: Cli, name: str, near: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("train", name).refused(near)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_a_folder(cli: Cli, photos: Path, tmp_path: Path) -> None:
    file = photos / "disc" / "00.png"
    assert cli("train", file).refused(f"{file} is a file; a folder with one sub-folder a class")
    assert cli("train", "--resume", file).refused("is a file; --resume takes the folder of a run")
    assert cli("predict", file, file).refused("is no run folder of striate")
    assert cli("report", file).refused("is a file; a run is a folder")
    (tmp_path / "a").touch()
    assert cli("train", photos, "--out", tmp_path / "a").refused("is a file; a run needs a folder")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--size", "3"], "size is 3; it must be 8 to 2048 pixels"),
        (["--classes", "disc,disk"], "no class 'disk'; nearest: disc"),
        (["--classes", "disc"], "asks for 1 class, but a classifier needs 2 or more"),
        (["--classes", ","], "asks for 0 classes, but a classifier needs 2 or more"),
        (["--per-class", "0"], "per_class is 0; it must be 1 or more"),
    ],
)
def test_a_part_of_the_data_that_is_none(
    cli: Cli, photos: Path, words: list[str], why: str
) -> None:
    assert cli("train", photos, *words).refused(why)


# Fields and values.


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--set", "epohcs=3"], "'epohcs'"),
        (["--set", "epochs=0"], "epochs is 0, but must lie in 1 to 100000"),
        (["--set", "learning_rate=nan"], "learning_rate is nan, but must lie in"),
        (
            ["--set", "optimizer=adam"],
            "optimizer is 'adam', but must be one of sgd, adamw, rmsprop",
        ),
        (["--set", "flip=maybe"], "flip is 'maybe', but must be true or false"),
        (["--set", "fill=black"], "fill is 'black'"),
        (["--set", "shift=999"], "shift is 999"),
        (["--set", "epochs"], "'epochs' has no '='; write field=value"),
        (["--set", "seed=1", "--set", "seed=2"], "seed is set twice"),
        (["--set", "model=lenet5"], "--set takes fields of the recipe, not model; it is an option"),
        (["--set", "stop=1"], "--set takes fields of the recipe, not stop"),
        (["--epochs", "1", "--minutes", "1"], "epochs and minutes are both given; give one"),
        (["--minutes", "0"], "minutes is 0.0, but must lie in"),
        (["--seed", "-1"], "seed is -1, but must lie in"),
        (["--device", "gpu"], "device is 'gpu', which is not there; there is auto, cpu"),
        (["--code", "nets.py:make"], "--code goes with --resume; name the network to train with"),
    ],
)
def test_fields_and_values(cli: Cli, photos: Path, tiny: str, words: list[str], why: str) -> None:
    assert cli("train", photos, "--model", tiny, *words).refused(why)


def test_options_of_a_network_of_the_zoo(cli: Cli, photos: Path) -> None:
    def train(model: str, setting: str):
        return cli("train", photos, "--model", model, "--set", setting)

    assert train("lenet5", "norm=batch").refused(
        "no setting 'norm' for lenet5", "it has no options"
    )
    assert train("small_resnet", "dropot=0.1").refused("did you mean dropout?")
    assert train("small_resnet", "norm=bach").refused("norm is 'bach'; it must be one of batch")
    assert cli("train", photos, "--set", "epohcs=3").refused("did you mean epochs?")


def test_arguments_beside_resume(cli: Cli, run: Path, photos: Path) -> None:
    before = state(run)
    others = ["--epochs=3", "--set=epochs=3", "--force", "--seed=0", "--out=x", "--per-class=3",
              "--split-seed=1"]  # fmt: skip
    for words in (*others, str(photos)):
        assert cli("train", "--resume", run, words).refused("--resume repeats the run as it was")
    assert state(run) == before


# Places.


@pytest.mark.parametrize("out", ["file/run", "a" * 300, "/proc/none/run"])
def test_a_place_that_takes_no_folder(
    cli: Cli, photos: Path, tiny: str, out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    done = cli("train", photos, "--model", tiny, "--set", "precision=float32", "--out", out)
    assert done.refused("cannot ")


def test_a_name_full_of_controls_does_not_reach_the_terminal(
    cli: Cli, photos: Path, tmp_path: Path
) -> None:
    name = "\x1b]0;owned\x07\x1b[2J\r\n"
    for done in (
        cli("train", tmp_path / name), cli("train", photos, "--model", name),
        cli("train", photos, "--model", f"{name}.py:make"), cli("train", "--resume", name),
        cli("predict", name, photos), cli("report", name), cli("train", "--recipe", name),
        cli("train", photos, "--classes", f"disc,{name}"), cli("train", photos, "--device", name),
        cli("train", photos, "--model", "lenet5", "--set", f"{name}=3"), cli(name),
        cli("train", photos, "--set", f"optimizer={name}"), cli("train", f"--{name}"),
    ):  # fmt: skip
        assert done.code == 2
        assert "\x1b" not in done.err + done.out
        assert "\x07" not in done.err
        assert "Traceback" not in done.err
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - names only
