"""Random orders that no library's version changes."""

import hashlib

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

__all__ = ["mixed", "shuffled"]


def shuffled(count: int, *, seed: int, use: str) -> Int64[Tensor, " n"]:
    """Return 0..count-1 in an order that is a function of `seed` and `use` alone.

    The positions are sorted by the numbers of `mixed`. So the same images form a split in ten
    years and on any machine, which `torch.randperm` does not promise.

    Args:
        count: How many positions, 0 or more.
        seed: Any integer.
        use: What the order is for; two uses of one seed are unrelated.

    >>> shuffled(5, seed=0, use="example").tolist()
    [0, 3, 4, 1, 2]
    """
    return torch.from_numpy(np.argsort(mixed(count, seed=seed, use=use), kind="stable"))


def mixed(count: int, *, seed: int, use: str) -> np.ndarray:
    """Return `count` random uint64 numbers, a function of `seed` and `use` alone.

    Number i is splitmix64(start + i), `start` being a hash of `seed` and `use`.

    Source:
        Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014, figure 16.

    >>> mixed(2, seed=0, use="example").dtype
    dtype('uint64')
    """
    digest = hashlib.sha256(f"{use}\n{seed}".encode()).digest()
    start = np.uint64(int.from_bytes(digest[:8], "little"))
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is meant
        key = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return key ^ (key >> np.uint64(31))
