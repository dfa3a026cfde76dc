"""Folders of pictures and networks so small that a whole run takes a fraction of a second."""

import csv
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from striate import jobs
from striate._events import silent
from striate.data import ImageSet, Split
from striate.data.sealing import seal
from striate.runs import Run

CLASSES = ("cross", "disc", "stripe")
NETS = """
import torch
from torch import nn


class Tiny(nn.Sequential):
    def __init__(self, in_channels, outputs, drop=0.1):
        super().__init__(
            nn.Conv2d(in_channels, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(drop), nn.Linear(16, outputs),
        )


def tiny(in_channels, classes, drop=0.1):
    return Tiny(in_channels, classes, drop)


def binary(in_channels):
    return Tiny(in_channels, 1)
"""
"""Networks of the user's, as text of a file."""

EQUAL = (
    "recipe.toml", "model.safetensors", "history.csv", "steps.csv", "metrics.json", "data.json",
    "layers.json", "activations.npz", "predictions.npz", "pictures.npz",
)  # fmt: skip
"""Files that docs/run-folder.md promises to be equal for equal runs."""

OTHERS = ("timings.csv", "environment.json", "checkpoint.pt", "report.html", ".lock")

FAST: dict[str, Any] = {
    "epochs": 2, "batch_size": 8, "precision": "float32", "statistics": 4, "learning_rate": 0.05,
}  # fmt: skip


def picture(label: int, random: np.random.Generator, side: int = 12) -> np.ndarray[Any, Any]:
    """Return noise with the channel and the rows of the class brighter."""
    pixels = random.integers(0, 120, (side, side, 3), dtype=np.uint8)
    pixels[:, :, label % 3] += np.uint8(60)
    pixels[label * 3 : label * 3 + 3] += np.uint8(60)
    return pixels


def write_photos(
    root: Path, *, classes: Sequence[str] = CLASSES, each: int = 14, seed: int = 0
) -> Path:
    """Write a folder of PNG images, a folder a class; return it."""
    random = np.random.default_rng(seed)
    for label, name in enumerate(classes):
        folder = root / name
        folder.mkdir(parents=True)
        for i in range(each):
            Image.fromarray(picture(label, random)).save(folder / f"{i:02d}.png")
    return root


def write_nets(folder: Path) -> str:
    """Write the user's networks; return the name of the smallest, `file.py:function`."""
    (folder / "nets.py").write_text(NETS)
    return f"{folder / 'nets.py'}:tiny"


def image_set(classes: Sequence[str] = CLASSES, *, each: int = 10, test: int = 4) -> ImageSet:
    """Return images in memory."""
    random = np.random.default_rng(0)

    def split(name: str, each: int) -> Split:
        labels = torch.arange(each * len(classes)) % len(classes)
        images = np.stack([picture(int(label), random) for label in labels])
        return Split(
            images=torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
            labels=labels,
            names=tuple(f"{name}/{i}" for i in range(len(labels))),
        )

    splits = {"train": split("train", each), "validation": split("validation", 3)}
    if test:
        splits["test"] = split("test", test)
    return seal(
        name="pictures", source="nowhere", options={}, classes=classes, splits=splits, files={},
        doctor={}, split_rule="made up",
    )  # fmt: skip


def fit(data: Path | ImageSet, model: Any, out: Path, **changes: Any) -> Run:
    """Train quickly and in silence."""
    arguments: dict[str, Any] = {"out": out, "progress": silent, "stop": lambda: False}
    return jobs.fit(data, model, **{**arguments, **FAST, **changes})


def digests(folder: Path, names: Sequence[str] = EQUAL) -> dict[str, str]:
    """Return the hash of each file; a missing one says so."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if (folder / name).exists()
        else "missing"
        for name in names
    }


def assert_same(one: Path, other: Path, names: Sequence[str] = EQUAL) -> None:
    """Fail unless the files of two runs are equal byte by byte."""
    mine, theirs = digests(one, names), digests(other, names)
    different = [name for name in names if mine[name] != theirs[name]]
    assert not different, f"{different} differ"
    assert "missing" not in mine.values()


def after(steps: int) -> Callable[[], bool]:
    """Return a `stop` that says True when it has been asked `steps` times."""
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= steps

    return stop


def state(folder: Path) -> Mapping[str, tuple[int, int, bytes]]:
    """Return time, number and bytes of every file, to see that nothing changed."""
    return {
        path.name: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
        for path in sorted(folder.iterdir())
    } | {".": (folder.stat().st_mtime_ns, 0, b"")}


def undecodable(text: str) -> str:
    """Return a name with a byte in it that is not UTF-8."""
    return os.fsdecode(text.encode() + b"\xe9")


def resume(folder: Path, **changes: Any) -> Run:
    """Go on in silence."""
    arguments: dict[str, Any] = {"progress": silent, "stop": lambda: False}
    return jobs.resume(folder, **{**arguments, **changes})


def net(outputs: int = 3) -> nn.Module:
    """Return a network for images of 12 x 12, the same each time."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(64, outputs)
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def softmax(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return probabilities, in float64."""
    powers = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
