import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from striate.runs import Run
from tests.cli.conftest import Cli
from tests.jobs.sample import (
    FAST,
    after,
    assert_same,
    fit,
    state,
    undecodable,
    write_nets,
    write_photos,
)


def test_training_prints_what_was_reached_and_where_the_report_is(
    cli: Cli, photos: Path, fast: list[str], tmp_path: Path
) -> None:
    done = cli("train", photos, *fast)
    assert done.code == 0
    metrics = Run(tmp_path / "run").metrics
    validation, test, training, run, report = done.out.splitlines()
    assert test.startswith(f"test       accuracy {metrics['test']['accuracy']:.2%}  loss ")
    assert test.endswith("(6 images)")
    assert validation.startswith(
        f"validation accuracy {metrics['validation']['accuracy']:.2%}  loss "
    )
    assert " s on cpu, " in training
    assert run == f"run        {tmp_path / 'run'}"
    assert report == f"report     {tmp_path / 'run' / 'report.html'}"
    begun, epoch = done.err.splitlines()
    assert begun.startswith(f"run {tmp_path / 'run'}: ")
    assert begun.endswith(" on photos")
    assert epoch.startswith("epoch 1/1  loss ")


def test_json_is_one_object_and_nothing_else(
    cli: Cli, photos: Path, fast: list[str], tmp_path: Path
) -> None:
    done = cli("train", photos, "--json", *fast)
    assert done.code == 0
    told, run = json.loads(done.out), Run(tmp_path / "run")
    assert told == {
        "run": str(run.folder),
        "report": str(run.report),
        "finished": True,
        "validation": run.metrics["validation"],
        "test": run.metrics["test"],
    }


def test_what_is_said_goes_into_the_recipe(
    cli: Cli, photos: Path, fast: list[str], tmp_path: Path
) -> None:
    done = cli(
        "train", photos, "--seed", "7", "--size", "8", "--classes", "disc,cross", "--per-class",
        "9", "--set", "drop=0.5", "--set", "flip=no", "--device", "cpu", *fast,
    )  # fmt: skip
    assert done.code == 0
    recipe = (tmp_path / "run" / "recipe.toml").read_text()
    for line in ("seed = 7", "size = 8", "per_class = 9", "drop = 0.5", "flip = false"):
        assert f"\n{line}\n" in recipe
    assert Run(tmp_path / "run").read_json("data.json")["classes"] == ["disc", "cross"]


def test_each_seed_is_of_what_its_help_says(
    cli: Cli, photos: Path, fast: list[str], tmp_path: Path
) -> None:
    def trained(name: str, *words: str) -> tuple[str, bytes, dict[str, Any]]:
        done = cli("train", photos, *fast, "--out", tmp_path / name, *words)
        assert done.code == 0
        run = Run(tmp_path / name)
        weights = (run.folder / "model.safetensors").read_bytes()
        return run.read_json("data.json")["fingerprint"], weights, run.record.recipe

    images, weights, recipe = trained("a")
    assert (recipe["recipe"]["seed"], recipe["data"]["seed"]) == (0, 0)
    other, others, recipe = trained("b", "--seed", "5")
    assert (recipe["recipe"]["seed"], recipe["data"]["seed"]) == (5, 0)
    assert (other == images, others == weights) == (True, False)
    other, others, recipe = trained("c", "--split-seed", "5")
    assert (recipe["recipe"]["seed"], recipe["data"]["seed"]) == (0, 5)
    assert (other == images, others == weights) == (False, False)
    words = ["train", "--recipe", tmp_path / "c", *fast, "--out"]
    for name, added, same in (("d", [], other), ("e", ["--split-seed", "0"], images)):
        assert cli(*words, tmp_path / name, *added).code == 0
        assert Run(tmp_path / name).read_json("data.json")["fingerprint"] == same


def test_another_split_is_gone_on_with(tiny: str, photos: Path, tmp_path: Path, cli: Cli) -> None:
    whole = fit(photos, tiny, tmp_path / "whole", load={"seed": 3})
    part = fit(photos, tiny, tmp_path / "part", load={"seed": 3}, stop=after(5))
    assert not part.finished
    assert cli("train", "--resume", part.folder, "--code", tiny).code == 0
    assert_same(whole.folder, part.folder)


def test_a_recipe_repeats_its_run(cli: Cli, finished: Path, tiny: str, tmp_path: Path) -> None:
    """From the file, from a copy of it elsewhere, from the run's folder."""
    shutil.copy(finished / "recipe.toml", tmp_path / "mine.toml")
    for number, recipe in enumerate([finished, tmp_path / "mine.toml"]):
        out = tmp_path / str(number)
        done = cli("train", "--recipe", recipe, "--model", tiny, "--out", out)
        assert done.code == 0
        assert_same(finished, out)


def test_what_is_said_beside_a_recipe_goes_first(
    cli: Cli, finished: Path, photos: Path, tiny: str, tmp_path: Path
) -> None:
    other = shutil.copytree(photos, tmp_path / "others")
    done = cli(
        "train", other, "--recipe", finished, "--model", tiny, "--epochs", "1", "--seed", "3",
        "--set", "batch_size=4", "--size", "8", "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0
    recipe = (tmp_path / "run" / "recipe.toml").read_text()
    for line in (f'source = "{other}"', "epochs = 1", "batch_size = 4", "size = 8", "seed = 3"):
        assert f"\n{line}\n" in recipe
    assert f"\nlearning_rate = {FAST['learning_rate']}\n" in recipe  # the rest is the recipe's


def test_a_recipe_for_so_many_minutes_can_be_given_epochs_and_back(
    cli: Cli, finished: Path, tiny: str, tmp_path: Path
) -> None:
    done = cli("train", "--recipe", finished, "--model", tiny, "--minutes", "0.005", "--out",
               tmp_path / "a")  # fmt: skip
    assert done.code == 0
    assert "minutes = 0.005" in (tmp_path / "a" / "recipe.toml").read_text()
    done = cli("train", "--recipe", tmp_path / "a", "--model", tiny, "--epochs", "1", "--out",
               tmp_path / "b")  # fmt: skip
    assert done.code == 0
    assert "epochs = 1" in (tmp_path / "b" / "recipe.toml").read_text()


def test_minutes_end_on_the_clock(cli: Cli, photos: Path, fast: list[str], tmp_path: Path) -> None:
    options = [word for word in fast if word not in ("--epochs", "1")]
    done = cli("train", photos, "--minutes", "0.02", *options)
    assert done.code == 0
    environment = Run(tmp_path / "run").environment
    assert environment["finished"] is True
    assert 0.9 < environment["seconds"] < 60  # 1.2 s, but the machine may be busy
    assert "test       accuracy" in done.out


def test_the_embedded_images_are_the_default(cli: Cli, fast: list[str], tmp_path: Path) -> None:
    done = cli("train", "--per-class", "12", *fast)
    assert done.code == 0
    assert 'source = "fashion-mini"' in (tmp_path / "run" / "recipe.toml").read_text()


def test_resuming_needs_nothing_else(
    cli: Cli, finished: Path, halves, tiny: str, tmp_path: Path
) -> None:
    run = shutil.copytree(halves(4), tmp_path / "half")
    done = cli("train", "--resume", run, "--code", tiny)
    assert done.code == 0
    assert "test       accuracy" in done.out
    assert_same(finished, run)
    before = state(run)
    again = cli("train", "--resume", run, "--code", tiny, "--json")
    assert again.code == 0
    assert again.err == f"{run} is finished; nothing to do\n"
    assert json.loads(again.out)["finished"] is True
    assert state(run) == before


def test_a_network_of_the_zoo_is_resumed_without_code(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.jobs.test_interrupt import press_at

    out, words = tmp_path / "run", ["--set", "precision=float32", "--epochs", "1"]
    press_at(monkeypatch, step=2)
    done = cli("train", "--per-class", "9", "--model", "ten_digits", "--out", out, *words)
    assert done.code == 130
    assert f"go on with: striate train --resume {out}\n" in done.out
    monkeypatch.undo()
    assert cli("train", "--resume", out).code == 0
    assert Run(out).finished


@pytest.mark.usefixtures("real_report")
def test_names_that_are_not_utf_8_train_resume_and_repeat(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder, the classes, the code and the run."""
    from tests.jobs.test_interrupt import press_at

    home = tmp_path / undecodable("h")
    names = (undecodable("caf"), "größe '\"", "\x1b[31m")
    photos = write_photos(home / undecodable("p"), classes=names, each=9)
    code = write_nets(home)
    settings = [f"--set={name}={value}" for name, value in FAST.items()]
    words = ["--model", code, *settings, "--classes", ",".join(names)]
    whole, part, again = home / "whole", home / undecodable("part"), home / "again"
    assert cli("train", photos, *words, "--out", whole).code == 0
    press_at(monkeypatch, step=2)
    stopped = cli("train", photos, *words, "--out", part)
    monkeypatch.undo()
    assert stopped.code == 130
    assert "\x1b" not in stopped.out
    assert "--resume" in stopped.out
    assert cli("train", "--resume", part, "--code", code).code == 0
    assert cli("train", "--recipe", whole, "--model", code, "--out", again).code == 0
    assert_same(whole, part)
    assert_same(whole, again)
    (whole / "recipe.toml").read_text("utf-8")
    (whole / "data.json").read_text("ascii")
    (whole / "report.html").read_text("utf-8")
    told = cli("predict", part, photos / names[0] / "00.png", "--code", code, "--json")
    assert told.code == 0, told
    assert json.loads(told.out)["path"] == str(photos / names[0] / "00.png")
    assert {row["class"] for row in json.loads(told.out)["top"]} == set(names)
