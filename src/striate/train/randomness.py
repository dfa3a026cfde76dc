"""Randomness as a function of (seed, epoch, step, use), never of a carried global state."""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager

import torch
from jaxtyping import Int64
from torch import Tensor

__all__ = ["epoch_order", "kept_random_state", "seed_for", "seed_network"]


def seed_for(seed: int, epoch: int, step: int, use: str) -> int:
    """Return a 63-bit seed that no other (seed, epoch, step, use) shares, but by chance.

    >>> seed_for(0, 1, 2, "augment") == seed_for(0, 1, 2, "augment")
    True
    >>> seed_for(0, 1, 2, "augment") == seed_for(0, 1, 3, "augment")
    False
    """
    words = f"{seed}/{epoch}/{step}/{use}".encode()
    return int.from_bytes(hashlib.blake2b(words, digest_size=8).digest(), "big") >> 1


def epoch_order(count: int, seed: int, epoch: int) -> Int64[Tensor, " n"]:
    """Return the order of `count` images in `epoch`, a permutation."""
    generator = torch.Generator().manual_seed(seed_for(seed, epoch, 0, "order"))
    return torch.randperm(count, generator=generator)


def seed_network(value: int) -> None:
    """Seed the generators that layers such as dropout draw from."""
    torch.default_generator.manual_seed(value)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(value)
    elif torch.backends.mps.is_available():
        torch.mps.manual_seed(value)


@contextmanager
def kept_random_state() -> Generator[None, None, None]:
    """Give the global random state back on exit as it was on entry."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        yield
