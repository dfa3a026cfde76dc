"""Batches of one epoch: sliced from memory, augmented, mixed and normalised on the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from striate.data import ImageSet, Split, augment
from striate.train.randomness import epoch_order, seed_for
from striate.train.recipe import BATCH, Recipe

__all__ = ["Batch", "Batches", "on_device"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """What one step reads. With MixUp, `images` are mixed and `partners` are the other labels."""

    images: Float[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]
    partners: Int64[Tensor, " n"] | None
    share: float


def on_device(split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return images and labels where training reads them: on the device, if half its memory holds.

    Images that stay in the computer's memory travel batch by batch.
    """
    images, labels = split.images, split.labels
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if images.numel() < free // 2:
            return images.to(device), labels.to(device)
    elif device.type != "cpu":
        return images.to(device), labels.to(device)
    return images, labels


class Batches:
    """The training split as batches; every draw is a function of (seed, epoch, step, use).

    The order changes with each epoch. A rest that fills no batch is left out of its epoch.
    """

    def __init__(self, images: ImageSet, recipe: Recipe, device: torch.device) -> None:
        self.images, self.labels = on_device(images["train"], device)
        self.preprocessing = images.preprocessing
        self.recipe = recipe
        self.device = device
        self.augmentation = recipe.augmentation
        self.size = min(recipe.batch_size or BATCH, len(self.labels))

    def __len__(self) -> int:
        return max(1, len(self.labels) // self.size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of `epoch` (from 1), beginning with step `start` of it (from 0)."""
        order = epoch_order(len(self.labels), self.recipe.seed, epoch).to(self.images.device)
        for step in range(start, len(self)):
            yield self._batch(order[step * self.size : (step + 1) * self.size], epoch, step)

    def augmented(self, chosen: Int64[Tensor, " n"], seed: int) -> UInt8[Tensor, "n c h w"]:
        """Return the images `chosen`, augmented as in training, before normalisation."""
        return augment(
            self.images[chosen].to(self.device, non_blocking=True), self.augmentation, seed=seed
        )

    def _batch(self, chosen: Int64[Tensor, " n"], epoch: int, step: int) -> Batch:
        recipe = self.recipe
        raw = self.augmented(chosen, seed_for(recipe.seed, epoch, step, "augment"))
        images = self.preprocessing.normalize(raw, device=self.device)
        labels = self.labels[chosen].to(self.device, non_blocking=True)
        if recipe.mixup == 0:
            return Batch(images=images, labels=labels, partners=None, share=1.0)
        draws = np.random.default_rng(seed_for(recipe.seed, epoch, step, "mixup"))
        share = float(draws.beta(recipe.mixup, recipe.mixup))
        other = torch.from_numpy(draws.permutation(len(labels))).to(self.device)
        mixed = images.mul(share).add_(images[other], alpha=1 - share)
        return Batch(images=mixed, labels=labels, partners=labels[other], share=share)
