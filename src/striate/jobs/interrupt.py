"""Ctrl-C as a wish: finish the step, save, report. A second one stops at once."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from striate._events import Progress, Said

__all__ = ["stoppable"]


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
