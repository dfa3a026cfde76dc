import json
import shutil
from pathlib import Path

import pytest

from striate import jobs
from striate._errors import RunError, StorageError
from tests.jobs.sample import digests
from tests.report.reading import parse


def accuracy(folder: Path, split: str) -> float:
    return json.loads((folder / "metrics.json").read_text())[split]["accuracy"]


pytestmark = pytest.mark.usefixtures("real_report")


def test_the_report_of_one_run_is_drawn_anew_in_its_place(run: Path) -> None:
    first = (run / "report.html").read_bytes()
    before = digests(run)
    (run / "report.html").unlink()
    assert jobs.write_report([run]) == run / "report.html"
    assert (run / "report.html").read_bytes() == first  # a function of the other files alone
    assert digests(run) == before


def test_the_report_can_go_elsewhere(finished: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    assert jobs.write_report([str(finished)], out=target) == target
    assert target.read_bytes() == (finished / "report.html").read_bytes()


def test_several_runs_are_compared_in_the_current_folder(
    finished: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.move(run, tmp_path / "other one")
    assert jobs.write_report([finished, Path("other one")]) == Path("comparison.html")
    page = (tmp_path / "comparison.html").read_text()
    assert "other one" in page
    assert finished.name in page


def test_a_run_that_was_interrupted_has_a_report_too(halves, tmp_path: Path) -> None:
    assert not (halves(2) / "metrics.json").read_text().count('"test"')
    written = jobs.write_report([halves(2)], out=tmp_path / "page.html")
    assert written == tmp_path / "page.html"
    page = parse(written.read_text())
    assert page.one("header").one("div", class_="notice").text == (
        "This run was stopped before its first epoch ended. What follows is of the weights as they "
        "stood, judged on the validation images; the test images were not read. To go on with it: "
        "striate train --resume and its folder."
    )
    assert page.one("p", class_="big-name").text == "Validation accuracy"
    assert page.one("p", class_="big").values == [accuracy(halves(2), "validation")]
    assert "Epochs0 of 2 planned" in page.one("header").one("dl", class_="facts").text
    shown = {section.attributes["id"] for section in page.all("section")}
    assert {"samples", "layers", "curves", "filters", "confusion", "recipe"} <= shown


def test_mistakes(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run is named; name one to report, or several"):
        jobs.write_report([])
    with pytest.raises(RunError, match="none does not exist; a run is a folder that"):
        jobs.write_report([finished, tmp_path / "none"])
    with pytest.raises(RunError, match=r"is no run: it has no recipe.toml"):
        jobs.write_report([tmp_path])
    with pytest.raises(StorageError, match=r"cannot write .*Is a directory"):
        jobs.write_report([finished], out=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["metrics.json", "history.csv", "pictures.npz", "recipe.toml"])
def test_a_damaged_part_is_named_and_the_old_report_stays(run: Path, name: str) -> None:
    first = (run / "report.html").read_bytes()
    raw = (run / name).read_bytes()
    (run / name).write_bytes(raw[: len(raw) // 2] + b"\xff")
    with pytest.raises(RunError, match=rf"{name} is damaged \("):
        jobs.write_report([run])
    assert (run / "report.html").read_bytes() == first
