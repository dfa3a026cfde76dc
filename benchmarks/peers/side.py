"""What every peer script shares: its arguments, its two threads and its one line of JSON."""

import argparse
import json
import os
import time
from dataclasses import dataclass
from importlib.metadata import version

from idx import read

__all__ = ["THREADS", "Result", "Stopwatch", "parser", "read"]

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


class Stopwatch:
    """Measures a `with` block: `seconds` on the wall, and `cpu_seconds` of all threads.

    Two threads that are never kept waiting use two CPU seconds a second; much less, on a network
    that could use both, says that another process had the cores.
    """

    def __enter__(self) -> "Stopwatch":
        self._begun = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun[0]
        self.cpu_seconds = time.process_time() - self._begun[1]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One training: the time in `fit`, and `accuracy` on the test half as a fraction."""

    peer: str
    data: str
    watch: Stopwatch
    accuracy: float
    epochs: int
    parameters: int
    backend: str
    threads: int
    seed: int

    def tell(self, *packages: str) -> None:
        """Print the result and the versions of `packages` as one line of JSON."""
        fields = {name: value for name, value in vars(self).items() if name != "watch"} | {
            "seconds": round(self.watch.seconds, 3),
            "cpu_seconds": round(self.watch.cpu_seconds, 3),
            "accuracy": round(self.accuracy, 6),
            "versions": {name: version(name) for name in packages},
        }
        print(json.dumps(fields), flush=True)


def parser(doc: str, *, epochs: int) -> argparse.ArgumentParser:
    """Return a parser with the arguments that every peer takes."""
    made = argparse.ArgumentParser(description=doc.partition("\n")[0])
    made.add_argument("--data", choices=("mnist", "fashion-mnist"), default="mnist")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--epochs", type=int, default=epochs, help="0: the peer's own choice")
    return made
