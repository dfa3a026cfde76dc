"""What a run writes down: one row a step, one row an epoch, and how long things took.

Rows of steps and epochs hold only what is deterministic, so that equal runs are equal bytes.
"""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from striate._errors import DivergedError

__all__ = ["EPOCH_COLUMNS", "STEP_COLUMNS", "TIMING_COLUMNS", "TrainingLog"]

EPOCH_COLUMNS = (
    "epoch", "step", "learning_rate", "momentum", "train_loss", "train_accuracy",
    "validation_loss", "validation_accuracy", "best",
)  # fmt: skip
STEP_COLUMNS = ("step", "epoch", "learning_rate", "momentum", "loss", "accuracy")
TIMING_COLUMNS = (
    "epoch", "seconds", "images_per_second", "validation_seconds", "peak_memory_mib",
)  # fmt: skip
COLUMNS = {"steps": STEP_COLUMNS, "epochs": EPOCH_COLUMNS, "timings": TIMING_COLUMNS}

Row = tuple[int | float | None, ...]


@dataclass(kw_only=True)
class TrainingLog:
    """Rows so far, and the steps whose loss is still on the device.

    Reading a number from an accelerator waits for it; so losses stay there and are fetched a few at
    a time by `flush`.
    """

    steps: list[Row] = field(default_factory=list)
    epochs: list[Row] = field(default_factory=list)
    timings: list[Row] = field(default_factory=list)
    _pending: list[tuple[Row, Tensor]] = field(default_factory=list)

    def add_step(self, row: Row, measured: Tensor) -> None:
        """Note a step: `row` is all of it but loss and accuracy, which `measured` holds."""
        self._pending.append((row, measured))

    @property
    def pending(self) -> int:
        """Steps noted since the last `flush`."""
        return len(self._pending)

    def flush(self) -> None:
        """Fetch loss and accuracy of the pending steps.

        Raises:
            DivergedError: A loss is not finite; epoch, step and rate are named.
        """
        if not self._pending:
            return
        values = torch.stack([measured for _, measured in self._pending]).tolist()
        for (row, _), (loss, accuracy) in zip(self._pending, values, strict=True):
            if not math.isfinite(loss):
                step, epoch, rate, _ = row
                raise DivergedError(
                    f"the loss is {loss} at epoch {epoch}, step {step} (learning rate {rate:.3g})"
                )
            self.steps.append((*row, loss, accuracy))
        self._pending.clear()

    def means(self, epoch: int) -> tuple[float, float]:
        """Return mean loss and accuracy over the flushed steps of `epoch`."""
        losses, accuracies = [], []
        for row in reversed(self.steps):
            if row[1] != epoch:
                break
            losses.append(row[4] or 0.0)
            accuracies.append(row[5] or 0.0)
        count = max(1, len(losses))
        return math.fsum(losses) / count, math.fsum(accuracies) / count

    def to_state(self) -> dict[str, Any]:
        """Return the rows as tensors (NaN for an empty cell), for a checkpoint."""
        return {
            name: torch.tensor(
                [[math.nan if v is None else v for v in row] for row in getattr(self, name)],
                dtype=torch.float64,
            ).reshape(-1, len(columns))
            for name, columns in COLUMNS.items()
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "TrainingLog":
        """Return the log of `to_state`."""
        return cls(
            steps=_rows(state["steps"], whole=(0, 1)),
            epochs=_rows(state["epochs"], whole=(0, 1, 8)),
            timings=_rows(state["timings"], whole=(0,)),
        )

    def csv(self, name: str) -> str:
        """Return `steps`, `epochs` or `timings` as CSV; numbers read back to the same value."""
        return _csv(COLUMNS[name], getattr(self, name))


def _rows(values: Tensor, *, whole: Sequence[int]) -> list[Row]:
    return [
        tuple(
            None if math.isnan(v) else int(v) if place in whole else v
            for place, v in enumerate(row)
        )
        for row in values.tolist()
    ]


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if v is None else repr(v) for v in row] for row in rows)
    return text.getvalue()
