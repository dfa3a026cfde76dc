"""The training loop: batches in, weights of the best epoch out."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from striate._errors import DivergedError
from striate._events import EpochEnded, Progress, TrainingStep
from striate.anatomy import ActivationRecord, ActivationStatistics
from striate.data import ImageSet
from striate.infer import autocast, blamed, predictions, scores_of
from striate.train.averaging import Average
from striate.train.batches import Batch, Batches, on_device
from striate.train.best import Best
from striate.train.clock import Clock
from striate.train.log import TrainingLog
from striate.train.memory import peak_memory
from striate.train.objective import Objective, objective_for
from striate.train.optimizers import build_optimizer, set_rate
from striate.train.randomness import seed_for, seed_network
from striate.train.recipe import Recipe
from striate.train.schedule import rate_and_momentum
from striate.train.validate import Validation, validate

__all__ = ["CHECKPOINT_SECONDS", "Fitted", "Trainer"]

CHECKPOINT_SECONDS = 30.0
FLUSH_STEPS = 16
FLUSH_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """What training leaves: the network with the kept weights, and what was written down.

    Attributes:
        weights: What the network now holds: `ema`, `best`, or `last` where nothing chose among
            epochs: there were no validation images, or no epoch ended.
        best_epoch: The epoch they are of; 0 if none ended.
        interrupted: Whether training was asked to stop before its end.
        seconds: Time in training and validation, over all sessions.
    """

    network: nn.Module
    weights: str
    best_epoch: int
    log: TrainingLog
    activations: ActivationRecord | None
    interrupted: bool
    seconds: float
    peak_memory_mib: float | None


class Trainer:
    """One training run in memory; `striate.train.fit` and the checkpoints are built on it.

    Args:
        network: Trained in place, on its device.
        images: Data; `train` is learned, `validation` chooses, `test` is never read.
        recipe: Resolved recipe, its precision decided.
        progress: Called with TrainingStep and EpochEnded records.
        save: Called with this trainer when a checkpoint is due.
        stop: Asked after each step; True ends training once a checkpoint is saved.
    """

    def __init__(
        self,
        network: nn.Module,
        images: ImageSet,
        recipe: Recipe,
        *,
        progress: Progress,
        save: Callable[["Trainer"], None],
        stop: Callable[[], bool],
    ) -> None:
        self.network, self.images, self.recipe = network, images, recipe
        self.progress, self.save, self.stop = progress, save, stop
        self.device = next((p.device for p in network.parameters()), torch.device("cpu"))
        self.batches = Batches(images, recipe, self.device)
        self.objective = self._objective(network)
        self.optimizer = build_optimizer(network, recipe)
        self.weights = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.average = Average(network, recipe.ema) if recipe.ema else None
        # An average has an objective of its own: a loss that the network defines reads its weights.
        self.judge = self.objective if self.average is None else self._objective(self.judged)
        self.statistics = ActivationStatistics(network) if recipe.statistics else None
        self.marked = -1
        self.log, self.best = TrainingLog(), Best()
        self.clock = Clock(recipe=recipe, steps_an_epoch=len(self.batches))
        held = images.splits.get("validation")
        self.validation = on_device(held, self.device) if held is not None and len(held) else None
        self._saved_at = self._flushed_at = time.perf_counter()

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and kept: the average, if there is one."""
        return self.network if self.average is None else self.average.network

    def _objective(self, network: nn.Module) -> Objective:
        return objective_for(network, self.images, self.recipe, self.device)

    def run(self) -> Fitted:
        """Train to the end, or until asked to stop, and return what was learned.

        Raises:
            DivergedError: The loss is no longer finite.
            NetworkError: The outputs do not fit the classes.
        """
        interrupted = False
        try:
            # An epoch that was begun is ended, even if no step of it was left when asked to stop.
            while not interrupted and (self.clock.step_in_epoch or not self.clock.over):
                interrupted = self._epoch()
        except DivergedError as error:
            raise DivergedError(f"{error}; {self._remedy()}") from None
        return self._fitted(interrupted=interrupted)

    def _remedy(self) -> str:
        rate = (self.recipe.learning_rate or 0.0) / 3
        return f"try learning_rate={rate:.2g} or clip_gradient=1"

    def _epoch(self) -> bool:
        """Run the rest of the epoch at hand; return whether training was asked to stop."""
        clock, started = self.clock, time.perf_counter()
        first = clock.step_in_epoch
        self.network.train()
        batches = self.batches.epoch(clock.epoch, clock.step_in_epoch)
        while not clock.over and (batch := next(batches, None)) is not None:
            self._step(batch)
            if self.stop():
                self._flush()
                self.save(self)
                return True
            if time.perf_counter() - self._saved_at > CHECKPOINT_SECONDS and not clock.over:
                self._flush()
                self._checkpoint()
        self._flush()
        self._end_epoch(time.perf_counter() - started, clock.step_in_epoch - first)
        return False

    def _step(self, batch: Batch) -> None:
        """Do one optimiser step and note it."""
        clock, recipe = self.clock, self.recipe
        done = clock.done
        rate, momentum = rate_and_momentum(recipe, done)
        set_rate(self.optimizer, rate, momentum)
        seed_network(seed_for(recipe.seed, clock.epoch, clock.step_in_epoch, "network"))
        with self._blamed(), self._watched(done), autocast(self.device, recipe.precision):
            outputs = self.network(batch.images)
        if batch.partners is None:
            loss = self.objective(outputs, batch.labels)
        else:
            loss = self.objective.mixed(outputs, batch.labels, batch.partners, batch.share)
        self.optimizer.zero_grad(set_to_none=True)
        with self._blamed():
            loss.backward()
        if recipe.clip_gradient:
            nn.utils.clip_grad_norm_(self.weights, recipe.clip_gradient)
        self.optimizer.step()
        clock.stepped()
        if self.average is not None:
            self.average.update(clock.step)
        self.log.add_step(
            (clock.step, clock.epoch, rate, momentum), self._measured(outputs, batch, loss)
        )
        waiting = time.perf_counter() - self._flushed_at
        if self.log.pending >= FLUSH_STEPS or waiting > FLUSH_SECONDS:
            self._flush()

    def _blamed(self) -> AbstractContextManager[None]:
        clock = self.clock
        return blamed(f"the network failed at epoch {clock.epoch}, step {clock.step + 1}")

    def _watched(self, done: float) -> Any:
        """Return the context in which this step's forward pass runs: watched now and then."""
        if self.statistics is None:
            return nullcontext()
        mark = int(done * self.recipe.statistics)
        if mark <= self.marked:
            return nullcontext()
        self.marked = mark
        return self.statistics.watch(self.clock.step + 1)

    @torch.no_grad()
    def _measured(self, outputs: Any, batch: Batch, loss: Tensor) -> Tensor:
        """Return loss and accuracy of a batch, still on the device."""
        scores = scores_of(self.network, outputs, self.objective.classes)
        right = (predictions(scores) == batch.labels).float().mean()
        return torch.stack((loss.detach(), right))

    def _flush(self) -> None:
        """Fetch pending losses, stop if one is not finite, and tell how far training is."""
        self.log.flush()
        self._flushed_at = time.perf_counter()
        clock = self.clock
        loss, accuracy = self.log.means(clock.epoch)
        self.progress(
            TrainingStep(
                epoch=clock.epoch,
                epochs=self.recipe.epochs,
                step=clock.step,
                steps=clock.total_steps,
                loss=loss,
                accuracy=accuracy,
                images_per_second=clock.step * self.batches.size / max(clock.elapsed, 1e-9),
                seconds_left=clock.seconds_left(),
            )
        )

    def _end_epoch(self, seconds: float, steps: int) -> None:
        """Validate, keep the weights if they are the best, write the row, save."""
        clock, started = self.clock, time.perf_counter()
        found = self._validate()
        if found is not None and not math.isfinite(found.loss):
            raise DivergedError(
                f"the validation loss is {found.loss} after epoch {clock.epoch}, step {clock.step} "
                f"(learning rate {self.log.steps[-1][2]:.3g})"
            )
        clock.validation_seconds = time.perf_counter() - started
        best = self.best.offer(self.judged, clock.epoch, found)
        train_loss, train_accuracy = self.log.means(clock.epoch)
        rate, momentum = self.log.steps[-1][2:4]
        loss, accuracy = (found.loss, found.accuracy) if found else (None, None)
        self.log.epochs.append(
            (clock.epoch, clock.step, rate, momentum, train_loss, train_accuracy, loss, accuracy,
             int(best))
        )  # fmt: skip
        self.log.timings.append(
            (clock.epoch, seconds, steps * self.batches.size / max(seconds, 1e-9),
             clock.validation_seconds, peak_memory(self.device))
        )  # fmt: skip
        patience = self.recipe.early_stopping
        if patience and found and clock.epoch - self.best.epoch >= patience:
            clock.stopped_early = True
        self.progress(
            EpochEnded(
                epoch=clock.epoch,
                epochs=self.recipe.epochs,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                validation_loss=loss,
                validation_accuracy=accuracy,
                seconds=seconds + clock.validation_seconds,
                best=best,
            )
        )
        clock.next_epoch()
        self._checkpoint()

    def _validate(self) -> Validation | None:
        if self.validation is None:
            return None
        return validate(
            self.judged,
            *self.validation,
            self.images.preprocessing,
            self.judge,
            precision=self.recipe.precision,
        )

    def _checkpoint(self) -> None:
        self.save(self)
        self._saved_at = time.perf_counter()

    def _fitted(self, *, interrupted: bool) -> Fitted:
        """Put the kept weights into the network and return the record."""
        chosen = self.validation is not None and bool(self.best.weights)
        if not self.best.weights:  # stopped before an epoch ended
            self.best.offer(self.judged, 0, None)
        self.best.restore(self.network)
        return Fitted(
            network=self.network,
            weights="ema" if self.average is not None else "best" if chosen else "last",
            best_epoch=self.best.epoch,
            log=self.log,
            activations=self.statistics.result() if self.statistics is not None else None,
            interrupted=interrupted,
            seconds=self.clock.elapsed,
            peak_memory_mib=peak_memory(self.device),
        )
