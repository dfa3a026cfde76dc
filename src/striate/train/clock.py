"""How much of training is done: counted in steps, or by the clock."""

import time
from dataclasses import dataclass

from striate.train.recipe import Recipe

__all__ = ["Clock"]


@dataclass(kw_only=True)
class Clock:
    """Position in training and time spent in it, over all sessions of the run.

    Attributes:
        recipe: Resolved recipe.
        steps_an_epoch: Steps in one pass.
        epoch: Epoch that the next step belongs to, from 1.
        step_in_epoch: Steps of that epoch already done.
        step: Steps done in all.
        before: Seconds of earlier sessions.
        validation_seconds: Length of the last validation, kept free at the end of timed training.
    """

    recipe: Recipe
    steps_an_epoch: int
    epoch: int = 1
    step_in_epoch: int = 0
    step: int = 0
    before: float = 0.0
    validation_seconds: float = 0.0
    stopped_early: bool = False

    def __post_init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, earlier sessions included."""
        return self.before + time.perf_counter() - self._started

    @property
    def total_steps(self) -> int | None:
        """Steps in all; None when training runs by the clock."""
        return None if self.recipe.epochs is None else self.recipe.epochs * self.steps_an_epoch

    @property
    def done(self) -> float:
        """Share of training that is behind, 0 to 1."""
        if self.recipe.minutes is not None:
            limit = max(1e-6, self.recipe.minutes * 60 - self.validation_seconds)
            return min(1.0, self.elapsed / limit)
        return self.step / (self.total_steps or 1)

    @property
    def over(self) -> bool:
        """Whether no step is left."""
        return self.stopped_early or self.done >= 1

    def seconds_left(self) -> float | None:
        """Return the time that training will still take at its pace so far."""
        if self.recipe.minutes is not None:
            return max(0.0, self.recipe.minutes * 60 - self.elapsed)
        return self.elapsed * (1 - self.done) / self.done if self.done > 0 else None

    def stepped(self) -> None:
        """Count one step."""
        self.step += 1
        self.step_in_epoch += 1

    def next_epoch(self) -> None:
        """Turn to the first step of the next epoch."""
        self.epoch += 1
        self.step_in_epoch = 0

    def to_state(self) -> dict[str, int | float | bool]:
        """Return the position, for a checkpoint."""
        return {
            "epoch": self.epoch,
            "step_in_epoch": self.step_in_epoch,
            "step": self.step,
            "before": self.elapsed,
            "validation_seconds": self.validation_seconds,
            "stopped_early": self.stopped_early,
        }
