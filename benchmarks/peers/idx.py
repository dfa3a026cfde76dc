"""Read MNIST or Fashion-MNIST from IDX files into NumPy arrays, without Striate."""

import gzip
import os
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # package dataset-fashion-mnist


def data_folder(name: str) -> Path:
    """Return the folder in which Striate looks for the data set `name`."""
    home = os.environ.get("STRIATE_HOME") or user_cache_dir("striate")
    return Path(home).expanduser() / "data" / name


def read_file(folder: Path, name: str) -> np.ndarray:
    """Return the array in `folder/name` or `folder/name.gz`."""
    plain, packed = folder / name, folder / f"{name}.gz"
    content = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    sizes = np.frombuffer(content, ">i4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + sizes.nbytes).reshape(sizes)


def read(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training images (n, 28, 28), training labels, test images and test labels as uint8."""
    folder = data_folder(name)
    if name == "fashion-mnist" and not folder.exists():
        folder = DEBIAN
    train_images, train_labels, test_images, test_labels = (
        read_file(folder, f"{half}-{kind}-ubyte")
        for half in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    )
    return train_images, train_labels, test_images, test_labels
