"""Image files for the tests, made on the spot."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from striate.data.decoding import decode


def noise(seed: int, height: int = 12, width: int = 12, channels: int = 3) -> np.ndarray:
    """Return random pixels: no two seeds give the same image."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, pixels: np.ndarray | Image.Image, **options: Any) -> Path:
    """Write an image, making its folder; the name decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


def fill(root: Path, counts: dict[str, int], **options: Any) -> Path:
    """Write `counts[folder]` different PNG images into each folder below `root`."""
    seed = sum(1 for _ in root.rglob("*")) * 1000
    for folder, count in counts.items():
        for index in range(count):
            seed += 1
            save(root / folder / f"{index:03d}.png", noise(seed, **options))
    return root


def pixels_of(path: Path, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return what `decode` makes of a file, channels last, or without that axis if grey."""
    image = decode(path, channels=channels, height=height, width=width)
    assert image.dtype == torch.uint8
    assert image.is_contiguous()
    return image[0].numpy() if channels == 1 else image.permute(1, 2, 0).numpy()
