"""Batches: the order, the rest, the augmentation and MixUp, recomputed from their definition."""

import numpy as np
import pytest
import torch
from torch import Tensor

from striate.data import augment
from striate.train import Recipe
from striate.train.batches import Batch, Batches, on_device
from striate.train.randomness import epoch_order, seed_for
from tests.train.sample import image_set, recipe

CPU = torch.device("cpu")


def batches(chosen: Recipe, train: int = 32) -> Batches:
    return Batches(image_set(train), chosen, CPU)


def normal(raw: Tensor) -> Tensor:
    return (raw.double() / 255 - 0.3) / 0.25


@pytest.mark.parametrize(("train", "size", "steps"), [(32, 8, 4), (39, 8, 4), (7, 7, 1), (3, 8, 1)])
def test_a_rest_is_left_out(train: int, size: int, steps: int):
    made = batches(recipe(batch_size=size), train)
    sizes = [len(batch.labels) for batch in made.epoch(1)]
    assert len(made) == steps
    assert sizes == [min(size, train)] * steps


def test_images_and_labels_by_the_definition():
    made = batches(recipe(seed=3))
    raw, labels = image_set()["train"].images, image_set()["train"].labels
    order = epoch_order(32, 3, 2)
    for step, batch in enumerate(made.epoch(2)):
        chosen = order[8 * step : 8 * step + 8]
        assert torch.equal(batch.labels, labels[chosen])
        torch.testing.assert_close(batch.images.double(), normal(raw[chosen]), rtol=1e-5, atol=1e-6)
        assert batch.images.dtype == torch.float32
        assert (batch.partners, batch.share) == (None, 1.0)


def test_an_epoch_shows_every_image_once():
    shown = torch.cat([batch.images for batch in batches(recipe()).epoch(5)])
    everything = normal(image_set()["train"].images).float()
    assert sorted(shown.flatten(1).sum(1).tolist()) == pytest.approx(
        sorted(everything.flatten(1).sum(1).tolist()), rel=1e-4
    )


def equal(one: Batch, other: Batch) -> bool:
    same = torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)
    if one.partners is None or other.partners is None:
        return same and one.partners is other.partners
    return same and torch.equal(one.partners, other.partners) and one.share == other.share


@pytest.mark.parametrize("start", [0, 1, 3, 4])
def test_an_epoch_begun_in_the_middle_is_the_same(start: int):
    chosen = recipe(flip=True, shift=2, erase=0.5, mixup=0.4)
    whole = list(batches(chosen).epoch(3))
    torch.rand(5)  # the global state has no say
    rest = list(batches(chosen).epoch(3, start))
    assert len(rest) == 4 - start
    assert all(equal(a, b) for a, b in zip(whole[start:], rest, strict=True))


def test_seed_epoch_and_step_all_matter():
    chosen = recipe(flip=True, shift=2)
    first = next(batches(chosen).epoch(1))
    assert not equal(first, next(batches(chosen).epoch(2)))
    assert not equal(first, next(batches(recipe(flip=True, shift=2, seed=1)).epoch(1)))


def test_augmentation_is_that_of_the_data_room():
    chosen = recipe(flip=True, shift=2, seed=5)
    made = batches(chosen)
    raw = image_set()["train"].images[epoch_order(32, 5, 1)[8:16]]
    expected = augment(raw, chosen.augmentation, seed=seed_for(5, 1, 1, "augment"))
    found = list(made.epoch(1))[1].images
    torch.testing.assert_close(found.double(), normal(expected), rtol=1e-5, atol=1e-6)
    assert not torch.equal(expected, raw)


def test_the_images_themselves_are_never_changed():
    images = image_set()
    before = images["train"].images.clone()
    list(Batches(images, recipe(flip=True, shift=2, erase=1.0, mixup=0.4), CPU).epoch(1))
    assert torch.equal(images["train"].images, before)


def test_mixup_by_its_formula():
    plain = list(batches(recipe(seed=2)).epoch(4))
    mixed = list(batches(recipe(seed=2, mixup=0.4)).epoch(4))
    for step, (alone, both) in enumerate(zip(plain, mixed, strict=True)):
        draws = np.random.default_rng(seed_for(2, 4, step, "mixup"))
        share = draws.beta(0.4, 0.4)
        other = draws.permutation(8)
        assert both.share == share
        assert both.partners is not None
        assert torch.equal(both.labels, alone.labels)
        assert torch.equal(both.partners, alone.labels[other])
        expected = share * alone.images + (1 - share) * alone.images[other]
        torch.testing.assert_close(both.images, expected)


def test_on_the_cpu_nothing_is_copied():
    part = image_set()["train"]
    images, labels = on_device(part, CPU)
    assert images is part.images
    assert labels is part.labels
