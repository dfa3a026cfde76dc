"""Images mirrored, shifted, turned, scaled and slanted: each by its own amounts, all at once."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

__all__ = ["moved", "warped"]


def moved(
    images: UInt8[Tensor, "n c h w"],
    *,
    flip: Bool[Tensor, " n"] | None,
    across: Int64[Tensor, " n"],
    down: Int64[Tensor, " n"],
    edge: bool,
) -> UInt8[Tensor, "n c h w"]:
    """Return the images mirrored where `flip` says, then moved by whole pixels.

    One gather: pixel (y, x) of the result is (y - down, x - across) of the mirrored image. On one
    core it takes a third of the time of a loop of slices, and a fifth of that of `grid_sample`.

    Args:
        images: Batch.
        flip: Which images are mirrored left to right; None for none.
        across: Pixels to the right, of each image.
        down: Pixels downwards, of each image.
        edge: What comes in at the edges: True repeats the edge, False is black.
    """
    n, channels, height, width = images.shape
    y = torch.arange(height, device=images.device) - down[:, None]
    x = torch.arange(width, device=images.device) - across[:, None]
    inside_y, inside_x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    source_x = inside_x
    if flip is not None:
        source_x = torch.where(flip[:, None], width - 1 - inside_x, inside_x)
    source = (inside_y[:, :, None] * width + source_x[:, None, :]).view(n, 1, -1)
    flat = images.reshape(n, channels, -1)
    result = flat.gather(2, source.expand(-1, channels, -1)).view(images.shape)
    if not edge:
        inside = (inside_y == y)[:, :, None] & (inside_x == x)[:, None, :]
        result *= inside[:, None]
    return result


def warped(
    images: UInt8[Tensor, "n c h w"],
    *,
    flip: Bool[Tensor, " n"] | None,
    degrees: Float[Tensor, " n"],
    factor: Float[Tensor, " n"],
    slant: Float[Tensor, " n"],
    across: Int64[Tensor, " n"],
    down: Int64[Tensor, " n"],
    edge: bool,
) -> UInt8[Tensor, "n c h w"]:
    """Return the images mirrored, slanted, scaled, turned and moved, in one bilinear resampling.

    Args:
        images: Batch.
        flip: Which images are mirrored left to right first; None for none.
        degrees: Turn about the centre, against the clock.
        factor: Scale about the centre; above 1 is larger.
        slant: Degrees by which upright lines lean to the left at their top.
        across: Pixels to the right.
        down: Pixels downwards.
        edge: What comes in at the edges: True repeats the edge, False is black.
    """
    height, width = images.shape[2:]
    grid = F.affine_grid(
        _inverse(flip, degrees, factor, slant, across, down, height=height, width=width),
        list(images.shape),
        align_corners=False,
    )
    values = F.grid_sample(
        images.to(grid.dtype),
        grid,
        mode="bilinear",
        padding_mode="border" if edge else "zeros",
        align_corners=False,
    )
    return values.round_().to(torch.uint8)  # a mean of values from 0 to 255 stays there


def _inverse(
    flip: Tensor | None,
    degrees: Tensor,
    factor: Tensor,
    slant: Tensor,
    across: Tensor,
    down: Tensor,
    *,
    height: int,
    width: int,
) -> Float[Tensor, "n 2 3"]:
    """Return for each image the map from a place in the result to its place in the image.

    In pixels from the centre, x to the right and y down, the change is

        place -> turn @ slant @ (factor * mirror @ place) + shift

    so that its inverse is mirror @ slant^-1 @ turn^-1 @ (place - shift) / factor. `affine_grid`
    counts in half widths and half heights.
    """
    radians = torch.deg2rad(degrees)
    cosine, sine = radians.cos() / factor, radians.sin() / factor
    lean = torch.deg2rad(slant).tan()
    mirror = torch.ones_like(sine) if flip is None else 1 - 2 * flip.to(sine.dtype)
    xx, xy = mirror * (cosine - lean * sine), mirror * (-sine - lean * cosine)
    yx, yy = sine, cosine
    x0 = -(xx * across + xy * down) * 2 / width
    y0 = -(yx * across + yy * down) * 2 / height
    rows = [xx, xy * height / width, x0, yx * width / height, yy, y0]
    return torch.stack(rows, dim=1).view(-1, 2, 3)
