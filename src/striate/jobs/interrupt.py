"""Ctrl-C as a wish: finish the step, save, report. A second one stops at once."""

import shlex
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from striate._events import Progress, Said
from striate.runs import read_repeat

__all__ = ["resume_command", "stoppable"]


@contextmanager
def stoppable(
    stop: Callable[[], bool] | None, progress: Progress
) -> Generator[Callable[[], bool], None, None]:
    """Give a function that says whether to stop: `stop` itself, or whether Ctrl-C was pressed.

    SIGTERM counts as Ctrl-C. The handlers are given back on exit; outside the main thread, where
    Python allows none, nothing is installed.
    """
    if stop is not None or threading.current_thread() is not threading.main_thread():
        yield stop or (lambda: False)
        return
    asked = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        progress(Said(text="stopping after this step; once more to stop at once", warning=True))

    signals = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, note) for number in signals}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def resume_command(folder: Path) -> str:
    """Return what goes on with the run in `folder`, ready to be pasted.

    That is a command of the shell, or, for a run whose network was built in Python, a call.
    """
    repeat = read_repeat(folder / "recipe.toml")
    if repeat.module:
        return f"striate.resume({str(folder)!r}, network=...)"
    words = ["striate", "train", "--resume", str(folder)]
    return shlex.join([*words, "--code", repeat.network] if repeat.code else words)
