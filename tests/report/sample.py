"""A run folder that no network made, but whose parts agree with one another.

`write_run` draws pictures, scores and curves from a seed; all metrics are computed from the scores,
so a page can be held against them.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from tests.report.plan import FASHION, Plan
from tests.report.sample_arrays import activations, pictures
from tests.report.sample_metrics import metrics, predictions, softmax

__all__ = ["FASHION", "Plan", "metrics", "predictions", "softmax", "write_run"]


_USUAL = Plan()


def write_run(folder: Path, plan: Plan = _USUAL) -> Path:
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
    write_history(folder, plan, random, loss, rate, momentum)


def write_history(
    folder: Path,
    plan: Plan,
    random: np.random.Generator,
    loss: np.ndarray,
    rate: np.ndarray,
    momentum: np.ndarray,
) -> None:
    n = len(loss)
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
