"""An image file becomes a tensor: the same way in training and in `predict`."""

import hashlib
import os
import struct
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from PIL.ImageFile import ImageFile
from torch import Tensor

from striate._errors import DataError
from striate.data.colour import flatten, is_grey
from striate.data.opening import BrokenImageError, open_file, open_image
from striate.data.preprocessing import Preprocessing

__all__ = ["BrokenImageError", "Header", "decode", "read_header", "read_image"]

_ORIENTATION = 0x0112  # EXIF tag
_TURNED = (5, 6, 7, 8)  # orientations that swap rows and columns
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow raises on damaged EXIF. The pixels may be well: such an image is taken as it lies.
_EXIF_FAILURES = (
    SyntaxError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    struct.error,
)
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
# A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if that leaves so many times the pixels needed,
# and other images are first averaged in blocks that leave so many times.
_DRAFT_GAP = 2.0
_REDUCING_GAP = 3.0


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of itself before it is decoded.

    Attributes:
        format: Pillow's name of the format.
        height: Rows of the upright image.
        width: Columns of the upright image.
        grey: Whether its pixels have no colour.
        sha256: SHA-256 (hex) of all bytes of the file.
    """

    format: str
    height: int
    width: int
    grey: bool
    sha256: str


def read_header(path: str | os.PathLike[str]) -> Header:
    """Return size, colour and hash of an image file without decoding it.

    Raises:
        BrokenImageError: The file cannot be read, is no image, or is too large.
    """
    with open_file(path) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        with open_image(file, path) as image:
            width, height = image.size
            if width != height and _early_orientation(image) in _TURNED:
                width, height = height, width
            return Header(
                format=str(image.format),
                height=height,
                width=width,
                grey=is_grey(image),
                sha256=sha256,
            )


def decode(
    path: str | os.PathLike[str],
    *,
    channels: int,
    height: int,
    width: int,
    interpolation: str = "bilinear",
) -> UInt8[Tensor, "c h w"]:
    """Return the first image of a file, upright, scaled and cut to `height` x `width`.

    The image is scaled, aspect kept, until it just covers the target, and the centre is cut out.
    An image of the target's size is not touched. Shrinking is antialiased. Large JPEG files are
    decoded at a fraction of their size, which differs by about one grey level on average.

    Args:
        path: JPEG, PNG, WebP, BMP, GIF or TIFF; the content decides, not the name.
        channels: 1 for grey, 3 for RGB; see `colour.flatten`.
        height: Rows of the result.
        width: Columns of the result.
        interpolation: `bilinear` or `bicubic`.

    Raises:
        BrokenImageError: The file cannot be read, is damaged, no image, or too large.
    """
    if interpolation not in _FILTERS:
        raise DataError(f"interpolation is {interpolation!r}; there are {', '.join(_FILTERS)}")
    with open_file(path) as file, open_image(file, path) as image:
        _draft(image, height, width)
        image.load()
        turn = _UPRIGHT.get(_orientation(image))
        flat = flatten(image, channels)
        if turn is not None:
            flat = flat.transpose(turn)
    pixels = np.asarray(_cover(flat, height, width, _FILTERS[interpolation]))
    return torch.from_numpy(_channels_first(pixels))


def read_image(
    path: str | os.PathLike[str], preprocessing: Preprocessing
) -> UInt8[Tensor, "c h w"]:
    """Return an image file as a network with this `preprocessing` was trained to see it.

    Raises:
        BrokenImageError: The file cannot be read, is damaged, no image, or too large.
        DataError: The preprocessing asks for a way to resize that is unknown.
    """
    if preprocessing.resize != "crop":
        raise DataError(f"preprocessing asks for resize {preprocessing.resize!r}; there is 'crop'")
    return decode(
        path,
        channels=preprocessing.channels,
        height=preprocessing.height,
        width=preprocessing.width,
        interpolation=preprocessing.interpolation,
    )


def _orientation(image: ImageFile) -> int:
    """Return the EXIF orientation, 1 where there is none or EXIF is damaged.

    Pillow turns TIFF images itself when it loads them, and swaps their sizes when it opens them.
    """
    if image.format == "TIFF":
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _EXIF_FAILURES:
        return 1


def _early_orientation(image: ImageFile) -> int:
    """Return the orientation if it stands before the pixels, else 1; PNG may have it behind."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return _orientation(image)


def _draft(image: ImageFile, height: int, width: int) -> None:
    """Have a JPEG decoded at the smallest size that is still large enough to shrink from."""
    if image.format not in ("JPEG", "MPO"):
        return
    across, down = image.size
    if _orientation(image) in _TURNED:
        height, width = width, height
    scale = max(width / across, height / down) * _DRAFT_GAP
    image.draft(None, (max(ceil(across * scale), 1), max(ceil(down * scale), 1)))


def _cover(image: Image.Image, height: int, width: int, resample: Image.Resampling) -> Image.Image:
    if image.size == (width, height):
        return image
    scale = max(width / image.width, height / image.height)
    across, down = min(width / scale, image.width), min(height / scale, image.height)
    left, top = (image.width - across) / 2, (image.height - down) / 2
    box = (left, top, left + across, top + down)
    return image.resize((width, height), resample, box=box, reducing_gap=_REDUCING_GAP)


def _channels_first(pixels: UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "c h w"]:
    return np.array(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1), order="C")
