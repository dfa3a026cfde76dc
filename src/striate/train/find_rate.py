"""The learning-rate range test, leaving no trace."""

import copy
import csv
import io
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from striate._errors import DivergedError, NetworkError, RecipeError
from striate._events import Moved, Progress, silent
from striate.data import ImageSet
from striate.infer import autocast
from striate.train.batches import Batch, Batches
from striate.train.fit import decide
from striate.train.objective import Objective, objective_for
from striate.train.optimizers import build_optimizer, set_rate
from striate.train.randomness import kept_random_state, seed_for, seed_network
from striate.train.recipe import Recipe

__all__ = ["RateCurve", "find_rate"]

MEMORY = 0.9  # of the smoothed loss
BLOWN_UP = 4.0  # the test ends when the smoothed loss is so many times its least


@dataclass(frozen=True, kw_only=True)
class RateCurve:
    """Loss against learning rate.

    Attributes:
        rates: Learning rate of each step, growing geometrically.
        losses: Loss of each step's batch.
        smoothed: Moving average of the losses, corrected for its start.
        suggested: A highest rate to train with; see `find_rate`.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggested: float

    def to_json(self) -> dict[str, Any]:
        """Return plain lists and numbers."""
        return {
            "rates": list(self.rates),
            "losses": list(self.losses),
            "smoothed": list(self.smoothed),
            "suggested": self.suggested,
        }

    def to_csv(self) -> str:
        """Return one row a step: rate, loss, smoothed loss."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("rate", "loss", "smoothed"))
        writer.writerows(zip(self.rates, self.losses, self.smoothed, strict=True))
        return text.getvalue()


def find_rate(
    network: nn.Module,
    images: ImageSet,
    recipe: Recipe | None = None,
    *,
    lowest: float = 1e-5,
    highest: float = 10.0,
    steps: int = 100,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
) -> RateCurve:
    """Return the loss over `steps` training steps whose rate grows from `lowest` to `highest`.

        rate_i = lowest (highest / lowest)^(i / (steps - 1))

    All of it happens on a copy: weights, buffers, modes, the order of data and the random state are
    as before. It ends early when the smoothed loss exceeds four times its least, or is not finite.

    `suggested` is the middle of the decade of rates over which the smoothed loss falls most, looked
    for before its minimum; a range test cannot say more than the order of magnitude.

    Raises:
        RecipeError: Not 0 < lowest < highest, or fewer than 10 steps.
        NetworkError: The network cannot be copied, or does not fit the data.
        DivergedError: Not even the first loss is finite.

    Source:
        Smith, "Cyclical learning rates for training neural networks", arXiv:1506.01186, 3.3.
    """
    if not 0 < lowest < highest < math.inf or steps < 10:
        raise RecipeError(
            f"the range test runs from {lowest:g} to {highest:g} in {steps} steps, "
            "but needs 0 < lowest < highest and 10 steps or more"
        )
    try:
        trial = copy.deepcopy(network)
    except (TypeError, RuntimeError) as error:
        raise NetworkError(f"the network cannot be copied for the range test ({error})") from error
    rates = [lowest * (highest / lowest) ** (i / (steps - 1)) for i in range(steps)]
    with kept_random_state():
        recipe, _ = decide(trial, images, recipe or Recipe(), device=device)
        losses, smoothed = _climb(trial.train(), images, recipe, rates, progress)
    if not losses:
        raise DivergedError(
            f"the loss of the first step, at a learning rate of {lowest:g}, is not finite; the "
            "network's outputs in training mode must be"
        )
    return RateCurve(
        rates=tuple(rates[: len(losses)]),
        losses=tuple(losses),
        smoothed=tuple(smoothed),
        suggested=_steepest(rates, smoothed),
    )


def _climb(
    network: nn.Module,
    images: ImageSet,
    recipe: Recipe,
    rates: list[float],
    progress: Progress,
) -> tuple[list[float], list[float]]:
    """Train with one rate a step; return losses and smoothed losses up to where they blow up."""
    device = next(network.parameters()).device
    batches = Batches(images, recipe, device)
    objective = objective_for(network, images, recipe, device)
    optimizer = build_optimizer(network, recipe)
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    for step, rate in enumerate(rates):
        progress(Moved(task="range test", done=step, total=len(rates), unit="steps"))
        epoch, place = divmod(step, len(batches))
        batch = next(batches.epoch(epoch + 1, place))
        set_rate(optimizer, rate, recipe.momentum)
        seed_network(seed_for(recipe.seed, epoch + 1, place, "network"))
        loss = _step(network, batch, objective, optimizer, recipe)
        mean = MEMORY * mean + (1 - MEMORY) * loss
        corrected = mean / (1 - MEMORY ** (step + 1))
        if not math.isfinite(loss) or (smoothed and corrected > BLOWN_UP * min(smoothed)):
            break
        losses.append(loss)
        smoothed.append(corrected)
    progress(Moved(task="range test", done=len(rates), total=len(rates), unit="steps"))
    return losses, smoothed


def _step(
    network: nn.Module,
    batch: Batch,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
) -> float:
    """Do one optimiser step; return the loss before it."""
    with autocast(batch.images.device, recipe.precision):
        outputs = network(batch.images)
    if batch.partners is None:
        loss = objective(outputs, batch.labels)
    else:
        loss = objective.mixed(outputs, batch.labels, batch.partners, batch.share)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if recipe.clip_gradient:
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_gradient)
    optimizer.step()
    return loss.item()


def _steepest(rates: list[float], smoothed: list[float]) -> float:
    """Return the middle of the decade of rates over which the smoothed loss falls most.

    Only what lies before its minimum counts. A fall between neighbours would be noise: of one
    network it was found at rates that were a thousand times apart, by the seed.

    >>> f"{_steepest([1e-3, 1e-2, 1e-1, 1.0], [2.0, 1.9, 1.0, 3.0]):.3f}"
    '0.032'
    """
    last = smoothed.index(min(smoothed)) if smoothed else 0
    width = min(last, max(1, round(1 / math.log10(rates[1] / rates[0]))))
    if width == 0:
        return rates[0]
    falls = [smoothed[end - width] - smoothed[end] for end in range(width, last + 1)]
    first = falls.index(max(falls))
    return math.sqrt(rates[first] * rates[first + width])
