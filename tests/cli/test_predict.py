import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def mixed(photos: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "mixed"
    folder.mkdir()
    good = (photos / "disc" / "00.png").read_bytes()
    for name in ("b.png", "d\n\x1b[31m: cat 100%.png"):
        (folder / name).write_bytes(good)
    (folder / "a.png").write_bytes(b"")
    (folder / "c.png").write_bytes(good[:60])
    return folder


def test_a_line_a_file(cli: Cli, finished: Path, photos: Path, tiny: str) -> None:
    file = photos / "disc" / "00.png"
    done = cli("predict", finished, file, "--code", tiny, "--top", "2")
    assert (done.code, done.err) == (0, "")
    path, answers = done.out.split(": ")
    assert path == str(file)
    first, second = (words.rsplit(" ", 1) for words in answers.strip().split("  "))
    assert first[0] in ("cross", "disc", "stripe")
    assert float(first[1].rstrip("%")) >= float(second[1].rstrip("%"))


def test_broken_files_are_named_and_the_others_answered(
    cli: Cli, finished: Path, mixed: Path, tiny: str
) -> None:
    done = cli("predict", finished, mixed, "--code", tiny)
    assert done.code == 2
    lines = done.out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"{mixed}/b.png", f"{mixed}/d\\x0a\\x1b[31m",
    ]  # fmt: skip
    assert done.err.splitlines() == [
        f"error: {mixed}/a.png: empty file",
        f"error: {mixed}/c.png: cut short (image file is truncated)",
    ]


def test_json_has_a_line_for_every_file(cli: Cli, finished: Path, mixed: Path, tiny: str) -> None:
    done = cli("predict", finished, mixed, "--code", tiny, "--json", "--top", "9")
    assert done.code == 2
    assert done.err == ""
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [Path(answer["path"]).name[0] for answer in answers] == ["a", "b", "c", "d"]
    assert [set(answer) for answer in answers] == [
        {"path", "error"}, {"path", "top"}, {"path", "error"}, {"path", "top"},
    ]  # fmt: skip
    assert len(answers[1]["top"]) == 3
    assert sum(row["probability"] for row in answers[1]["top"]) == pytest.approx(1)


def test_a_path_that_is_not_there_does_not_stop_the_others(
    cli: Cli, finished: Path, photos: Path, tiny: str, tmp_path: Path
) -> None:
    file, none = photos / "disc" / "00.png", tmp_path / "none.png"
    done = cli("predict", finished, none, file, "--code", tiny)
    assert (done.code, done.err) == (2, f"error: there is no file or folder {none}\n")
    assert done.out.startswith(f"{file}: ")
    lines = cli("predict", finished, none, file, "--code", tiny, "--json").out.splitlines()
    assert [json.loads(line).get("error", "")[:8] for line in lines] == ["there is", ""]
    assert cli("predict", finished, none, "--code", tiny).refused("there is no file or folder")


def test_code_is_asked_for(cli: Cli, finished: Path, photos: Path, tiny: str) -> None:
    done = cli("predict", finished, photos)
    assert done.refused(f"needs code, {tiny}, which is not run unasked; if you trust it: --code")
