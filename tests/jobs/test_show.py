import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from striate._events import EpochEnded, Event, Moved, Said, TrainingStep, silent
from striate.jobs import show
from striate.jobs.show import shown
from tests.jobs.sample import assert_same, fit

STEP = TrainingStep(
    epoch=1, epochs=2, step=5, steps=20, loss=1.25, accuracy=0.5, images_per_second=1234.5,
    seconds_left=61.0,
)  # fmt: skip
ENDED = EpochEnded(
    epoch=1, epochs=2, train_loss=1.25, train_accuracy=0.5, validation_loss=1.5,
    validation_accuracy=0.625, seconds=3.21, best=True,
)  # fmt: skip
EVENTS: list[Event] = [
    Moved(task="decode", done=0, total=10, unit="images"),
    Moved(task="decode", done=10, total=10, unit="images"),
    Said(text="a word"),
    Said(text="careful \x1b[31m", warning=True),
    STEP,
    ENDED,
]


def told(events: list[Event]) -> None:
    with shown(None) as tell:
        for event in events:
            tell(event)


def test_whoever_brings_a_callback_gets_the_events() -> None:
    with shown(silent) as tell:
        assert tell is silent


def test_without_a_terminal_there_is_a_line_for_what_lasts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told(EVENTS)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "a word\n"
        "warning: careful \\x1b[31m\n"
        "epoch 1/2  loss 1.2500  accuracy 50.00%  |  "
        "validation loss 1.5000  accuracy 62.50% *  3.2 s\n"
    )


def test_an_epoch_by_the_clock_and_without_validation(capsys: pytest.CaptureFixture[str]) -> None:
    told([
        EpochEnded(epoch=3, epochs=None, train_loss=0.5, train_accuracy=1.0, validation_loss=None,
                   validation_accuracy=None, seconds=1.0, best=True),
    ])  # fmt: skip
    assert capsys.readouterr().err == "epoch 3  loss 0.5000  accuracy 100.00%  1.0 s\n"


def test_names_go_out_in_the_encoding_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    told([Said(text="größe caf\udce9 \U0001f600")])
    assert raw.getvalue() == b"gr\\xf6\\xdfe caf\\xe9 \\U0001f600\n"


class Full(io.StringIO):
    """A stream whose reader has gone, and what it was asked to write."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[str] = []

    def write(self, text: str) -> int:
        self.lost.append(text)
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("stream", ["none", "closed", "full"])
def test_a_run_goes_on_when_nobody_hears_it(
    finished: Path, tiny: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    stream: str,
) -> None:  # fmt: skip
    streams = {"none": None, "closed": io.StringIO(), "full": Full()}
    nobody = streams[stream]
    if stream == "closed":
        io.StringIO.close(streams["closed"])
    monkeypatch.setattr(sys, "stderr", nobody)
    run = fit(photos, tiny, tmp_path / "run", progress=None)
    assert run.finished
    assert_same(finished, run.folder)
    if isinstance(nobody, Full):  # each line was tried, also after the first was lost
        assert [line.split()[0] for line in nobody.lost] == ["run", "epoch", "epoch"]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal that is 100 columns wide and keeps what is written to it."""
    kept = io.StringIO()

    def console(**_: object) -> Console:
        return Console(
            file=kept, force_terminal=True, width=100, highlight=False, color_system=None
        )

    monkeypatch.setattr(show, "Console", console)
    return kept


def test_in_a_terminal_there_are_bars_and_lines(terminal: io.StringIO) -> None:
    told(EVENTS)
    text = terminal.getvalue()
    assert "a word\n" in text
    assert "careful \\x1b[31m\n" in text  # escaped: the terminal does not obey a name
    assert "epoch 1/2  loss 1.2500  accuracy 50.00%  |  validation loss 1.5000" in text
    assert "epoch 1/2" in text
    assert "loss 1.2500  accuracy 50.00%  1,234 images/s" in text


def test_the_bars_are_taken_away_when_the_block_raises(terminal: io.StringIO) -> None:
    with pytest.raises(AttributeError, match="epochs"), shown(None) as tell:
        tell(TrainingStep.__new__(TrainingStep))
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h")


def test_markup_in_names_is_text(terminal: io.StringIO) -> None:
    told([Said(text="the class [red] is [bold]"), Said(text="[/]")])
    assert "the class [red] is [bold]\n" in terminal.getvalue()
    assert "[/]\n" in terminal.getvalue()


def test_a_task_that_lasts_gets_a_bar(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "PATIENCE", -1.0)
    told([Moved(task="fetching [bold]", done=n, total=3000, unit="bytes") for n in (0, 1500, 3000)])
    text = terminal.getvalue()
    assert "fetching [bold]" in text
    assert "0 of 3,000 bytes" in text


def test_by_the_clock_the_time_left_is_told(terminal: io.StringIO) -> None:
    told([TrainingStep(epoch=1, epochs=None, step=5, steps=None, loss=1.0, accuracy=0.5,
                       images_per_second=100.0, seconds_left=42.0)])  # fmt: skip
    assert "42 s left" in terminal.getvalue()
