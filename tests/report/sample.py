"""A run folder that no network made, but whose parts agree with one another.

`write_run` draws pictures, scores and curves from a seed; all metrics are computed from the scores,
so a page can be held against them.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True)
class Plan:
    """Sizes of a sample run."""

    classes: Sequence[str] = FASHION
    images: int = 600
    side: int = 12
    channels: int = 1
    epochs: int = 6
    steps_an_epoch: int = 20
    layers: int = 7
    times: int = 30
    bins: int = 41
    shown: int = 40
    mistakes: int = 12
    seed: int = 0
    skill: float = 3.0
    recipe: dict[str, Any] = field(default_factory=dict)


def write_run(folder: Path, plan: Plan = Plan()) -> Path:
    """Write a sample run into `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(plan.seed)
    labels, scores = predictions(plan, random)
    write_recipe(folder, plan)
    write_json(folder / "metrics.json", metrics(labels, scores, plan.classes))
    write_json(folder / "data.json", manifest(plan))
    write_json(folder / "environment.json", environment(plan))
    write_json(folder / "layers.json", layer_table(plan))
    write_curves(folder, plan, random)
    names = np.array([f"test/{i:05d}.png" for i in range(len(labels))])
    write_arrays(folder / "predictions.npz", {"labels": labels, "scores": scores, "names": names})
    write_arrays(folder / "activations.npz", activations(plan, random))
    write_arrays(folder / "pictures.npz", pictures(plan, random, labels, scores))
    return folder


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    np.savez_compressed(path, allow_pickle=False, **arrays)


def write_csv(path: Path, columns: dict[str, Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_recipe(folder: Path, plan: Plan) -> None:
    fields = {
        "epochs": plan.epochs,
        "batch_size": 128,
        "learning_rate": 0.1,
        "momentum": 0.95,
        "weight_decay": 0.0005,
        "optimizer": "sgd",
        "schedule": "one-cycle",
        "label_smoothing": 0.1,
        "mixup": 0.0,
        "ema": 0.998,
        "precision": "auto",
        "seed": plan.seed,
    }
    recipe = {
        "striate": {"format": 1, "version": "0.1.0"},
        "data": {"source": "fashion-mini", "size": plan.side, "seed": 0},
        "network": {"name": "small_resnet", "code": False, "options": {}},
        "recipe": fields | plan.recipe,
    }
    (folder / "recipe.toml").write_text(tomli_w.dumps(recipe))


def predictions(plan: Plan, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and scores: right more often than not, neighbours confused."""
    k = len(plan.classes)
    labels = np.arange(plan.images) % k
    scores = random.normal(size=(plan.images, k)).astype(np.float32)
    scores[np.arange(plan.images), labels] += plan.skill
    scores[np.arange(plan.images), (labels + 1) % k] += plan.skill / 2
    return labels, scores


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def metrics(labels: np.ndarray, scores: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    k = len(classes)
    likely = softmax(scores)
    said = likely.argmax(axis=1)
    confusion = np.zeros((k, k), int)
    np.add.at(confusion, (labels, said), 1)
    bins = calibration_bins(likely, labels)
    n = len(labels)
    test = {
        "accuracy": float((said == labels).mean()),
        "loss": float(-np.log(likely[np.arange(n), labels]).mean()),
        "ece": sum(b["count"] * abs(b["confidence"] - b["accuracy"]) for b in bins if b["count"])
        / n,
        "images": n,
        "ece_scaled": 0.0123,
    }
    return {
        "weights": "ema",
        "best_epoch": 5,
        "validation": {"accuracy": 0.8123, "loss": 0.61, "ece": 0.031, "images": 100},
        "test": test,
        "temperature": 1.37,
        "classes_split": "test",
        "classes": [class_row(confusion, i, classes[i]) for i in range(k)],
        "confusion": confusion.tolist(),
        "calibration": {"bins": bins},
    }


def class_row(confusion: np.ndarray, i: int, name: str) -> dict[str, Any]:
    hit, found, there = confusion[i, i], confusion[:, i].sum(), confusion[i].sum()
    precision, recall = float(hit / max(found, 1)), float(hit / max(there, 1))
    f1 = 2 * precision * recall / max(precision + recall, 1e-12)
    return {"name": name, "precision": precision, "recall": recall, "f1": f1, "support": int(there)}


def calibration_bins(likely: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
    sure, right = likely.max(axis=1), likely.argmax(axis=1) == labels
    rows: list[dict[str, Any]] = []
    for i in range(15):
        inside = (sure > i / 15) & (sure <= (i + 1) / 15)
        n = int(inside.sum())
        rows.append(
            {
                "low": i / 15,
                "high": (i + 1) / 15,
                "count": n,
                "confidence": float(sure[inside].mean()) if n else None,
                "accuracy": float(right[inside].mean()) if n else None,
            }
        )
    return rows


def manifest(plan: Plan) -> dict[str, Any]:
    k = len(plan.classes)
    return {
        "name": "fashion-mini",
        "source": "fashion-mini",
        "options": {"size": 128, "seed": 0},
        "classes": list(plan.classes),
        "fingerprint": "5f" * 32,
        "sizes": {"channels": plan.channels, "height": plan.side, "width": plan.side},
        "splits": {
            "train": {"count": 900 * k, "class_counts": [900] * k},
            "validation": {"count": 10 * k, "class_counts": [10] * k},
            "test": {"count": plan.images, "class_counts": [plan.images // k] * k},
        },
        "split_rule": "Validation: a stratified tenth of the training half; test as published.",
        "doctor": {
            "checked": 10_000,
            "broken": [{"file": "Coat/0017.jpg", "reason": "cut off after 1,204 bytes"}],
            "duplicates": [["Bag/1.png", "Bag/7.png"]],
            "leaks": [
                {"file": "Shirt/3.png", "split": "test", "same_as": "Shirt/9.png", "in": "train"}
            ],
            "conflicts": [],
            "warnings": ["class Sandal has one image; it is used for training only"],
        },
    }


def environment(plan: Plan) -> dict[str, Any]:
    return {
        "striate": "0.1.0",
        "torch": "2.13.0",
        "python": "3.11.7",
        "platform": "Linux",
        "processor": "Example CPU @ 2.0 GHz",
        "cpu_capability": "AVX512",
        "threads": 2,
        "device": "cpu",
        "precision": "bf16",
        "precision_choice": {"float32_ms": 21.5, "bf16_ms": 9.25},
        "started": "2026-03-07T09:05:12+00:00",
        "ended": "2026-03-07T09:06:24+00:00",
        "seconds": 72.4,
        "peak_memory_mib": 812.5,
    }


def layer_table(plan: Plan) -> dict[str, Any]:
    rows = [
        {
            "name": f"stages.{i // 4}.{i % 4}.conv",
            "kind": "Conv2d",
            "output_shape": [1, 16 * (1 + i // 4), 14, 14],
            "parameters": 2304 * (1 + i // 4),
            "trainable": 2304 * (1 + i // 4),
            "shared": False,
            "multiply_adds": 451_584 * (1 + i // 4),
        }
        for i in range(plan.layers)
    ]
    totals = {
        key: sum(row[key] for row in rows) for key in ("parameters", "trainable", "multiply_adds")
    }
    return {
        "rows": rows,
        "totals": totals,
        "size": [plan.side, plan.side],
        "convention": "one row a call; multiply-adds of convolution and linear calls",
    }


def write_curves(folder: Path, plan: Plan, random: np.random.Generator) -> None:
    n = plan.epochs * plan.steps_an_epoch
    place = np.arange(1, n + 1) / n
    rate = 0.1 * np.where(place < 0.3, place / 0.3, (1 + np.cos(np.pi * (place - 0.3) / 0.7)) / 2)
    momentum = 0.95 - 0.1 * rate / 0.1
    loss = 2.1 * np.exp(-4 * place) + 0.2 + 0.08 * random.normal(size=n)
    accuracy = np.clip(1 - loss / 2.6, 0, 1)
    epoch = np.arange(n) // plan.steps_an_epoch + 1
    write_csv(
        folder / "steps.csv",
        {
            "step": list(range(1, n + 1)),
            "epoch": epoch.tolist(),
            "learning_rate": rate.tolist(),
            "momentum": momentum.tolist(),
            "loss": loss.tolist(),
            "accuracy": accuracy.tolist(),
        },
    )
    ends = np.arange(1, plan.epochs + 1) * plan.steps_an_epoch
    means = loss.reshape(plan.epochs, -1).mean(axis=1)
    validation = 0.25 + 1.2 * np.exp(-3 * ends / n) + 0.02 * random.normal(size=plan.epochs)
    best = validation == validation.min()
    write_csv(
        folder / "history.csv",
        {
            "epoch": list(range(1, plan.epochs + 1)),
            "step": ends.tolist(),
            "learning_rate": rate[ends - 1].tolist(),
            "momentum": momentum[ends - 1].tolist(),
            "train_loss": means.tolist(),
            "train_accuracy": (1 - means / 2.6).tolist(),
            "validation_loss": validation.tolist(),
            "validation_accuracy": (1 - validation / 2.6).tolist(),
            "best": best.astype(int).tolist(),
        },
    )
    write_csv(
        folder / "timings.csv",
        {
            "epoch": list(range(1, plan.epochs + 1)),
            "seconds": (12 + random.random(plan.epochs)).tolist(),
            "images_per_second": (740 + 20 * random.random(plan.epochs)).tolist(),
            "validation_seconds": [0.5] * plan.epochs,
            "peak_memory_mib": [800.0] * plan.epochs,
        },
    )


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
