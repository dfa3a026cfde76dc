"""Flips, shifts and warps: against loops in NumPy, scikit-image, quarter turns and by hand."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import ProjectiveTransform, warp

from striate.data.moving import moved, warped


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def loop(
    images: np.ndarray, flip: list[bool], across: list[int], down: list[int], edge: bool
) -> np.ndarray:
    """Move pixel by pixel, as one would say it."""
    n, channels, height, width = images.shape
    result = np.zeros_like(images)
    for i in range(n):
        for y in range(height):
            for x in range(width):
                from_y, from_x = y - down[i], x - across[i]
                if edge:
                    from_y = min(max(from_y, 0), height - 1)
                    from_x = min(max(from_x, 0), width - 1)
                if 0 <= from_y < height and 0 <= from_x < width:
                    column = width - 1 - from_x if flip[i] else from_x
                    for c in range(channels):
                        result[i, c, y, x] = images[i, c, from_y, column]
    return result


def test_by_hand() -> None:
    image = torch.tensor([[[[1, 2, 3], [4, 5, 6]]]], dtype=torch.uint8)
    one, none = torch.tensor([1]), torch.tensor([0])
    right = moved(image, flip=None, across=one, down=none, edge=True)
    assert right.tolist() == [[[[1, 1, 2], [4, 4, 5]]]]
    right = moved(image, flip=None, across=one, down=none, edge=False)
    assert right.tolist() == [[[[0, 1, 2], [0, 4, 5]]]]
    down = moved(image, flip=None, across=none, down=one, edge=False)
    assert down.tolist() == [[[[0, 0, 0], [1, 2, 3]]]]
    mirrored = moved(image, flip=torch.tensor([True]), across=one, down=none, edge=True)
    assert mirrored.tolist() == [[[[3, 3, 2], [6, 6, 5]]]]  # first mirrored, then moved


@given(
    shape=st.tuples(*[st.integers(1, high) for high in (4, 3, 6, 6)]),
    data=st.data(),
    edge=st.booleans(),
)
def test_moved_against_a_loop(
    shape: tuple[int, int, int, int], data: st.DataObject, edge: bool
) -> None:
    images, n = noise(*shape), shape[0]
    flip = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    across = data.draw(st.lists(st.integers(-7, 7), min_size=n, max_size=n))
    down = data.draw(st.lists(st.integers(-7, 7), min_size=n, max_size=n))
    ours = moved(
        images,
        flip=torch.tensor(flip),
        across=torch.tensor(across),
        down=torch.tensor(down),
        edge=edge,
    )
    np.testing.assert_array_equal(ours.numpy(), loop(images.numpy(), flip, across, down, edge))


def test_memory_in_any_order() -> None:
    images = noise(3, 3, 5, 4)
    amounts: dict[str, Any] = {
        "flip": torch.tensor([True, False, True]),
        "across": torch.tensor([1, -1, 0]),
        "down": torch.tensor([0, 2, 1]),
        "edge": True,
    }
    last = images.to(memory_format=torch.channels_last)
    assert torch.equal(moved(images, **amounts), moved(last, **amounts))


def of(n: int, **amounts: Any) -> dict[str, Any]:
    """Return the arguments of `warped` that change nothing but what is given."""
    still: dict[str, Any] = {
        "flip": None,
        "degrees": torch.zeros(n),
        "factor": torch.ones(n),
        "slant": torch.zeros(n),
        "across": torch.zeros(n, dtype=torch.int64),
        "down": torch.zeros(n, dtype=torch.int64),
        "edge": True,
    }
    return still | amounts


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_are_exact(turns: int) -> None:
    images = noise(2, 3, 8, 8)
    turned = warped(images, **of(2, degrees=torch.full((2,), 90.0 * turns)))
    assert torch.equal(turned, torch.rot90(images, turns, dims=(2, 3)))  # against the clock


@given(seed=st.integers(0, 99), edge=st.booleans())
def test_warped_without_turning_is_moved(seed: int, edge: bool) -> None:
    images = noise(6, 3, 7, 9, seed=seed)
    amounts = {
        "flip": noise(6, seed=seed) < 128,
        "across": noise(6, seed=seed + 1).long() % 5 - 2,
        "down": noise(6, seed=seed + 2).long() % 5 - 2,
        "edge": edge,
    }
    assert torch.equal(warped(images, **of(6, **amounts)), moved(images, **amounts))


def test_twice_as_large_by_hand() -> None:
    # Factor 2 about the centre of 0 100: the result's pixels lie at -1/4 and +1/4 of the old ones.
    image = torch.tensor([[[[0, 100]]]], dtype=torch.uint8)
    assert warped(image, **of(1, factor=torch.tensor([2.0]))).tolist() == [[[[25, 75]]]]
    # Half as large: they lie at -1 and +1, half a pixel outside.
    half = torch.tensor([0.5])
    assert warped(image, **of(1, factor=half)).tolist() == [[[[0, 100]]]]
    assert warped(image, **of(1, factor=half, edge=False)).tolist() == [[[[0, 50]]]]


def test_slant_by_hand() -> None:
    # 45 degrees: a place moves right by its height below the centre; the top row moves left.
    image = torch.tensor([[[[0, 0, 9, 0, 0]] * 3]], dtype=torch.uint8)
    slanted = warped(image, **of(1, slant=torch.tensor([45.0]), edge=False))
    assert slanted.tolist() == [[[[0, 9, 0, 0, 0], [0, 0, 9, 0, 0], [0, 0, 0, 9, 0]]]]


def forward(
    degrees: float,
    factor: float,
    slant: float,
    shift: tuple[int, int],
    size: tuple[int, int],
    *,
    flip: bool,
) -> np.ndarray:
    """Return the 3 x 3 matrix from a pixel of the image to its place, step by step."""
    height, width = size
    angle, lean = math.radians(degrees), math.tan(math.radians(slant))
    to_centre = np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    mirror = np.diag([-1.0 if flip else 1.0, 1, 1])
    scale = np.diag([factor, factor, 1])
    shear = np.array([[1, lean, 0], [0, 1, 0], [0, 0, 1]])
    turn = np.array(  # y points down, so this is against the clock
        [[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]]
    )
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
    return np.linalg.inv(to_centre) @ move @ turn @ shear @ scale @ mirror @ to_centre


@given(
    degrees=st.floats(-180, 180),
    factor=st.floats(0.5, 2),
    slant=st.floats(-45, 45),
    shift=st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
    size=st.sampled_from([(7, 7), (6, 9), (10, 5)]),
    flip=st.booleans(),
    edge=st.booleans(),
)
def test_warped_against_scikit_image(
    degrees: float,
    factor: float,
    slant: float,
    shift: tuple[int, int],
    size: tuple[int, int],
    flip: bool,
    edge: bool,
) -> None:
    images = noise(1, 1, *size)
    ours = warped(
        images,
        flip=torch.tensor([flip]),
        degrees=torch.tensor([degrees]),
        factor=torch.tensor([factor]),
        slant=torch.tensor([slant]),
        across=torch.tensor([shift[0]]),
        down=torch.tensor([shift[1]]),
        edge=edge,
    )[0, 0].numpy()
    back = ProjectiveTransform(
        np.linalg.inv(forward(degrees, factor, slant, shift, size, flip=flip))
    )
    mode = "edge" if edge else "constant"
    theirs = warp(images[0, 0].numpy().astype(float), back, order=1, mode=mode, clip=False)
    assert abs(ours - theirs).max() < 0.55  # ours is rounded to whole values


def test_each_image_has_its_own_amounts() -> None:
    images = noise(5, 3, 8, 6)
    amounts = of(
        5,
        flip=torch.tensor([True, False, True, False, True]),
        degrees=torch.tensor([0.0, 20.0, -35.0, 90.0, 1.0]),
        factor=torch.tensor([1.0, 1.2, 0.7, 1.0, 1.01]),
        slant=torch.tensor([0.0, 10.0, 0.0, -5.0, 3.0]),
        across=torch.tensor([0, 1, 2, -2, 0]),
        down=torch.tensor([1, 0, -1, 2, 0]),
    )
    together = warped(images, **amounts)
    for i in range(5):
        alone: dict[str, Any] = {
            k: v[i : i + 1] if isinstance(v, torch.Tensor) else v for k, v in amounts.items()
        }
        assert torch.equal(together[i : i + 1], warped(images[i : i + 1], **alone))
