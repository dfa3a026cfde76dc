"""Make the embedded set: 10,000 training and 2,000 test images of Fashion-MNIST, 1,000/200 a class.

    python scripts/make_fashion_mini.py FOLDER    # FOLDER has the official four IDX files

Each half is drawn from the official half of the same name, by `striate.data.select` with seed 0,
and kept in the official order; `*-members-idx1-int.gz` has the official position of each image.
Run again it writes the same bytes (the pixels always; the gzip stream with the same zlib).
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch

from striate.data.idx import read_idx, write_idx
from striate.data.named import NAMED
from striate.data.selection import select
from striate.files import make_folder, write_bytes

PER_CLASS = {"train": 1000, "t10k": 200}


def official(folder: Path, name: str, dimensions: int) -> np.ndarray:
    """Return an official file's array, plain or packed, after a check of its hash."""
    plain = folder / name
    path = plain if plain.exists() else plain.with_name(f"{name}.gz")
    read = read_idx(path, dimensions=dimensions)
    expected = NAMED["fashion-mnist"].files[name].sha256
    if read.sha256 != expected:
        raise SystemExit(f"{path} is not the official file")
    return read.values


def main() -> None:
    """Write the six files and say how large they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parents[1] / "src/striate/data/embedded"
    )
    options = parser.parse_args()
    make_folder(options.out)
    total = 0
    for half, per_class in PER_CLASS.items():
        images = official(options.folder, f"{half}-images-idx3-ubyte", 3)
        labels = official(options.folder, f"{half}-labels-idx1-ubyte", 1)
        names = NAMED["fashion-mnist"].classes
        members = select(
            torch.from_numpy(labels).long(), names, per_class=per_class, seed=0
        ).numpy()
        parts = {
            "images-idx3-ubyte": images[members],
            "labels-idx1-ubyte": labels[members],
            "members-idx1-int": members.astype(np.int32),
        }
        for name, values in parts.items():
            data = gzip.compress(write_idx(values), compresslevel=9, mtime=0)
            write_bytes(options.out / f"{half}-{name}.gz", data)
            total += len(data)
    print(f"{total:,} bytes")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
