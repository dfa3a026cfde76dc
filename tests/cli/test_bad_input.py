"""Every line of what must be refused: exit code 2, one or two lines, no traceback, nothing lost."""

import os
import pickle
import shutil
import struct
from pathlib import Path

import pytest
import safetensors.numpy
import torch

from striate.runs import Run
from tests.cli.conftest import Cli
from tests.jobs.sample import digests, state
from tests.runs.test_run import Evil

NET = "import torch\nfrom torch import nn\n"
FLAT = "nn.Sequential(nn.Flatten(), nn.Linear(432, {}))"


def class_of(body: str) -> str:
    """Return code of a network of one linear layer with this body of `forward`."""
    return (
        NET + "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.inner = nn.Linear(432, 3)\n        self.calls = 0\n"
        f"    def forward(self, images):\n        {body}\n"
        "        return self.inner(images.flatten(1))\n"
        "def make(): return M()\n"
    )


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
        ("", "no data set and no folder"),
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
        (["--classes", ""], "a classifier needs 2 or more"),
        (["--per-class", "0"], "per_class is 0; it must be 1 or more"),
    ],
)
def test_a_part_of_the_data_that_is_none(
    cli: Cli, photos: Path, words: list[str], why: str
) -> None:
    assert cli("train", photos, *words).refused(why)


# Networks.


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("resnet19", "no network 'resnet19'; nearest: resnet18, resnet34"),
        ("LeNet-5", "nearest: lenet5"),
        ("xyzzy", "there are cats_and_dogs, large_net"),
        ("", "no network ''"),
        ("none.py:make", "there is no file none.py"),
        ("nets.py", "nets.py"),
        ("cats_and_dogs", "too small for cats_and_dogs; 46 x 46 is the least that works"),
    ],
)
def test_unknown_networks(cli: Cli, photos: Path, name: str, why: str) -> None:
    assert cli("train", photos, "--model", name).refused(why)


CODE = {
    "import": ("import nothing_of_this_name\n", "cannot be imported: ModuleNotFoundError"),
    "syntax": ("def make(:\n", "cannot be imported: SyntaxError: invalid syntax (line 1)"),
    "exit": ("raise SystemExit(0)\n", "cannot be imported: SystemExit: 0 (line 1)"),
    "exit when called": ("def make(): raise SystemExit(0)\n", "failed: SystemExit: 0 (line 1)"),
    "no function": ("def mark(): ...\n", "has no function 'make'; did you mean mark?"),
    "no module": ("def make(): return 3\n", "returns int, but must return a torch.nn.Module"),
    "classes": (
        NET + f"def make(): return {FLAT.format(7)}\n",
        "outputs have shape (2, 7), but 3 classes need (n, 3)",
    ),
    "binary": (
        NET + f"def make(): return {FLAT.format(1)}\n",
        "outputs have shape (2, 1), but 3 classes need (n, 3)",
    ),
    "map": (NET + "def make(): return nn.Conv2d(3, 3, 1)\n", "have shape (2, 3, 12, 12), but 3 cl"),
    "tuple": (
        class_of("return self.inner(images.flatten(1)), 1"),
        "the network returns tuple, but",
    ),
    "size": (
        NET + "def make(): return nn.Sequential(nn.Flatten(), nn.Linear(9, 3))\n",
        "cannot take images of shape (3, 12, 12): mat1 and mat2 shapes cannot be multiplied",
    ),
    "key": (class_of("return {}['a']"), "(3, 12, 12): KeyError: 'a' (nets.py, line 9)"),
    "assert": (class_of("assert False"), "(3, 12, 12): AssertionError (nets.py, line 9)"),
    "nan": (class_of("images = images * float('nan')"), "the untrained network's loss is nan"),
    "only while evaluating": (
        class_of("assert not self.training"),
        "the network failed at epoch 1, step 1: AssertionError (nets.py, line 9)",
    ),
    "later": (
        class_of("self.calls += self.training; assert self.calls < 3"),
        "the network failed at epoch 1, step 3: AssertionError (nets.py, line 9)",
    ),
    "nothing to train": (
        NET + f"def make(): return {FLAT.format(3)}.requires_grad_(False)\n",
        "no trainable parameters",
    ),
    "double": (NET + f"def make(): return {FLAT.format(3)}.double()\n", "must have the same dtype"),
    "loss": (
        NET + "class M(nn.Sequential):\n    def loss(self, outputs, labels): return outputs\n"
        "def make(): return M(nn.Flatten(), nn.Linear(432, 3))\n",
        "loss(outputs, labels) returns (2, 3), not one number",
    ),
    "loss of one": (
        NET + "class M(nn.Sequential):\n    def loss(self, outputs): return outputs\n"
        "def make(): return M(nn.Flatten(), nn.Linear(432, 3))\n",
        "the network's loss(outputs, labels) failed: TypeError: M.loss() takes 2 positional",
    ),
    "scores": (
        NET + "class M(nn.Sequential):\n    def scores(self, outputs): return 1 / 0\n"
        "def make(): return M(nn.Flatten(), nn.Linear(432, 3))\n",
        "the network's scores(outputs) failed: ZeroDivisionError: division by zero (nets.py, line",
    ),
}


@pytest.mark.parametrize("kind", CODE)
def test_code_of_the_users(cli: Cli, photos: Path, tmp_path: Path, kind: str) -> None:
    text, why = CODE[kind]
    (tmp_path / "nets.py").write_text(text)
    done = cli(
        "train", photos, "--model", f"{tmp_path / 'nets.py'}:make", "--out", tmp_path / "run",
        "--set", "precision=float32", "--epochs", "1", "--set", "batch_size=8",
    )  # fmt: skip
    assert done.refused(why)


def test_batches_of_one_image_that_a_norm_cannot_take(
    cli: Cli, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "nets.py").write_text(
        NET + "def make(): return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), "
        "nn.Flatten(), nn.Linear(3, 3))\n"
    )
    done = cli("train", photos, "--model", f"{tmp_path / 'nets.py'}:make", "--out", tmp_path / "a",
               "--set", "batch_size=1", "--set", "precision=float32")  # fmt: skip
    assert done.refused("step 1: ValueError: Expected more than 1 value per channel when training")


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
    others = ["--epochs=3", "--set=epochs=3", "--force", "--seed=0", "--out=x", "--per-class=3"]
    for words in (*others, str(photos)):
        assert cli("train", "--resume", run, words).refused("--resume repeats the run as it was")
    assert state(run) == before


# Run folders.


def test_a_run_folder_that_exists(cli: Cli, run: Path, photos: Path, fast: list[str]) -> None:
    (run / "notes.txt").write_text("mine")
    before = state(run)
    assert cli("train", photos, *fast).refused("is a run already; choose another folder with --out")
    assert state(run) == before
    assert cli("train", photos, *fast, "--force").code == 0
    assert (run / "notes.txt").read_text() == "mine"
    assert digests(run)["model.safetensors"] != before["model.safetensors"]


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
