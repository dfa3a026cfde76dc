"""What a long task tells while it runs: small records given to a `progress` callback.

A room never prints. It calls `progress(event)`; the jobs room turns events into bars or lines.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["EpochEnded", "Event", "Moved", "Progress", "Said", "TrainingStep", "silent"]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A counted task (decoding, downloading, predicting) has done `done` of `total` units.

    The first event of a task has `done=0`, the last `done=total`. `total` is None if unknown.
    """

    task: str
    done: int
    total: int | None
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One line for the user; `warning` asks for notice."""

    text: str
    warning: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingStep:
    """One optimiser step is done; means are over the epoch so far. `step` counts from 1."""

    epoch: int
    epochs: int | None
    step: int
    steps: int | None
    loss: float
    accuracy: float
    images_per_second: float
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True)
class EpochEnded:
    """One epoch is done and validated. `epoch` counts from 1; accuracies are fractions."""

    epoch: int
    epochs: int | None
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    best: bool


Event = Moved | Said | TrainingStep | EpochEnded
Progress = Callable[[Event], None]


def silent(event: Event) -> None:
    """Ignore `event`; the default of every `progress` argument."""
