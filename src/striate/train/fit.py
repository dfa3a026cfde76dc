"""Train a network on images by a recipe: the one door to the loop."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from striate._errors import DataError, NetworkError, RunError
from striate._events import Progress, Said, silent
from striate.data import ImageSet
from striate.infer import (
    blamed,
    choose_precision,
    evaluating,
    keep_large_blocks,
    kept_modes,
    scores_of,
)
from striate.train.batches import Batch, Batches
from striate.train.checkpoint import differences, pack, surroundings, unpack
from striate.train.log import TrainingLog
from striate.train.loop import Fitted, Trainer
from striate.train.objective import Objective
from striate.train.optimizers import decayed_and_plain
from striate.train.randomness import kept_random_state
from striate.train.recipe import Recipe

__all__ = ["decide", "fit"]

Checkpoint = Mapping[str, Any]


def fit(
    network: nn.Module,
    images: ImageSet,
    recipe: Recipe | None = None,
    *,
    device: torch.device | str = "cpu",
    progress: Progress = silent,
    save: Callable[[Checkpoint, TrainingLog], None] | None = None,
    resume: Checkpoint | None = None,
    stop: Callable[[], bool] = lambda: False,
    decided: bool = False,
) -> Fitted:
    """Train `network` in place and return it with the weights of its best epoch.

    `validation` chooses the epoch; `test` is never read. The global random state and the modes of
    the network are as before when this returns. On a CPU the same seed, data, thread count and
    version give the same bits.

    Args:
        network: Any module that turns (n, c, h, w) into scores, or defines `loss` and `scores`.
        images: Data with splits `train` and, to choose by, `validation`.
        recipe: Choices; what is None in it is chosen for the data.
        device: Where to train.
        progress: Called with records of what happens.
        save: Called with a checkpoint (see `resume`) and the log so far: after each epoch, every
            30 s, and when asked to stop. The tensors in it are those that training goes on with:
            write or copy them before returning.
        resume: A checkpoint of the same run, to go on from. A precision that `recipe` leaves open
            is the checkpoint's.
        stop: Asked after each step; True ends training after a checkpoint.
        decided: Whether `recipe` is what `decide` returned for this network, on this device: then
            the network is not tried once more.

    Raises:
        DivergedError: The loss is no longer finite; epoch, step and rate are named.
        NetworkError: The outputs do not fit the classes, or there is nothing to train.
        RunError: `resume` is of another run or recipe.
    """
    keep_large_blocks()
    device = torch.device(device)
    with kept_random_state(), kept_modes(network):
        recipe = recipe or Recipe()
        if not decided:
            recipe, _ = decide(network, images, _begun(recipe, resume), device=device)

        def keep(trainer: Trainer) -> None:
            if save is not None:
                save(pack(trainer, fingerprint=images.fingerprint), trainer.log)

        trainer = Trainer(network, images, recipe, progress=progress, save=keep, stop=stop)
        if resume is not None:
            _check_same(resume, images, surroundings(device, recipe.precision), progress)
            unpack(resume, trainer)
        return trainer.run()


def decide(
    network: nn.Module,
    images: ImageSet,
    recipe: Recipe,
    *,
    device: torch.device | str = "cpu",
) -> tuple[Recipe, dict[str, Any]]:
    """Return the recipe with nothing left open, and how the precision was chosen.

    The network is tried on one batch, forward and backward on a copy, so mistakes in its shapes
    show here; its weights and buffers stay as they are.

    Raises:
        NetworkError: The network cannot take the images, or its outputs do not fit the classes.
    """
    keep_large_blocks()
    device = torch.device(device)
    if len(images["train"]) == 0:
        raise DataError("there are no training images")
    recipe = recipe.resolved(images, norms=has_norms(network))
    decayed_and_plain(network)  # raises if there is nothing to train
    with kept_random_state():
        place(network, device)
        batch = next(iter(Batches(images, recipe, device).epoch(1)))
        objective = Objective(network, len(images.classes))
        _try(network, batch, objective)
        if recipe.precision != "auto":
            return recipe, {"precision": recipe.precision, "why": "set in the recipe"}
        with blamed("the network cannot be trained"):
            choice = choose_precision(
                network, batch.images, lambda out: objective(out, batch.labels)
            )
    return replace(recipe, precision=choice["precision"]), choice


def _begun(recipe: Recipe, checkpoint: Checkpoint | None) -> Recipe:
    """Return the recipe with the precision the run began with: measured anew it could differ."""
    before = checkpoint.get("recipe") if checkpoint is not None else None
    if recipe.precision != "auto" or not isinstance(before, Mapping):
        return recipe
    return replace(recipe, precision=before.get("precision", "auto"))


def _try(network: nn.Module, batch: Batch, objective: Objective) -> None:
    """Run two images forward in evaluation mode; say in one line what a network cannot take."""
    images, labels = batch.images[:2], batch.labels[:2]
    with evaluating(network), torch.no_grad():
        with blamed(f"the network cannot take images of shape {tuple(images.shape[1:])}"):
            outputs = network(images)
        scores_of(network, outputs, objective.classes)
        loss = float(objective(outputs, labels))
    if not math.isfinite(loss):
        raise NetworkError(f"the untrained network's loss is {loss}; its outputs must be finite")


def _check_same(
    checkpoint: Checkpoint, images: ImageSet, now: Mapping[str, Any], progress: Progress
) -> None:
    """Refuse other data; say where the result will not be the same to the bit."""
    if checkpoint.get("fingerprint") != images.fingerprint:
        raise RunError(
            "the data has changed since the checkpoint was made, so the run cannot go on; "
            "restore the data, or start a new run"
        )
    before = checkpoint.get("surroundings")
    if changed := differences(before if isinstance(before, Mapping) else {}, now):
        progress(Said(text=f"this resume is not bit-exact: {'; '.join(changed)}", warning=True))


def place(network: nn.Module, device: torch.device) -> None:
    """Move the network to `device`, its convolution weights channels last in memory."""
    network.to(device)
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)


def has_norms(network: nn.Module) -> bool:
    """Return whether the network normalises activations, and so bears a high learning rate."""
    kinds = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
    return any(isinstance(module, kinds) for module in network.modules())
