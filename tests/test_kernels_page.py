"""Every example of docs/kernels.md runs, and what it says of the list is so."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from striate.cli import run
from striate.ops.notation import parse_filters
from striate.report.responses import look_of
from tests.data.files import noise, save

PAGE = Path(__file__).parents[1] / "docs" / "kernels.md"
COMMANDS = [
    shlex.split(line)[1:]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("    striate ")
]


@pytest.fixture(autouse=True)
def _photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "photo.jpg", noise(1, 40, 60))
    for number in range(3):
        save(tmp_path / "photos" / f"{number}.png", noise(number, 40, 30))
    monkeypatch.chdir(tmp_path)


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 10


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    if "--out" in words:
        place = words[words.index("--out") + 1]
        assert all(Path(line).is_file() for line in out.splitlines())
        assert out.startswith(place)


def test_the_photo_is_the_one_the_page_tells_of() -> None:
    with Image.open("photo.jpg") as photo:
        width, height = photo.size
    said = " ".join(PAGE.read_text("utf-8").split())
    assert f"photo.jpg of these examples is {width} pixels wide and {height} high" in said


@pytest.mark.parametrize("look", ["magnitude", "photo"])
def test_looks(look: str) -> None:
    (line,) = (x for x in PAGE.read_text("utf-8").splitlines() if f"| `{look}` |" in x)
    names = re.findall("`([^`]+)`", line.split("|")[1])
    assert names
    for name in names:
        found = parse_filters(name)
        assert [look_of(entry.weights.numpy()) for entry in found] == [look], name
        assert look != "photo" or (found[0].weights < 0).any(), name


def test_python() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert tried > 15
    assert failed == 0
