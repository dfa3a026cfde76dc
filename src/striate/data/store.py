"""Room for all images of a set: in memory, or in a file of the cache folder if they are many."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from math import prod
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from striate._errors import StorageError
from striate.data.memory import available_memory
from striate.files import cache_folder, make_folder, printable
from striate.files.atomic import storage_error

__all__ = ["allocate", "rearrange"]


def allocate(
    shape: tuple[int, int, int, int], *, in_memory: int | None = None
) -> UInt8[Tensor, "n c h w"]:
    """Return a tensor of this shape to be filled.

    More than `in_memory` bytes (None: half of what is available) lie in a file of `store/` in the
    cache folder, mapped into memory, so the system can take pages out and read them again. The file
    has no name while it is used (POSIX): it is gone when the tensor is, however the process ends.
    Where that cannot be (Windows), the next call removes what ended processes left.

    Raises:
        StorageError: The file has no room on the disk, or may not be made.
    """
    size = prod(shape)
    if size <= (available_memory() // 2 if in_memory is None else in_memory):
        return torch.empty(shape, dtype=torch.uint8)
    folder = make_folder(cache_folder() / "store")
    _sweep(folder)
    try:
        if shutil.disk_usage(folder).free < size:
            raise StorageError(
                f"{printable(folder)} has no room on the disk for {size >> 20} MiB of images; a "
                "smaller size needs less, or set STRIATE_HOME to a larger disk"
            )
        return torch.from_numpy(_mapped(folder, shape, size))
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise storage_error("write", folder, error) from error


def rearrange(rows: UInt8[Tensor, "n ..."], order: Sequence[int]) -> None:
    """Put row `order[i]` at place i, in place; rows that are not named come behind.

    >>> rows = torch.tensor([[10], [11], [12], [13]], dtype=torch.uint8)
    >>> rearrange(rows, [2, 0])
    >>> rows[:2].flatten().tolist()
    [12, 10]
    """
    named = set(order)
    source = [*order, *(row for row in range(len(rows)) if row not in named)]
    values = rows.numpy()
    for start in range(len(source)):
        if source[start] in (start, -1):
            continue
        kept, place = values[start].copy(), start
        while source[place] != start:  # follow the cycle; -1 marks what is in place
            values[place] = values[source[place]]
            source[place], place = -1, source[place]
        values[place] = kept
        source[place] = -1


def _mapped(folder: Path, shape: tuple[int, ...], size: int) -> UInt8[np.ndarray, "n c h w"]:
    handle, name = tempfile.mkstemp(prefix="images-", dir=folder)
    with os.fdopen(handle, "r+b") as file:
        with suppress(PermissionError):  # Windows: not while it is open; the next sweep does
            Path(name).unlink()
        if hasattr(os, "posix_fallocate"):  # a hole without room behind it would kill on writing
            os.posix_fallocate(handle, 0, size)
        else:
            file.truncate(size)
        return np.memmap(file, dtype=np.uint8, mode="r+", shape=shape)


def _sweep(folder: Path) -> None:
    for left in folder.glob("images-*"):
        with suppress(OSError):  # still in use, by another process
            left.unlink()
