"""Pictures of kernels: a square a weight, coloured about zero, with its number where it fits."""

import math

import numpy as np
from jaxtyping import Complex, Float, UInt8
from PIL import Image, ImageDraw

from striate.report.heat import BLUE_ORANGE, colours
from striate.report.lettering import INK, PAPER, draw_text, text_width
from striate.report.wording import number

__all__ = ["kernel_picture"]

_GAP = 8  # pixels between the real and the imaginary part
_LINE = (216, 218, 220)
_LARGEST_TEXT, _LEAST_TEXT = 18, 9
_SPACIOUS = 6  # pixels a cell from which on lines are drawn between cells


def kernel_picture(
    weights: Float[np.ndarray, "kh kw"] | Complex[np.ndarray, "kh kw"], *, side: int = 160
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a picture of a kernel, its longer side about `side` pixels.

    Zero is nearly white, positive weights are orange and negative ones blue, equally deep at equal
    size; the deepest is the largest weight. Numbers stand in the cells if they are large enough.
    A complex kernel shows its real part and, right of it, its imaginary part, on one scale.

    Args:
        weights: Rows and columns.
        side: Pixels that the longer side has at most, if the kernel is not longer itself.
    """
    largest = float(np.abs(weights).max(initial=0.0)) or 1.0
    if not np.iscomplexobj(weights):
        return _plane(np.asarray(weights, np.float64), largest, side)
    half = max((side - _GAP) // 2, 1)
    both = (np.real(weights), np.imag(weights))
    parts = [_plane(part.astype(np.float64), largest, half) for part in both]
    between = np.full((parts[0].shape[0], _GAP, 3), PAPER, np.uint8)
    return np.concatenate([parts[0], between, parts[1]], axis=1)


def _plane(
    weights: Float[np.ndarray, "kh kw"], largest: float, side: int
) -> UInt8[np.ndarray, "h w 3"]:
    height, width = weights.shape
    pixels = colours(BLUE_ORANGE, weights / (2 * largest) + 0.5)
    cell = side // max(height, width)
    if cell < 1:
        return _reduced(pixels, side)
    image = Image.fromarray(pixels.repeat(cell, axis=0).repeat(cell, axis=1))
    draw = ImageDraw.Draw(image)
    if cell >= _SPACIOUS:
        for x in range(width + 1):
            draw.line([(_edge(x, cell, width), 0), (_edge(x, cell, width), height * cell)], _LINE)
        for y in range(height + 1):
            draw.line([(0, _edge(y, cell, height)), (width * cell, _edge(y, cell, height))], _LINE)
    _numbers(draw, weights, largest, cell)
    return np.asarray(image)


def _edge(place: int, cell: int, count: int) -> int:
    """Return where a line runs; the last one lies on the last pixel, not behind it."""
    return place * cell - (place == count)


def _reduced(pixels: UInt8[np.ndarray, "kh kw 3"], side: int) -> UInt8[np.ndarray, "h w 3"]:
    share = side / max(pixels.shape[:2])
    size = (max(round(pixels.shape[1] * share), 1), max(round(pixels.shape[0] * share), 1))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def _numbers(
    draw: ImageDraw.ImageDraw, weights: Float[np.ndarray, "kh kw"], largest: float, cell: int
) -> None:
    """Write all weights in one size of letters, or none of them if one would not fit."""
    words = [[number(float(value), 2) for value in row] for row in weights]
    longest = max((word for row in words for word in row), key=text_width)
    room = cell - 4
    size = min(_LARGEST_TEXT, math.floor(14 * room / max(text_width(longest), 1)), room)
    if size < _LEAST_TEXT:
        return
    for y, row in enumerate(words):
        for x, word in enumerate(row):
            deep = abs(weights[y, x]) / largest > 0.6
            place = ((x + 0.5) * cell, (y + 0.5) * cell)
            draw_text(draw, place, word, size=size, anchor="mm", colour=PAPER if deep else INK)
