"""Randomness as a function of (seed, epoch, step, use), and the global state left alone."""

import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.train.randomness import epoch_order, kept_random_state, seed_for, seed_network

WHOLE = st.integers(0, 2**63 - 1)


def test_a_seed_against_the_hash_it_is_made_of():
    digest = hashlib.blake2b(b"3/1/7/mixup", digest_size=8).digest()
    assert seed_for(3, 1, 7, "mixup") == int.from_bytes(digest, "big") // 2


def test_every_part_of_the_key_matters_and_none_runs_into_the_next():
    keys = [(0, 1, 2, "a"), (1, 1, 2, "a"), (0, 2, 2, "a"), (0, 1, 3, "a"), (0, 1, 2, "b")]
    keys += [(0, 11, 2, "a"), (0, 1, 12, "a"), (11, 1, 2, "a")]
    assert len({seed_for(*key) for key in keys}) == len(keys)


@given(WHOLE, st.integers(0, 10**6), st.integers(0, 10**6), st.text(max_size=8))
def test_a_seed_fits_every_generator(seed: int, epoch: int, step: int, use: str):
    assert 0 <= seed_for(seed, epoch, step, use) < 2**63


@given(st.integers(0, 50), WHOLE, st.integers(1, 100))
def test_the_order_is_a_permutation(count: int, seed: int, epoch: int):
    assert sorted(epoch_order(count, seed, epoch).tolist()) == list(range(count))


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else():
    order = epoch_order(100, 0, 1)
    torch.rand(3)
    assert torch.equal(epoch_order(100, 0, 1), order)
    assert not torch.equal(epoch_order(100, 0, 2), order)
    assert not torch.equal(epoch_order(100, 1, 1), order)


def test_seeding_the_network_decides_what_dropout_draws():
    seed_network(5)
    first = torch.nn.functional.dropout(torch.ones(64))
    torch.rand(7)
    seed_network(5)
    assert torch.equal(torch.nn.functional.dropout(torch.ones(64)), first)
    seed_network(6)
    assert not torch.equal(torch.nn.functional.dropout(torch.ones(64)), first)


def test_the_global_state_comes_back():
    before = torch.get_rng_state()
    with kept_random_state():
        seed_network(1)
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_state_comes_back_when_the_block_raises():
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="size of tensor"), kept_random_state():
        torch.rand(3).add(torch.rand(4))
    assert torch.equal(torch.get_rng_state(), before)
