"""The pictures that a run keeps for its report: samples, an augmented batch, the worst mistakes."""

import numpy as np
import torch
from torch import Tensor, nn

from striate import explain
from striate._errors import StriateError
from striate._events import Progress, Said
from striate.data import ImageSet, augment
from striate.files import printable
from striate.infer import predictions
from striate.metrics import probabilities
from striate.train.randomness import seed_for
from striate.train.recipe import Recipe

__all__ = ["collect_pictures"]

SAMPLES = 40
MISTAKES = 24

Arrays = dict[str, np.ndarray]


def collect_pictures(
    network: nn.Module,
    images: ImageSet,
    recipe: Recipe,
    *,
    split: str | None,
    scores: Tensor,
    losses: Tensor,
    progress: Progress,
) -> Arrays:
    """Return the arrays of pictures.npz; docs/run-folder.md says what each holds.

    Args:
        network: Trained network.
        images: Data; samples are of `train`, mistakes of `split`.
        recipe: Whose augmentation and seed are used.
        split: The split that `scores` are of; None for no mistakes.
        scores: Scores of that split.
        losses: Loss of each of its images.
        progress: Told what could not be drawn.
    """
    pictures = _samples(images, recipe)
    if split is not None:
        pictures |= _mistakes(network, images, split, scores, losses, progress)
    try:
        first = explain.filters(network)
    except StriateError as error:
        progress(Said(text=f"no first-layer filters: {error}"))
    else:
        pictures["filters"] = first.unfolded.contiguous().numpy()
        pictures["filters_fold"] = np.array(first.fold)
        pictures["filters_layer"] = np.array(first.layer)
    return pictures


def _hwc(images: Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).contiguous().numpy()


def _samples(images: ImageSet, recipe: Recipe) -> Arrays:
    """Return training images spread over the classes, as they are and as a step sees them."""
    split = images["train"]
    generator = torch.Generator().manual_seed(seed_for(recipe.seed, 0, 0, "samples"))
    order = torch.randperm(len(split), generator=generator)
    # Round-robin over the classes: the k-th image of each class before any (k + 1)-th.
    labels = split.labels[order]
    turn = torch.zeros(len(order), dtype=torch.long)
    for label in range(len(images.classes)):
        own = labels == label
        turn[own] = torch.arange(int(own.sum()))
    chosen = order[torch.argsort(turn * len(images.classes) + labels, stable=True)[:SAMPLES]]
    seen = augment(
        split.images[chosen], recipe.augmentation, seed=seed_for(recipe.seed, 0, 0, "augment")
    )
    return {
        "sample_images": _hwc(split.images[chosen]),
        "sample_labels": split.labels[chosen].numpy(),
        "augmented_images": _hwc(seen),
        "augmented_labels": split.labels[chosen].numpy(),
    }


def _mistakes(
    network: nn.Module,
    images: ImageSet,
    name: str,
    scores: Tensor,
    losses: Tensor,
    progress: Progress,
) -> Arrays:
    """Return the wrong answers of highest loss, each with the Grad-CAM of what was answered."""
    split = images[name]
    answers = predictions(scores)
    wrong = torch.nonzero(answers != split.labels)[:, 0]
    worst = wrong[torch.argsort(losses[wrong], descending=True, stable=True)[:MISTAKES]]
    sure = probabilities(scores[worst], len(images.classes))
    arrays: Arrays = {
        "mistake_images": _hwc(split.images[worst]),
        "mistake_labels": split.labels[worst].numpy(),
        "mistake_predictions": answers[worst].numpy(),
        "mistake_losses": losses[worst].numpy(),
        "mistake_probabilities": sure.gather(1, answers[worst][:, None])[:, 0].numpy(),
        "mistake_names": np.array([printable(split.names[i]) for i in worst], dtype=np.str_),
    }
    if len(worst) == 0:
        return arrays
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    inputs = images.preprocessing.normalize(split.images[worst], device=device)
    try:
        cam = explain.grad_cam(network, inputs, answers[worst].to(device))
    except StriateError as error:
        progress(Said(text=f"no Grad-CAM: {error}"))
        return arrays
    height, width = split.images.shape[2:]
    arrays["mistake_maps"] = explain.resize_maps(cam.values, height, width).cpu().numpy()
    return arrays
