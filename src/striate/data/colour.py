"""From whatever a file holds to 8-bit grey or RGB, as a person sees it on white paper."""

from typing import Any

import numpy as np
from jaxtyping import Num, UInt8
from PIL import Image

__all__ = ["flatten", "is_grey"]

_SIXTEEN_BITS = 65535
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0
_OWN_ALPHA = {"La": "LA", "LA": "LA", "PA": "RGBA", "RGBa": "RGBA", "RGBA": "RGBA"}


def is_grey(image: Image.Image) -> bool:
    """Return whether pixels of this mode have no colour: 1 bit, grey, grey and alpha, numbers."""
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def flatten(image: Image.Image, channels: int) -> Image.Image:
    """Return `image` in mode `L` (1 channel) or `RGB` (3), alpha laid over white.

    * 16 bits a value become 8 by `round(value * 255 / 65535)`: the full range is kept, nothing is
      clipped. TIFF files that say 12 bits are scaled from 4095.
    * Floating point in 0..1 is taken as black..white. All other floating point, and integers of
      more than 16 bits or with a sign (TIFF), are stretched from their least to their greatest
      finite value, as viewers show them; a constant one is black, as is what is not finite.
    * Palettes are looked up, CMYK is `(255 - ink) * (255 - black) / 255` (the inverted inks of
      Adobe's JPEG files are turned round by Pillow), colour becomes grey by ITU-R 601 luma.
    * Colour profiles (ICC) are not applied.

    >>> flatten(Image.new("RGBA", (1, 1), (255, 0, 0, 51)), 3).getpixel((0, 0))
    (255, 204, 204)
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_eight_bits(image))
    elif image.mode in _OWN_ALPHA:
        image = _over_white(_converted(image, _OWN_ALPHA[image.mode]))
    elif "transparency" in image.info:
        image = _over_white(image.convert("RGBA"))
    elif image.mode == "LAB":
        image = image.convert("RGB")
    return _converted(image, "L" if channels == 1 else "RGB")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # convert() would copy


def _over_white(image: Image.Image) -> Image.Image:
    paper = Image.new(image.mode[:-1], image.size, "white")
    paper.paste(image.convert(paper.mode), mask=image.getchannel("A"))
    return paper


def _eight_bits(image: Image.Image) -> UInt8[np.ndarray, "h w"]:
    values = np.asarray(image)
    if image.mode in ("I", "F"):
        return _stretched(values)
    tags: Any = getattr(image, "tag_v2", {})
    full = 4095 if tags.get(_BITS_PER_SAMPLE) == (12,) else _SIXTEEN_BITS
    grey = (np.clip(values, 0, full).astype(np.uint32) * 255 + full // 2) // full
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow turns only 8 bits and fewer round
        grey = 255 - grey
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return grey.astype(np.uint8)


def _stretched(values: Num[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, dtype=np.uint8)
    low, high = float(values[finite].min()), float(values[finite].max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    known = np.where(finite, values, low).astype(np.float64)
    return np.floor((known - low) * 255 / ((high - low) or 1.0) + 0.5).astype(np.uint8)
