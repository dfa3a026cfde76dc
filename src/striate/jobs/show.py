"""Progress for people: bars in a terminal or a notebook, plain lines elsewhere."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from striate._events import EpochEnded, Event, Moved, Progress, Said, TrainingStep
from striate.files import printable

__all__ = ["shown"]

PATIENCE = 0.5  # seconds that a counted task may take before it gets a bar


@contextmanager
def shown(progress: Progress | None) -> Generator[Progress, None, None]:
    """Give `progress` itself, or, when it is None, a display on standard error."""
    if progress is not None:
        yield progress
        return
    console = Console(stderr=True, highlight=False)
    if not (console.is_terminal or console.is_jupyter):
        yield _plain
        return
    display = _Display(console)
    try:
        yield display
    finally:
        display.close()


def _plain(event: Event) -> None:
    """Write one line for what lasts: epochs, warnings, words. No bars, no colours.

    A run goes on when nobody reads its progress any more: standard error is closed, or full.
    """
    if isinstance(event, EpochEnded):
        line = _epoch_line(event)
    elif isinstance(event, Said):
        line = "warning: " * event.warning + event.text
    else:
        return
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # a file that was closed raises the latter
            sys.stderr.write(_encodable(line) + "\n")
            sys.stderr.flush()


def _encodable(text: str) -> str:
    """Return `text` as standard error can encode it (under LC_ALL=C that may be ASCII)."""
    encoding = sys.stderr.encoding or "ascii"
    return printable(text).encode(encoding, "backslashreplace").decode(encoding)


def _epoch_line(event: EpochEnded) -> str:
    of = f"/{event.epochs}" if event.epochs else ""
    line = f"epoch {event.epoch}{of}  loss {event.train_loss:.4f}"
    line += f"  accuracy {event.train_accuracy:.2%}"
    if event.validation_loss is not None and event.validation_accuracy is not None:
        line += f"  |  validation loss {event.validation_loss:.4f}"
        line += f"  accuracy {event.validation_accuracy:.2%}{' *' if event.best else '  '}"
    return f"{line}  {event.seconds:.1f} s"


class _Display:
    """Bars by rich: one for training, one for each counted task that takes a while."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self.tasks: dict[str, TaskID] = {}
        self.begun: dict[str, float] = {}
        self.bars.start()

    def close(self) -> None:
        """Take the bars away and leave the lines."""
        self.bars.stop()

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrainingStep):
            self._training(event)
        elif isinstance(event, EpochEnded):
            self.console.print(Text(_epoch_line(event)))
        elif isinstance(event, Said):
            style = "yellow" if event.warning else ""
            self.console.print(Text(printable(event.text), style=style))
        elif isinstance(event, Moved):
            self._moved(event)

    def _training(self, event: TrainingStep) -> None:
        of = f"/{event.epochs}" if event.epochs else ""
        detail = f"loss {event.loss:.4f}  accuracy {event.accuracy:.2%}"
        detail += f"  {event.images_per_second:,.0f} images/s"
        if event.steps is None and event.seconds_left is not None:
            detail += f"  {event.seconds_left:.0f} s left"
        if "train" not in self.tasks:
            self.tasks["train"] = self.bars.add_task("train", total=event.steps, detail=detail)
        self.bars.update(
            self.tasks["train"], description=f"epoch {event.epoch}{of}", completed=event.step,
            detail=detail,
        )  # fmt: skip

    def _moved(self, event: Moved) -> None:
        begun = self.begun.setdefault(event.task, time.perf_counter())
        detail = f"{event.done:,}" + (f" of {event.total:,}" if event.total else "")
        detail += f" {event.unit}"
        if event.total is not None and event.done >= event.total:
            self.begun.pop(event.task, None)
            if event.task in self.tasks:
                self.bars.remove_task(self.tasks.pop(event.task))
        elif event.task in self.tasks:
            self.bars.update(self.tasks[event.task], completed=event.done, detail=detail)
        elif time.perf_counter() - begun > PATIENCE:
            self.tasks[event.task] = self.bars.add_task(
                event.task, total=event.total, completed=event.done, detail=detail
            )
