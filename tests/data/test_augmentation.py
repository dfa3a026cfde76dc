"""Policies and what they do to a batch: laws, known draws, distributions, errors."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import RecipeError
from striate.data import Augmentation, augment
from striate.data.augmentation import _USES
from tests.data.test_moving import loop, noise

EVERYTHING = Augmentation(
    flip=True,
    shift=2,
    rotate=15.0,
    scale=0.2,
    shear=10.0,
    erase=0.5,
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
)
SINGLE = [
    Augmentation(flip=True),
    Augmentation(shift=2),
    Augmentation(shift=2, fill="constant"),
    Augmentation(rotate=30.0),
    Augmentation(scale=0.3),
    Augmentation(shear=20.0),
    Augmentation(erase=1.0),
    Augmentation(brightness=0.5),
    Augmentation(contrast=0.5),
    Augmentation(saturation=0.5),
    EVERYTHING,
]


def label(policy: Augmentation) -> str:
    off = asdict(Augmentation())
    return " ".join(name for name, value in asdict(policy).items() if value != off[name])


def draws(n: int, seed: int) -> dict[str, np.ndarray]:
    """Return the random numbers, drawn one image after the other."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.rand(len(_USES), generator=generator).numpy() for _ in range(n)]
    return dict(zip(_USES, np.array(rows).T, strict=True))


def test_off_changes_nothing() -> None:
    images = noise(3, 3, 8, 8)
    assert not Augmentation(fill="constant").on
    assert augment(images, Augmentation(), seed=1) is images


@pytest.mark.parametrize("edge", [True, False])
@pytest.mark.parametrize("flip", [True, False])
def test_flip_and_shift_by_known_draws(flip: bool, edge: bool) -> None:
    images = noise(40, 3, 9, 7)
    policy = Augmentation(flip=flip, shift=3, fill="nearest" if edge else "constant")
    known = draws(40, seed=11)
    mirrored = [flip and bool(u < 0.5) for u in known["flip"]]
    across = [int(u * 7) - 3 for u in known["shift_x"]]
    down = [int(u * 7) - 3 for u in known["shift_y"]]
    expected = loop(images.numpy(), mirrored, across, down, edge)
    np.testing.assert_array_equal(augment(images, policy, seed=11).numpy(), expected)


def test_flipped_twice_is_the_image() -> None:
    images, policy = noise(50, 1, 6, 5), Augmentation(flip=True)
    once = augment(images, policy, seed=3)
    changed = (once != images).flatten(1).any(dim=1)
    assert 10 < int(changed.sum()) < 40
    assert torch.equal(once[changed], images[changed].flip(3))
    assert torch.equal(augment(once, policy, seed=3), images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", SINGLE, ids=label)
def test_laws_of_every_policy(policy: Augmentation, channels: int) -> None:
    images = noise(24, channels, 16, 12)
    before, state = images.clone(), torch.get_rng_state()
    result = augment(images, policy, seed=5)
    assert result.shape == images.shape
    assert result.dtype == torch.uint8
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(result, augment(images, policy, seed=5))
    if not (channels == 1 and policy == Augmentation(saturation=0.5)):
        assert not torch.equal(result, images)
        assert not torch.equal(result, augment(images, policy, seed=6))
    assert torch.equal(augment(images[:7], policy, seed=5), result[:7])
    others = torch.cat([images[:3], noise(21, channels, 16, 12, seed=9)])
    assert torch.equal(augment(others, policy, seed=5)[:3], result[:3])
    assert len(augment(images[:0], policy, seed=5)) == 0
    last = images.to(memory_format=torch.channels_last)
    assert torch.equal(augment(last, policy, seed=5), result)


def test_images_differ_from_one_another() -> None:
    images = noise(1, 3, 16, 16).expand(64, -1, -1, -1).contiguous()
    result = augment(images, EVERYTHING, seed=0)
    assert len({image.numpy().tobytes() for image in result}) == 64


def test_switching_one_on_leaves_the_others_as_they_were() -> None:
    images = noise(20, 1, 9, 9)
    moved = augment(images, Augmentation(shift=2), seed=4)
    lit = augment(images, Augmentation(shift=2, brightness=0.4), seed=4)
    factors = 1 + 0.4 * (2 * draws(20, seed=4)["brightness"] - 1)
    expected = (moved.numpy() * factors[:, None, None, None]).round().clip(0, 255)
    assert abs(lit.numpy() - expected).max() <= 1


def test_every_shift_is_as_likely() -> None:
    images = torch.zeros(20_000, 1, 5, 5, dtype=torch.uint8)
    images[:, 0, 2, 2] = 1
    places = augment(images, Augmentation(shift=2), seed=0).flatten(1).argmax(dim=1)
    counts = torch.bincount(places, minlength=25)
    assert counts.min() > 650  # 800 each; the deviation is 28
    assert counts.max() < 950
    pairs = torch.arange(2, dtype=torch.uint8).expand(20_000, 1, 1, 2)
    flipped = augment(pairs, Augmentation(flip=True), seed=0)[:, 0, 0, 0]
    assert 9_700 < int(flipped.sum()) < 10_300


@pytest.mark.parametrize("shift", [1, 2, 3, 7, 8, 100, 1000])
def test_the_highest_draw_stays_within_the_shift(
    monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    monkeypatch.setattr(torch, "rand", lambda *s, **_: torch.full(s, 1 - 2**-24))
    side = 2 * shift + 1
    image = torch.zeros(1, 1, side, side, dtype=torch.uint8)
    image[0, 0, shift, shift] = 1
    result = augment(image, Augmentation(shift=shift), seed=0)
    assert int(result.flatten().argmax()) == side * side - 1  # right and down by the whole shift


def test_erased_rectangles() -> None:
    images = torch.zeros(4000, 3, 20, 30, dtype=torch.uint8)
    hidden = augment(images, Augmentation(erase=0.25), seed=2).amax(dim=1) > 0
    touched = hidden.flatten(1).any(dim=1)
    assert 900 < int(touched.sum()) < 1100
    areas = []
    for mask in hidden[touched].numpy():
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        high, wide = len(rows), len(columns)
        assert mask.sum() == high * wide  # one full rectangle
        assert rows[-1] - rows[0] + 1 == high
        assert columns[-1] - columns[0] + 1 == wide
        areas.append(high * wide / 600)
    assert 0.01 < min(areas) < 0.03
    assert 0.30 < max(areas) < 0.36
    assert np.mean(areas) == pytest.approx(0.175, abs=0.01)  # (0.02 + 0.33) / 2
    corners = hidden[touched][:, [0, 0, -1, -1], [0, -1, 0, -1]].sum(dim=0)
    assert corners.min() > 0  # up to the very edge, on all sides


def test_angles_and_factors_lie_within_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def keep(images: torch.Tensor, **amounts: Any) -> torch.Tensor:
        seen.update(amounts)
        return images

    monkeypatch.setattr("striate.data.augmentation.warped", keep)
    policy = Augmentation(rotate=30.0, scale=0.2, shear=10.0, shift=1, fill="constant")
    augment(torch.zeros(5000, 1, 4, 4, dtype=torch.uint8), policy, seed=0)
    for name, middle, reach in (("degrees", 0, 30), ("factor", 1, 0.2), ("slant", 0, 10)):
        low, high = seen[name].aminmax()
        assert middle - reach <= low < middle - 0.99 * reach
        assert middle + 0.99 * reach < high <= middle + reach
        assert seen[name].mean() == pytest.approx(middle, abs=0.05 * reach)
    assert seen["flip"] is None
    assert seen["edge"] is False
    assert sorted(set(seen["across"].tolist())) == [-1, 0, 1]


@pytest.mark.parametrize("policy", SINGLE, ids=label)
def test_draws_are_made_on_the_cpu(policy: Augmentation) -> None:
    # The meta device stands for an accelerator: it computes shapes and refuses mixed devices.
    images = torch.empty(4, 3, 16, 16, dtype=torch.uint8, device="meta")
    result = augment(images, policy, seed=0)
    assert result.device.type == "meta"
    assert result.shape == images.shape


@pytest.mark.parametrize(
    ("flip", "height", "expected"),
    [
        (False, 28, Augmentation(shift=1)),
        (True, 28, Augmentation(flip=True, shift=1)),
        (True, 32, Augmentation(flip=True, shift=2)),
        (True, 64, Augmentation(flip=True, shift=4)),
        (False, 8, Augmentation()),
        (False, 1, Augmentation()),
        (
            True,
            128,
            Augmentation(
                flip=True, shift=8, scale=0.1, brightness=0.1, contrast=0.1, saturation=0.1
            ),
        ),
    ],
)
def test_defaults(flip: bool, height: int, expected: Augmentation) -> None:
    assert Augmentation.default(flip, height) == expected


@given(height=st.integers(1, 600))
def test_a_default_is_never_too_much_for_its_images(height: int) -> None:
    policy = Augmentation.default(flip=True, height=height)
    images = torch.full((1, 1, height, height), 7, dtype=torch.uint8)
    result = augment(images, policy, seed=0)
    assert result.shape == images.shape
    assert result.dtype == torch.uint8
    assert policy.shift < max(height, 2) / 4  # most of the image stays in sight
    if not policy.brightness + policy.contrast + policy.saturation:
        assert torch.equal(result, images)  # filled by the nearest pixel, which is like all others


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("shift", -1, "shift is -1, but must be whole pixels, 0 or more"),
        ("shift", 1.5, "shift is 1.5, but must be whole pixels"),
        ("shift", True, "shift is True, but must be whole pixels"),
        ("flip", 1, "flip is 1, but must be true or false"),
        ("rotate", 181.0, "rotate is 181.0, but must be a number from 0 to 180"),
        ("rotate", float("nan"), "rotate is nan, but must be a number"),
        ("rotate", "10", "rotate is '10', but must be a number"),
        ("scale", 1.0, "scale is 1.0, but must be a number from 0 to 0.9"),
        ("shear", -3.0, "shear is -3.0, but must be a number from 0 to 80"),
        ("erase", 1.1, "erase is 1.1, but must be a number from 0 to 1"),
        ("brightness", True, "brightness is True, but must be a number"),
        ("contrast", 2.0, "contrast is 2.0"),
        ("saturation", -0.1, "saturation is -0.1"),
        ("fill", "wrap", "fill is 'wrap', but must be one of nearest, constant"),
    ],
)
def test_fields_out_of_range(name: str, value: Any, message: str) -> None:
    policy = Augmentation()
    object.__setattr__(policy, name, value)  # past the type checks that tests put on constructors
    with pytest.raises(RecipeError, match=message):
        policy.__post_init__()


def test_constructors_check() -> None:
    with pytest.raises(RecipeError, match=r"scale is 3\.0"):
        Augmentation(scale=3.0)
    with pytest.raises(RecipeError, match="shift is -1"):
        replace(EVERYTHING, shift=-1)


def test_a_shift_as_long_as_a_side() -> None:
    images = torch.zeros(2, 1, 4, 6, dtype=torch.uint8)
    message = "shift is 4 pixels, but the images are 4 x 6; it must be below 4"
    with pytest.raises(RecipeError, match=message):
        augment(images, Augmentation(shift=4), seed=0)
    augment(images, Augmentation(shift=3), seed=0)  # the remedy
