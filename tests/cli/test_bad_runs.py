"""Run folders, recipes and weights that must be refused, and nothing in them lost."""

import pickle
import shutil
import struct
from pathlib import Path

import safetensors.numpy
import torch

from striate.runs import Run
from tests.cli.conftest import Cli
from tests.jobs.sample import digests, state
from tests.runs.test_checkpoint import Evil

NET = "import torch\nfrom torch import nn\n"
FLAT = "nn.Sequential(nn.Flatten(), nn.Linear(432, {}))"


def test_a_run_folder_that_exists(cli: Cli, run: Path, photos: Path, fast: list[str]) -> None:
    (run / "notes.txt").write_text("mine")
    before, old = state(run), digests(run)
    assert cli("train", photos, *fast).refused("is a run already; choose another folder with --out")
    assert state(run) == before
    assert cli("train", photos, *fast, "--force").code == 0
    assert (run / "notes.txt").read_text() == "mine"
    assert digests(run)["model.safetensors"] != old["model.safetensors"]


def test_force_on_what_is_no_run(cli: Cli, photos: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "metrics.json").write_text("mine")
    before = state(home)
    for words in ([], ["--force"]):
        done = cli("train", photos, "--out", home, *words)
        assert done.refused("exists and is no run (it holds metrics.json); choose another folder")
    assert cli("train", photos, "--out", photos, "--force").refused("exists and is no run")
    assert state(home) == before


def test_a_run_of_another_version(cli: Cli, run: Path, tiny: str) -> None:
    recipe = run / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("format = 1", "format = 2"))
    (run / "report.html").unlink()
    why = "recipe.toml has format 2, but this version reads 1; read it with the version of striate"
    assert cli("train", "--resume", run, "--code", tiny).refused(why)
    assert cli("train", "--recipe", recipe, "--model", tiny).refused(why)
    assert cli("report", run).refused(why)


def test_recipes_that_are_none(cli: Cli, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[data]\nsource = 3\n")
    assert cli("train", "--recipe", tmp_path / "a.toml").refused("a.toml has format None")
    assert cli("train", "--recipe", tmp_path / "b.toml").refused("there is no recipe")
    assert cli("train", "--recipe", photos).refused("there is no recipe")
    (tmp_path / "a.toml").write_text(
        '[striate]\nformat = 1\n[data]\nsource = "mnist"\nsise = 3\n'
        '[network]\nname = "lenet5"\n[network.options]\n[recipe]\n'
    )
    assert cli("train", "--recipe", tmp_path / "a.toml").refused("does not fit", "sise")


def test_a_recipe_that_names_code_does_not_get_it_run(
    cli: Cli, finished: Path, tmp_path: Path
) -> None:
    assert cli("train", "--recipe", finished).refused("names code", "name it again with --model")
    trap, code = tmp_path / "trap", tmp_path / "evil.py"
    code.write_text(f"open({str(trap)!r}, 'w')\ndef make(): ...\n")
    (tmp_path / "a.toml").write_text(
        '[striate]\nformat = 1\n[data]\nsource = "fashion-mini"\n'
        f'[network]\nname = "{code}:make"\ncode = false\n[network.options]\n[recipe]\n'
    )
    assert cli("train", "--recipe", tmp_path / "a.toml").refused("names code")
    assert not trap.exists()


def test_damaged_runs(cli: Cli, halves, tiny: str, tmp_path: Path) -> None:
    for name in ("recipe.toml", "data.json", "environment.json", "checkpoint.pt"):
        run = Path(shutil.copytree(halves(2), tmp_path / name.partition(".")[0]))
        (run / name).write_bytes((run / name).read_bytes()[:90] + b"\xff\x00")
        done = cli("train", "--resume", run, "--code", tiny)
        assert done.refused(f"{name} is damaged (")
    run = Path(shutil.copytree(halves(2), tmp_path / "metrics"))
    (run / "metrics.json").write_bytes(b"\xff")
    assert cli("report", run).refused("metrics.json is damaged (", "delete it")


def test_code_that_a_run_needs(cli: Cli, run: Path, halves, photos: Path, tmp_path: Path) -> None:
    half = Path(shutil.copytree(halves(2), tmp_path / "half"))
    for words in (["predict", run, photos], ["train", "--resume", half]):
        assert cli(*words).refused(
            "needs code", "which is not run unasked; if you trust it: --code"
        )
        assert cli(*words, "--code", "nets.py").refused(
            "code is 'nets.py', but must be file.py:fun"
        )
        assert cli(*words, "--code", "none.py:make").refused("there is no file none.py")
    (tmp_path / "wide.py").write_text(NET + f"def make(): return {FLAT.format(3)}\n")
    wide = f"{tmp_path / 'wide.py'}:make"
    assert cli("predict", run, photos, "--code", wide).refused("is of another network: 1.weight")
    assert cli("train", "--resume", half, "--code", wide).refused("does not fit this run")


def test_changed_data(cli: Cli, halves, tiny: str, photos: Path, tmp_path: Path) -> None:
    half = Path(shutil.copytree(halves(2), tmp_path / "half"))
    others = Path(shutil.copytree(photos, tmp_path / "others"))
    recipe = half / "recipe.toml"
    recipe.write_text(recipe.read_text().replace(str(photos), str(others)))
    (others / "disc" / "00.png").unlink()
    before = digests(half)
    done = cli("train", "--resume", half, "--code", tiny)
    assert done.refused("the data has changed since", "restore the data, or start a new run")
    assert digests(half) == before
    shutil.rmtree(others)
    assert cli("train", "--resume", half, "--code", tiny).refused("no data set and no folder")


# Weights.


PETABYTES = b'{"a":{"dtype":"F32","shape":[1125899906842624],"data_offsets":[0,4503599627370496]}}'


def test_what_is_no_safetensors_in_place_of_the_weights(
    cli: Cli, run: Path, photos: Path, tiny: str, tmp_path: Path
) -> None:
    weights, trap = run / "model.safetensors", tmp_path / "trap"
    whole = weights.read_bytes()
    wrong = [b"", b"garbage" * 20, whole[:-1], struct.pack("<Q", 2**62) + b"{}",
             struct.pack("<Q", len(PETABYTES)) + PETABYTES, pickle.dumps(Evil(trap))]  # fmt: skip
    for raw in wrong:
        weights.write_bytes(raw)
        done = cli("predict", run, photos, "--code", tiny)
        assert done.refused("model.safetensors is no safetensors file (")
    torch.save({"weights": Evil(trap)}, weights)
    assert cli("predict", run, photos, "--code", tiny).refused("is no safetensors file (")
    weights.write_bytes(safetensors.numpy.save({}, {"format": "pt"}))
    assert cli("predict", run, photos, "--code", tiny).refused("does not say what network it is of")
    assert not trap.exists()


def test_a_pickle_in_place_of_the_checkpoint(cli: Cli, halves, tiny: str, tmp_path: Path) -> None:
    half, trap = Path(shutil.copytree(halves(2), tmp_path / "half")), tmp_path / "trap"
    torch.save({"format": Evil(trap)}, half / "checkpoint.pt")
    done = cli("train", "--resume", half, "--code", tiny)
    assert done.refused("checkpoint.pt is damaged (it holds more than tensors and numbers); delete")
    assert "weights_only" not in done.err  # torch's own text advises to switch the protection off
    (half / "checkpoint.pt").write_bytes(pickle.dumps(Evil(trap)))
    assert cli("train", "--resume", half, "--code", tiny).refused("it is no zip archive")
    assert not trap.exists()


def test_models_that_have_no_weights(cli: Cli, photos: Path, tiny: str, tmp_path: Path) -> None:
    assert cli("predict", "resnet18", photos).refused("resnet18 has no trained weights; name a run")
    assert cli("predict", tiny, photos).refused("nets.py:tiny has no trained weights")
    assert cli("predict", tmp_path / "none", photos).refused("there is no run folder")
    Run(tmp_path).write_recipe({})
    assert cli("predict", tmp_path, photos).refused("has no weights yet; finish it: striate train")


def test_paths_that_are_not_there(cli: Cli, finished: Path, tiny: str, tmp_path: Path) -> None:
    def predict(path: str):
        return cli("predict", finished, path, "--code", tiny)

    assert predict(str(tmp_path / "none.png")).refused("there is no file or folder")
    assert predict(str(tmp_path)).refused("holds no images")
    assert predict("a" * 5000).refused("there is no file or folder")
    assert cli("predict", finished, tmp_path, "--code", tiny, "--top", "0").refused("top is 0, but")
