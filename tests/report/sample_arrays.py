"""Activations and pictures of a sample run."""

import numpy as np

from tests.report.plan import Plan
from tests.report.sample_metrics import softmax


def activations(plan: Plan, random: np.random.Generator) -> dict[str, np.ndarray]:
    t, n, bins = plan.times, plan.layers, plan.bins
    steps = np.linspace(1, plan.epochs * plan.steps_an_epoch, t).astype(np.int64)
    place = np.linspace(0, 1, t)[:, None]
    deviation = (0.5 + 0.5 * place + 0.1 * np.arange(n)).astype(np.float32)
    near_zero = np.clip(0.2 + 0.3 * place + 0.02 * np.arange(n), 0, 1).astype(np.float32)
    limit = (3 * deviation.max(axis=0)).astype(np.float32)
    centres = (np.arange(bins) + 0.5) / bins * 2 - 1
    values = centres * limit[None, :, None] / deviation[:, :, None]
    histogram = np.exp(-(values**2) / 2)
    histogram /= histogram.sum(axis=2, keepdims=True)
    return {
        "steps": steps,
        "names": np.array([f"stages.{i // 4}.{i % 4}.conv" for i in range(n)]),
        "kinds": np.array(["Conv2d", "BatchNorm2d", "ReLU"])[np.arange(n) % 3],
        "mean": (0.1 * random.normal(size=(t, n))).astype(np.float32),
        "deviation": deviation,
        "near_zero": near_zero,
        "limit": limit,
        "histogram": histogram.astype(np.float32),
    }


def pictures(
    plan: Plan, random: np.random.Generator, labels: np.ndarray, scores: np.ndarray
) -> dict[str, np.ndarray]:
    likely = softmax(scores)
    losses = -np.log(likely[np.arange(len(labels)), labels])
    wrong = np.flatnonzero(likely.argmax(axis=1) != labels)
    worst = wrong[np.argsort(-losses[wrong])][: plan.mistakes]
    maps = np.maximum(random.normal(size=(len(worst), plan.side, plan.side)), 0)
    maps[:1] = 0  # one map without evidence
    shown = np.arange(plan.shown) % len(plan.classes)
    kernel = (16, plan.channels, 3, 3)
    return {
        "sample_images": photos(shown, plan, random),
        "sample_labels": shown,
        "augmented_images": photos(shown, plan, random),
        "augmented_labels": shown,
        "mistake_images": photos(labels[worst], plan, random),
        "mistake_labels": labels[worst],
        "mistake_predictions": likely[worst].argmax(axis=1),
        "mistake_losses": losses[worst].astype(np.float32),
        "mistake_probabilities": likely[worst].max(axis=1).astype(np.float32),
        "mistake_names": np.array([f"test/{i:05d}.png" for i in worst]),
        "mistake_maps": maps.astype(np.float32),
        "filters": random.normal(size=kernel).astype(np.float32),
        "filters_layer": np.array("stem.conv"),
    }


def photos(labels: np.ndarray, plan: Plan, random: np.random.Generator) -> np.ndarray:
    """Return pictures (n, h, w, c): stripes whose direction is the class, in noise."""
    y, x = np.mgrid[: plan.side, : plan.side] / plan.side
    angle = np.pi * labels[:, None, None] / len(plan.classes)
    waves = np.sin(12 * (x * np.cos(angle) + y * np.sin(angle)))
    shape = (len(labels), plan.side, plan.side, plan.channels)
    noisy = 127 + 90 * waves[..., None] + 20 * random.normal(size=shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)
