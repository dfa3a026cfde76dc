"""Networks that must be refused: unknown names, code of the user's that is wrong in any way."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

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


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("resnet19", "no network 'resnet19'; nearest: resnet18, resnet34"),
        ("LeNet-5", "nearest: lenet5"),
        ("xyzzy", "there are cats_and_dogs, large_net"),
        ("", "the argument after --model is empty; is a variable of the shell not set?"),
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
