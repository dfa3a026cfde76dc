"""The one door to all data: names, paths, and options out of range."""

import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from striate import data
from striate._errors import DataError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 2}, r"channels is 2; it must be 1 \(grey\) or 3 \(RGB\)"),
        ({"size": 20}, "size is 20, but the images of fashion-mini are 28 x 28"),
        ({"validation": 1.5}, "validation is 1.5; it must be above 0 and below 1"),
        ({"per_class": 0}, "per_class is 0"),
        ({"classes": ["Bag", "Hat"]}, "no class 'Hat'"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        data.load("fashion-mini", **options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fashion-mnits", "no data set and no folder 'fashion-mnits'; nearest: fashion-mnist"),
        ("MNIST", "no data set and no folder 'MNIST'; nearest: mnist"),
        ("flowers", "no folder 'flowers'; known: fashion-mini, fashion-mnist, mnist, or the path"),
        ("", "the name of the data is empty; name a set \\(fashion-mini, .* or a folder of images"),
        ("x" * 300, "cannot look at x+: File name too long"),
        ("a\nb", r"no data set and no folder 'a\\x0ab'"),
    ],
)
def test_unknown_names(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        data.load(name)
    assert "\n" not in str(caught.value)


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(DataError, match=r"a\.jpg is a file; a folder with one sub-folder a class"):
        data.load(tmp_path / "a.jpg")


def test_a_path_is_never_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no data set and no folder 'mnist'"):
        data.load(Path("mnist"))


def test_the_list_of_sets_does_not_wait_for_torch() -> None:
    script = (
        "import sys, striate.cli; assert striate.cli.run(['data']) == 0; "
        "assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "fashion-mini" in done.stdout


def test_no_public_name_is_that_of_a_module() -> None:
    """Importing the module would put it in the name's place."""
    modules = {module.name for module in pkgutil.iter_modules(data.__path__)}
    assert not modules & set(data.__all__)
    with pytest.raises(AttributeError, match=r"module 'striate.data' has no attribute 'loda'"):
        _ = data.loda  # pyright: ignore[reportAttributeAccessIssue]
    assert set(dir(data)) == set(data.__all__)
