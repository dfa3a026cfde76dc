"""A photo as a person sees it: all of it, upright, grey or colour as it is."""

import os

from jaxtyping import UInt8
from torch import Tensor

from striate._errors import DataError
from striate.data.decoding import decode, read_header

__all__ = ["read_photo"]


def read_photo(
    path: str | os.PathLike[str], *, largest: int | None = None
) -> UInt8[Tensor, "c h w"]:
    """Return a whole image file, upright; one channel if it has no colour, else three.

    Args:
        path: JPEG, PNG, WebP, BMP, GIF or TIFF; the content decides, not the name.
        largest: Pixels that height and width have at most: a larger photo is shrunk, its aspect
            kept but for rounding. None takes it as it is.

    Raises:
        BrokenImageError: The file cannot be read, is damaged, no image, or too large.
        DataError: `largest` is below 1.
    """
    if largest is not None and largest < 1:
        raise DataError(f"largest is {largest}; it must be 1 pixel or more")
    header = read_header(path)
    height, width = header.height, header.width
    if largest is not None and max(height, width) > largest:
        share = largest / max(height, width)
        height, width = max(round(height * share), 1), max(round(width * share), 1)
    return decode(path, channels=1 if header.grey else 3, height=height, width=width)
