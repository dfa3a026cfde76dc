"""Images in other light, and with a part hidden: each by its own amounts, all at once."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

__all__ = ["erased", "lit"]

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as JPEG and Pillow's grey


def lit(
    images: UInt8[Tensor, "n c h w"],
    *,
    brightness: Float[Tensor, " n"],
    contrast: Float[Tensor, " n"],
    saturation: Float[Tensor, " n"],
) -> UInt8[Tensor, "n c h w"]:
    """Return the images in other light.

    Each step is a weighted mean, and none is cut off before the last, so all are one affine map of
    the colours of an image:

        brightness  v -> b v            contrast  v -> m + k (v - m), m the mean grey of the image
        saturation  v -> g + s (v - g), g the grey of the pixel (left out for grey images)

    Args:
        images: Batch, one channel or three.
        brightness: b of each image; 1 changes nothing, as in the others.
        contrast: k of each image.
        saturation: s of each image.
    """
    channels = images.shape[1]
    values = images.to(torch.float32).flatten(2)
    gain = brightness * contrast
    if channels == 3:
        luma = torch.tensor(_LUMA, device=images.device)
        means = values.mean(dim=2) @ luma
        same = torch.eye(3, device=images.device) * saturation[:, None, None]
        colours = (same + (1 - saturation)[:, None, None] * luma) * gain[:, None, None]
        values = colours @ values
    else:
        means = values.mean(dim=(1, 2))
        values *= gain[:, None, None]
    values += (brightness * means * (1 - contrast))[:, None, None]
    return values.round_().clamp_(0, 255).to(torch.uint8).view(images.shape)


def erased(
    images: UInt8[Tensor, "n c h w"],
    *,
    top: Float[Tensor, " n"],
    left: Float[Tensor, " n"],
    rows: Float[Tensor, " n"],
    columns: Float[Tensor, " n"],
    colours: UInt8[Tensor, "n c"],
) -> UInt8[Tensor, "n c h w"]:
    """Return the images with one rectangle each in one colour; `rows` 0 leaves an image alone."""
    y = torch.arange(images.shape[2], device=images.device)
    x = torch.arange(images.shape[3], device=images.device)
    in_rows = (y >= top[:, None]) & (y < (top + rows)[:, None])
    in_columns = (x >= left[:, None]) & (x < (left + columns)[:, None])
    hidden = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return torch.where(hidden, colours[:, :, None, None], images)
