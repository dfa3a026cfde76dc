import sys
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from striate._errors import NetworkError
from striate.runs.code import build_from_code, find_file, names_code

OFFERED: dict[str, Any] = {"in_channels": 3, "classes": 5, "size": (7, 9), "options": {}}


def code(folder: Path, text: str, name: str = "nets.py") -> str:
    (folder / name).write_text(text)
    return f"{folder / name}:make"


@pytest.mark.parametrize(
    ("model", "yes"),
    [
        ("nets.py:make", True),
        ("a/b c/nets.py:make", True),
        (r"C:\nets.py:make", True),
        ("a:b.py:make", True),
        ("été.py:größe", True),
        ("nets.py", False),
        ("nets.py:", False),
        ("nets.py:two words", False),
        ("nets.py:1st", False),
        ("nets.txt:make", False),
        ("resnet18", False),
        ("", False),
        (":make", False),
    ],
)
def test_what_names_code(model: str, yes: bool) -> None:
    assert names_code(model) is yes


def test_the_function_gets_what_it_names(tmp_path: Path) -> None:
    model = code(
        tmp_path,
        "from torch import nn\n"
        "def make(classes, size, width=1):\n"
        "    net = nn.Linear(classes, width)\n    net.size = size\n    return net\n",
    )
    network = build_from_code(model, **{**OFFERED, "options": {"width": 4}})
    assert isinstance(network, nn.Linear)
    assert (network.in_features, network.out_features, network.size) == (5, 4, (7, 9))


def test_a_function_of_anything_gets_everything(tmp_path: Path) -> None:
    model = code(
        tmp_path,
        "from torch import nn\n"
        "def make(**given):\n    net = nn.Identity()\n    net.given = given\n    return net\n",
    )
    network = build_from_code(model, **{**OFFERED, "options": {"a": 1}})
    assert network.given == {"in_channels": 3, "classes": 5, "size": (7, 9), "a": 1}


def test_a_class_is_a_function_too(tmp_path: Path) -> None:
    text = (
        "from dataclasses import dataclass\nfrom torch import nn\n"
        "@dataclass\nclass Config:\n    width: 'int' = 3\n"  # dataclasses look their module up
        "class make(nn.Linear):\n"
        "    def __init__(self, in_channels): super().__init__(in_channels, Config().width)\n"
    )
    network = build_from_code(code(tmp_path, text), **OFFERED)
    assert type(network).__name__ == "make"
    assert type(network).__module__ in sys.modules


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    made = []
    for width in (2, 3):
        (tmp_path / str(width)).mkdir()
        text = f"from torch import nn\ndef make(): return nn.Linear(1, {width})\n"
        made.append(build_from_code(code(tmp_path / str(width), text), **OFFERED))
    assert [network.out_features for network in made] == [2, 3]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    for width in (2, 33):
        text = f"from torch import nn\ndef make(): return nn.Linear(1, {width})\n"
        network = build_from_code(code(tmp_path, text), **OFFERED)
        assert network.out_features == width


BROKEN = {
    "syntax": ("def make(:\n", r"nets.py cannot be imported: SyntaxError: .*\(line 1\)"),
    "import": (
        "import torch\nimport no_such_module\n",
        r"cannot be imported: ModuleNotFoundError: No module named 'no_such_module' \(line 2\)",
    ),
    "raises": (
        "\n\n1 / 0\n",
        r"cannot be imported: ZeroDivisionError: division by zero \(line 3\)",
    ),
    "exits": ("raise SystemExit(0)\n", r"cannot be imported: SystemExit: 0 \(line 1\)"),
    "exits quietly": ("import sys\nsys.exit()\n", r"cannot be imported: SystemExit: .*\(line 2\)"),
    "no function": ("def mark(): ...\n", r"nets.py has no function 'make'; did you mean mark\?"),
    "nothing": ("", r"nets.py has no function 'make'$"),
    "no callable": ("make = 3\n", r"nets.py has no function 'make'$"),
    "returns none": ("def make(): ...\n", "returns NoneType, but must return a torch.nn.Module"),
    "returns a class": (
        "from torch import nn\ndef make(): return nn.Linear\n",
        "returns type, but must return a torch.nn.Module",
    ),
    "fails": (
        "def helper(): raise KeyError('width')\ndef make():\n    return helper()\n",
        r"nets.py:make failed: KeyError: 'width' \(line 1\)",
    ),
    "fails in torch": (
        "from torch import nn\ndef make():\n    return nn.Conv2d(3, 3, 'x', groups=2)\n",
        r"nets.py:make failed: \w+: .*\(line 3\)",
    ),
    "exits when called": ("def make(): raise SystemExit(0)\n", "make failed: SystemExit: 0"),
    "many lines": (
        "def make(): raise ValueError('one\\ntwo\\nthree')\n",
        r"failed: ValueError: one \(line 1\)$",
    ),
    "controls": (
        "def make(): raise ValueError('\\x1b[2J')\n",
        r"ValueError: \\x1b\[2J \(line 1\)$",
    ),
    "asks for more": ("def make(depth): ...\n", r"failed: TypeError: .*missing.*'depth'"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_wrong_with_the_code_is_one_line(tmp_path: Path, kind: str) -> None:
    text, why = BROKEN[kind]
    before = set(sys.modules)
    with pytest.raises(NetworkError, match=why) as found:
        build_from_code(code(tmp_path, text), **OFFERED)
    assert "\n" not in str(found.value)
    if "imported" in str(found.value):
        assert not {name for name in set(sys.modules) - before if "striate_code" in name}


def test_bytes_that_are_no_python(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_bytes(b"\x00\xff\xfe")
    with pytest.raises(NetworkError, match=r"nets.py cannot be imported: \w+Error"):
        build_from_code(f"{tmp_path / 'nets.py'}:make", **OFFERED)


def test_an_option_that_the_function_does_not_name(tmp_path: Path) -> None:
    model = code(tmp_path, "def make(classes, width): ...\n")
    with pytest.raises(
        NetworkError, match=r"'widht' is no field of the recipe, and .* takes classes, width$"
    ):
        build_from_code(model, **{**OFFERED, "options": {"widht": 3}})
    model = code(tmp_path, "def make(): ...\n")
    with pytest.raises(NetworkError, match=r"and the network's function takes nothing$"):
        build_from_code(model, **{**OFFERED, "options": {"widht": 3}})


@pytest.mark.parametrize(
    "file", ["none.py", "~no_such_user_here/a.py", "a" * 5000 + ".py", "a\0b.py", "folder.py"]
)
def test_no_such_file(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.py").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetworkError, match="there is no file"):
        find_file(f"{file}:make")


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "nets.py").touch()
    assert find_file("~/nets.py:make") == tmp_path / "nets.py"
