"""Changing images so that each epoch sees others: what may change, and by how much."""

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from striate._errors import RecipeError
from striate.data.lighting import erased, lit
from striate.data.moving import moved, warped

__all__ = ["FILLS", "Augmentation", "augment"]

FILLS = ("nearest", "constant")
_MOST = {
    "rotate": 180.0,
    "scale": 0.9,
    "shear": 80.0,
    "erase": 1.0,
    "brightness": 1.0,
    "contrast": 1.0,
    "saturation": 1.0,
}
# One column of random numbers for each use, whether it is on or not: switching one on leaves the
# others as they were. A new use goes to the end.
_USES = (
    "flip",
    "shift_x",
    "shift_y",
    "rotate",
    "scale",
    "shear",
    "brightness",
    "contrast",
    "saturation",
    "erase",
    "erase_area",
    "erase_aspect",
    "erase_x",
    "erase_y",
    "erase_red",
    "erase_green",
    "erase_blue",
)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What may change in an image; 0 or False switches a change off. All amounts are drawn evenly.

    Flip comes first, then shear, scale and rotation about the centre, then the shift, then light,
    then erasing.

    Attributes:
        flip: Mirror left and right half of the images.
        shift: Up to so many whole pixels along each axis, both ways.
        rotate: Up to so many degrees, both ways.
        scale: Size times 1 - scale to 1 + scale.
        shear: Slant of up to so many degrees along the rows, both ways.
        erase: Probability that an image gets a rectangle of one random colour, of 2 to 33 % of
            its area, 0.3 to 3.3 times as high as wide (Zhong et al., arXiv:1708.04896).
        brightness: Values times 1 - brightness to 1 + brightness.
        contrast: Distance from the image's mean times 1 - contrast to 1 + contrast.
        saturation: Distance from grey times 1 - saturation to 1 + saturation; of colour images.
        fill: What comes in at the edges: `nearest` repeats the edge, `constant` is black.

    >>> Augmentation(flip=True, shift=2).on
    True
    >>> Augmentation(rotate=200.0)
    Traceback (most recent call last):
    ...
    striate._errors.RecipeError: rotate is 200.0, but must be a number from 0 to 180
    """

    flip: bool = False
    shift: int = 0
    rotate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    erase: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    fill: str = "nearest"

    def __post_init__(self) -> None:
        if not isinstance(self.flip, bool):
            raise RecipeError(f"flip is {self.flip!r}, but must be true or false")
        if not isinstance(self.shift, int) or isinstance(self.shift, bool) or self.shift < 0:
            raise RecipeError(f"shift is {self.shift!r}, but must be whole pixels, 0 or more")
        for name, most in _MOST.items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 <= value <= most):
                raise RecipeError(f"{name} is {value!r}, but must be a number from 0 to {most:g}")
        if self.fill not in FILLS:
            raise RecipeError(f"fill is {self.fill!r}, but must be one of {', '.join(FILLS)}")

    @classmethod
    def default(cls, flip: bool, height: int) -> "Augmentation":
        """Return what suits most images of this height, in pixels.

        A shift by a sixteenth of the height, rounded down; above 64 pixels also 10 % of size and of
        light and colour, as photos have it.

        Args:
            flip: Whether a mirrored image is still of its class; see `ImageSet.flip`.
            height: Rows of an image.
        """
        shift = height // 16
        if height <= 64:
            return cls(flip=flip, shift=shift)
        return cls(flip=flip, shift=shift, scale=0.1, brightness=0.1, contrast=0.1, saturation=0.1)

    @property
    def on(self) -> bool:
        """Whether anything may change."""
        return any(getattr(self, field.name) for field in fields(self) if field.name != "fill")


def augment(
    images: UInt8[Tensor, "n c h w"], policy: Augmentation, *, seed: int
) -> UInt8[Tensor, "n c h w"]:
    """Return the images changed as `policy` allows, on their device, the whole batch at once.

    What becomes of image i is a function of `seed`, i and the policy alone: not of the device, nor
    of the images behind it, nor of any random state. Flips and shifts move whole pixels and lose
    nothing; as soon as the policy turns, scales or slants, all moves are one bilinear resampling.

    Args:
        images: Batch; it is not changed. If the policy is off it is returned as it is.
        policy: What may change.
        seed: Any integer.

    Raises:
        RecipeError: The shift is as long as a side of the images.

    >>> images = torch.arange(12, dtype=torch.uint8).view(1, 1, 3, 4)
    >>> augment(images, Augmentation(shift=1), seed=1)[0, 0].tolist()
    [[1, 2, 3, 3], [5, 6, 7, 7], [9, 10, 11, 11]]
    """
    height, width = images.shape[2:]
    if policy.shift >= min(height, width) and policy.shift:
        raise RecipeError(
            f"shift is {policy.shift} pixels, but the images are {height} x {width}; it must be "
            f"below {min(height, width)}"
        )
    if not policy.on or not len(images):
        return images
    draws = _draws(len(images), seed)
    images = _placed(images, policy, draws)
    if policy.brightness or policy.contrast or (policy.saturation and images.shape[1] == 3):
        factors = [
            (1 + getattr(policy, name) * _both_ways(draws[name])).to(images.device)
            for name in ("brightness", "contrast", "saturation")
        ]
        images = lit(images, brightness=factors[0], contrast=factors[1], saturation=factors[2])
    if policy.erase:
        images = _with_rectangles(images, policy.erase, draws)
    return images


def _draws(count: int, seed: int) -> dict[str, Tensor]:
    """Return numbers in [0, 1) for each use and image, from a generator of the CPU."""
    generator = torch.Generator()
    generator.manual_seed(seed)
    # Row by row: image i has the same numbers in a batch of any length.
    columns = torch.rand(count, len(_USES), generator=generator).unbind(dim=1)
    return dict(zip(_USES, columns, strict=True))


def _both_ways(draw: Tensor) -> Tensor:
    return draw * 2 - 1


def _placed(images: Tensor, policy: Augmentation, draws: dict[str, Tensor]) -> Tensor:
    device, span = images.device, 2 * policy.shift + 1
    flip = (draws["flip"] < 0.5).to(device) if policy.flip else None
    across, down = (
        # A draw is at most 1 - 2**-24, and its product with an odd number rounds to less than that.
        ((draws[name] * span).long() - policy.shift).to(device)
        for name in ("shift_x", "shift_y")
    )
    edge = policy.fill == "nearest"
    if not (policy.rotate or policy.scale or policy.shear):
        if flip is None and not policy.shift:
            return images
        return moved(images, flip=flip, across=across, down=down, edge=edge)
    amounts: dict[str, Any] = {
        name: (getattr(policy, name) * _both_ways(draws[name])).to(device)
        for name in ("rotate", "scale", "shear")
    }
    return warped(
        images,
        flip=flip,
        degrees=amounts["rotate"],
        factor=1 + amounts["scale"],
        slant=amounts["shear"],
        across=across,
        down=down,
        edge=edge,
    )


def _with_rectangles(images: Tensor, share: float, draws: dict[str, Tensor]) -> Tensor:
    height, width = images.shape[2:]
    area = (0.02 + 0.31 * draws["erase_area"]) * height * width
    aspect = torch.exp(math.log(3.3) * _both_ways(draws["erase_aspect"]))
    rows = torch.sqrt(area * aspect).round().clamp_(1, height)
    columns = torch.sqrt(area / aspect).round().clamp_(1, width)
    rows = torch.where(draws["erase"] < share, rows, 0)
    colours = torch.stack([draws[f"erase_{name}"] for name in ("red", "green", "blue")], dim=1)
    return erased(
        images,
        top=(draws["erase_y"] * (height - rows + 1)).floor().to(images.device),
        left=(draws["erase_x"] * (width - columns + 1)).floor().to(images.device),
        rows=rows.to(images.device),
        columns=columns.to(images.device),
        colours=(colours[:, : images.shape[1]] * 256).to(torch.uint8).to(images.device),
    )
