"""find-rate, report, data, help and version."""

import json
from pathlib import Path

import pytest

import striate
from tests.cli.conftest import Cli

FAST = ("--set", "precision=float32", "--set", "batch_size=8", "--steps", "12")


def test_find_rate_shows_the_curve_and_suggests(cli: Cli, photos: Path, tiny: str) -> None:
    done = cli("find-rate", photos, "--model", tiny, *FAST)
    assert done.code == 0
    head, *rows, last = done.out.splitlines()
    assert head == "learning rate   smoothed loss"
    assert 2 <= len(rows) <= 12
    rates = [float(row.split()[0]) for row in rows]
    assert rates == sorted(rates)
    assert max(row.count("#") for row in rows) == 40
    assert last.startswith("suggested: learning_rate=")
    assert float(last.split("=")[1].split()[0]) > 0


def test_find_rate_draws_the_curve(cli: Cli, photos: Path, tiny: str, tmp_path: Path) -> None:
    out = tmp_path / "my rates.html"
    done = cli("find-rate", photos, "--model", tiny, "--out", out, *FAST)
    assert done.code == 0
    suggested, written = done.out.splitlines()[-2:]
    rate = suggested.split("=")[1].split()[0]
    assert written == f"curve: {out}"
    assert f"learning_rate={rate}<" in out.read_text()
    assert cli("find-rate", photos, "--out", tmp_path / "a.png").refused("must end in .svg")
    help_ = " ".join(cli("find-rate", "--help").out.split())
    assert "chart.svg, page.html, numbers.csv or .json" in help_


def test_find_rate_as_json(cli: Cli, photos: Path, tiny: str) -> None:
    done = cli("find-rate", photos, "--model", tiny, "--json", "--lowest", "0.001", "--highest",
               "0.1", "--seed", "3", *FAST)  # fmt: skip
    assert done.code == 0
    curve = json.loads(done.out)
    assert set(curve) == {"rates", "losses", "smoothed", "suggested"}
    assert curve["rates"][0] == pytest.approx(0.001)
    assert curve["rates"][-1] == pytest.approx(0.1)
    assert 0.001 <= curve["suggested"] <= 0.1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--steps", "5"], "in 5 steps, but needs"),
        (["--lowest", "0"], "from 0 to 10 in"),
        (["--highest", "inf"], "to inf in"),
        (["--lowest", "nan"], "from nan to"),
        (["--set", "steps=20"], "it is an option of its own, --steps"),
        (["--set", "batch_size=0"], "batch_size is 0, but must lie in"),
        (["--device", "gpu"], "device is 'gpu'"),
        (["--model", "lenet6"], "no network 'lenet6'; nearest: lenet5"),
    ],
)
def test_find_rate_refuses(cli: Cli, photos: Path, tiny: str, words: list[str], why: str) -> None:
    model = [] if "--model" in words else ["--model", tiny]
    assert cli("find-rate", photos, *model, *words).refused(why)


@pytest.mark.usefixtures("real_report")
def test_report_says_where_it_is(
    cli: Cli, run: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("report", run).out == f"{run / 'report.html'}\n"
    assert cli("report", run, finished).out == "comparison.html\n"
    assert (tmp_path / "comparison.html").is_file()
    assert cli("report", run, finished, "--out", "c.html").out == "c.html\n"


def test_report_refuses(cli: Cli, run: Path, tmp_path: Path) -> None:
    assert cli("report", tmp_path / "none").refused("does not exist; a run is a folder that")
    assert cli("report", tmp_path).refused("is no run: it has no recipe.toml")
    assert cli("report", run, "--out", tmp_path).refused("cannot write")
    assert cli("report").refused("Missing argument", "striate report --help")


def test_data_lists_the_sets_and_where_they_lie(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path))
    done = cli("data")
    assert done.code == 0
    for word in ("fashion-mini", "fashion-mnist", "mnist", str(tmp_path / "data" / "mnist")):
        assert word in done.out
    told = json.loads(cli("data", "--json").out)
    assert [row["name"] for row in told] == ["fashion-mini", "fashion-mnist", "mnist"]
    assert told[2]["where"] is None
    assert told[2]["put"] == str(tmp_path / "data" / "mnist")


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").out == f"striate {striate.__version__}\n"
    for words in (["--help"], ["-h"], ["train", "-h"], ["find-rate", "--help"], ["predict", "-h"],
                  ["report", "-h"], ["data", "-h"]):  # fmt: skip
        done = cli(*words)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("Usage: striate")
    assert "what there is" not in cli("--help").out
    for name in ("train", "find-rate", "predict", "report", "data"):
        assert f"  {name} " in cli("--help").out
    assert cli().code == 2
    assert "Commands:" in cli().out + cli().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        (["train", "--epohcs", "3"], "No such option: --epohcs"),
        (["train", "--epochs", "many"], "Invalid value for '--epochs'"),
        (["train", "--epochs"], "--epochs"),
        (["train", "a", "b"], "unexpected extra argument"),
        (["predict"], "Missing argument"),
        (["--bogus"], "No such option: --bogus"),
    ],
)
def test_a_mistake_in_the_words_is_two_lines(cli: Cli, words: list[str], why: str) -> None:
    done = cli(*words)
    assert done.refused(why)
    assert done.err.splitlines()[1].startswith("what it takes: striate")
    assert done.err.splitlines()[1].endswith(" --help")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["train", "--out", ""], "error: the argument after --out is empty"),
        (["train", "--out="], "error: --out is empty"),
        (["train", "--force", ""], "error: the argument after --force is empty"),
        (["train", "--resume", ""], "the argument after --resume is empty"),
        (["report", ""], "an argument is empty"),
        (["predict", "", "a.png"], "an argument is empty"),
        ([""], "an argument is empty"),
    ],
)
def test_an_empty_argument_is_not_the_current_folder(
    cli: Cli, words: list[str], named: str
) -> None:
    assert cli(*words).refused(f"{named}; is a variable of the shell not set?")


def test_a_setting_without_a_value_is_not_an_empty_argument(cli: Cli) -> None:
    for words in (["--set", "epochs="], ["--set=epochs="]):
        assert cli("train", *words).refused("epochs is '', but must be a whole number")
