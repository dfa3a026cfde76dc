"""Ctrl-C is a wish: the step ends, all is saved, the report is written, and the run can go on."""

import shlex
import signal
import threading
from pathlib import Path

import pytest

from striate._events import EpochEnded, Event, Said, TrainingStep, silent
from striate.cli import run as command
from striate.jobs.interrupt import resume_command, stoppable
from striate.runs import Run
from tests.jobs.sample import FAST, after, assert_same, fit, image_set, net, resume

STOPPING = Said(text="stopping after this step; once more to stop at once", warning=True)


def press(times: int) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_wish(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    events: list[Event] = []
    with stoppable(None, events.append) as asked:
        assert not asked()
        signal.raise_signal(number)
        assert asked()
        assert asked()
        assert signal.getsignal(number) is not before
    assert events == [STOPPING]
    assert signal.getsignal(number) is before


def test_a_second_one_stops_at_once_and_the_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stoppable(None, silent):
        press(2)
    assert signal.getsignal(signal.SIGINT) is before


def test_who_brings_a_stop_of_their_own_keeps_their_handlers() -> None:
    before = signal.getsignal(signal.SIGINT)
    mine = lambda: True  # noqa: E731 - its identity is what is looked at
    with stoppable(mine, silent) as asked:
        assert asked is mine
        assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_nothing_is_installed() -> None:
    seen: list[object] = []

    def work() -> None:
        with stoppable(None, silent) as asked:
            seen.extend((asked(), signal.getsignal(signal.SIGINT)))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False, before]


def test_ctrl_c_ends_the_step_saves_reports_and_can_go_on(tiny: str, tmp_path: Path) -> None:
    images, steps = image_set(), []

    def note(event: Event) -> None:
        if isinstance(event, (TrainingStep, EpochEnded)):
            steps.append(event)
            if isinstance(event, EpochEnded) and event.epoch == 1:
                signal.raise_signal(signal.SIGINT)

    whole = fit(images, tiny, tmp_path / "whole")
    part = fit(images, tiny, tmp_path / "part", stop=None, progress=note)
    assert not part.finished
    assert part.environment["interrupted"] is True
    assert part.report.is_file()
    assert "test" not in part.metrics
    state = part.load_checkpoint()
    assert state is not None
    assert state["clock"]["step"] == 4  # three steps an epoch, and the one that was at hand
    resume(part.folder, code=tiny, images=images)
    assert_same(whole.folder, part.folder)


def press_at(monkeypatch: pytest.MonkeyPatch, step: int, times: int = 1) -> None:
    """Let Ctrl-C be pressed when training has done `step` steps."""
    from striate.train.loop import Trainer

    real = Trainer._step  # pyright: ignore[reportPrivateUsage]

    def pressing(trainer: Trainer, batch: object) -> None:
        real(trainer, batch)  # pyright: ignore[reportArgumentType]
        if trainer.clock.step == step:
            press(times)

    monkeypatch.setattr(Trainer, "_step", pressing)


def arguments(photos: Path, tiny: str, out: Path) -> list[str]:
    settings = [f"--set={name}={value}" for name, value in FAST.items()]
    return ["train", str(photos), "--model", tiny, "--out", str(out), *settings]


def test_the_command_line_says_how_to_go_on_and_ends_in_130(
    photos: Path, tiny: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "my runs" / "a"
    press_at(monkeypatch, step=2)
    assert command(arguments(photos, tiny, out)) == 130
    said, progress = capsys.readouterr()
    assert f"stopped early; go on with: striate train --resume '{out}' --code" in said
    assert f"report     {out / 'report.html'}\n" in said
    assert "test " not in said
    begun, warning = progress.splitlines()
    assert begun.startswith(f"run {out}: ")
    assert warning == "warning: stopping after this step; once more to stop at once"
    monkeypatch.undo()
    assert command(["train", "--resume", str(out), "--code", tiny]) == 0
    assert_same(finished, out)


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        (2, "stopped before the first checkpoint; start it again with"),
        (5, "stopped at once; its first 4 steps are kept; go on with"),  # those of one epoch
    ],
)
def test_pressed_twice_it_stops_at_once_and_says_what_is_kept_and_how_to_go_on(
    photos: Path, tiny: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], step: int, kept: str,
) -> None:  # fmt: skip
    out = tmp_path / "my run"
    press_at(monkeypatch, step=step, times=2)
    assert command(arguments(photos, tiny, out)) == 130
    said, progress = capsys.readouterr()
    assert said == ""
    *_, advice, last = progress.splitlines()
    assert advice.startswith(f"warning: {kept}: striate train --resume '{out}' --code ")
    assert last == "stopped"
    assert "Traceback" not in progress
    assert not Run(out).finished
    assert not (out / "report.html").exists()
    monkeypatch.undo()
    monkeypatch.setattr("striate.report.run_page", lambda _: "<p>")
    assert command(shlex.split(advice.partition(": striate ")[2])) == 0  # as the line advises
    assert_same(finished, out)


def test_pressed_while_results_are_written_nothing_is_lost(
    photos: Path, tiny: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    events: list[Event] = []
    monkeypatch.setattr("striate.jobs.finish.collect_pictures", lambda *_, **__: press(1))
    with pytest.raises(KeyboardInterrupt):
        fit(photos, tiny, tmp_path / "run", progress=events.append)
    assert events[-1] == Said(
        text="stopped at once; its first 8 steps are kept; go on with: "
        f"striate train --resume {tmp_path / 'run'} --code {tiny}",
        warning=True,
    )
    monkeypatch.undo()
    monkeypatch.setattr("striate.report.run_page", lambda _: "<p>")
    assert_same(finished, resume(tmp_path / "run", code=tiny).folder)


def test_a_run_of_a_module_goes_on_in_python(tmp_path: Path) -> None:
    run = fit(image_set(), net(), tmp_path / "it's", stop=after(2))
    call = resume_command(run.folder)
    assert call == f"striate.resume({str(run.folder)!r}, network=...)"
    assert resume(run.folder, network=net(), images=image_set()).finished


def test_pressed_while_files_are_read_it_just_stops(
    photos: Path, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("striate.data.load", lambda *_, **__: press(1))
    assert command(arguments(photos, tiny, tmp_path / "run")) == 130
    assert capsys.readouterr() == ("", "stopped\n")
    assert not (tmp_path / "run").exists()
