"""A function over many items in threads, in order, with few of them under way at a time."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["Budget", "in_threads", "processors"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Generator[Result, None, None]:
    """Yield `function(item)` of each item, in order; at most `4 * workers` are under way.

    Threads, not processes: Pillow lets go of the interpreter while it decodes, and the pixels need
    no copy. An error in `function` is raised at its item, and what has not begun is dropped.

    >>> list(in_threads(abs, [-3, 2, -1], workers=2))
    [3, 2, 1]
    """
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="striate-decode")
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= 4 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class Budget:
    """Lets threads go on while what they hold together stays within `limit`.

    What alone is over the limit goes on when nobody else holds anything.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, amount: int) -> Generator[None, None, None]:
        """Wait until `amount` fits, and hold it while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + amount <= self._limit)
            self._held += amount
        try:
            yield
        finally:
            with self._changed:
                self._held -= amount
                self._changed.notify_all()
