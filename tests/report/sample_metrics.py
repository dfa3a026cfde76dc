"""Predictions of a sample run, and its metrics computed from them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.report.plan import Plan


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
