"""Photos, kernels and responses on one picture: three panels, or a grid of kernels and photos."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, UInt8
from PIL import Image, ImageDraw

from striate.report.kernels import kernel_picture
from striate.report.lettering import FAINT, PAPER, draw_text, fitted
from striate.report.responses import Scale, colour_bar, response_picture, scale_for
from striate.report.wording import number

__all__ = ["Photo", "Row", "filter_figure", "filter_grid", "grid_size"]

_MARGIN, _GUTTER = 16, 8
_HEAD = 44  # pixels above a panel: its name, and a line about it
_LINE = 20
_BAR = 76
_PANEL = 384  # pixels of a photo's longer side, at least, in whole steps
_KERNEL = 288
_SHAPE = 1.5  # width to height of a grid that is wrapped


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """A photo as it was filtered.

    Attributes:
        name: As it is to be written.
        pixels: Grey three times, or red, green and blue.
        note: What else there is to say, such as its size.
    """

    name: str
    pixels: UInt8[np.ndarray, "h w 3"]
    note: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """A kernel and what each photo answered to it.

    Attributes:
        name: Of the kernel.
        weights: The kernel.
        values: Responses, a photo each; one plane, or one a colour.
        look: How they are drawn (`responses.LOOKS`); None chooses by the kernel.
    """

    name: str
    weights: Float[np.ndarray, "kh kw"] | Complex[np.ndarray, "kh kw"]
    values: Sequence[Float[np.ndarray, "_ _ _"]]
    look: str | None = None


def filter_figure(photo: Photo, row: Row) -> UInt8[np.ndarray, "h w 3"]:
    """Return the photo, the kernel, and the response with its scale, side by side."""
    (values,) = row.values
    scale = scale_for(row.weights, row.values, row.look)
    side = max(_PANEL, *photo.pixels.shape[:2])
    height = _enlarged(photo.pixels.shape[:2], side)[0]
    pair = np.iscomplexobj(row.weights)
    kernel = kernel_picture(row.weights, side=_KERNEL * (2 if pair else 1))
    bar = None if values.shape[0] == 3 else colour_bar(scale, height, _BAR)
    kernel_note = _kernel_note(row.weights)
    panels = [
        (_scaled(photo.pixels, side), photo.name, photo.note),
        (kernel, row.name, kernel_note),
        (_scaled(response_picture(values, scale), side), "response", _words(scale, values)),
    ]
    total = sum(panel.shape[1] for panel, *_ in panels) + 2 * _GUTTER + 2 * _MARGIN
    tall = max(panel.shape[0] for panel, *_ in panels) + _HEAD + 2 * _MARGIN
    sheet = Image.new("RGB", (total + (0 if bar is None else _BAR + _GUTTER), tall), PAPER)
    draw = ImageDraw.Draw(sheet)
    x = _MARGIN
    for panel, title, note in panels:
        _head(draw, x, panel.shape[1], title, note)
        sheet.paste(Image.fromarray(panel), (x, _MARGIN + _HEAD))
        x += panel.shape[1] + _GUTTER
    if bar is not None:
        sheet.paste(Image.fromarray(bar), (x, _MARGIN + _HEAD))
    return np.asarray(sheet)


def filter_grid(
    photos: Sequence[Photo], rows: Iterable[Row], *, count: int, side: int
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a grid: photos across, kernels down, in each cell the response, a scale a row.

    If there are few photos, the rows go on in further blocks at the right.

    Args:
        photos: At least one.
        rows: In their order; taken one at a time, so they need not be in memory together.
        count: How many rows come.
        side: Pixels of a cell's longer side.
    """
    down = _rows_a_block(len(photos), count, side)
    wide, tall = _steps(len(photos), side)
    height, width = grid_size(len(photos), count, side)
    sheet = Image.new("RGB", (width, height), PAPER)
    for block in range(math.ceil(count / down)):
        _photo_row(sheet, photos, _MARGIN + block * wide, side)
    for place, row in enumerate(rows):
        block, line = divmod(place, down)
        _kernel_row(sheet, row, (_MARGIN + block * wide, _MARGIN + (line + 1) * tall), side)
    return np.asarray(sheet)


def grid_size(photos: int, count: int, side: int) -> tuple[int, int]:
    """Return height and width of a grid of `photos` and `count` kernels, in pixels."""
    down = _rows_a_block(photos, count, side)
    wide, tall = _steps(photos, side)
    return 2 * _MARGIN + (down + 1) * tall, 2 * _MARGIN + math.ceil(count / down) * wide


def _steps(photos: int, side: int) -> tuple[int, int]:
    """Return the width of a block and the height of a row."""
    return (photos + 1) * (side + _GUTTER) + _BAR + 2 * _GUTTER, side + _LINE + _GUTTER


def _rows_a_block(photos: int, count: int, side: int) -> int:
    """Return how many rows stand below one another so that the sheet is a bit wider than tall.

    The blocks are of one length, but for what is missing in the last.
    """
    wide, tall = _steps(photos, side)

    def shape(down: int) -> float:
        return math.ceil(count / down) * wide / ((down + 1) * tall)

    lengths = {math.ceil(count / blocks) for blocks in range(1, count + 1)}
    return min(sorted(lengths), key=lambda down: abs(math.log(shape(down) / _SHAPE)))


def _photo_row(sheet: Image.Image, photos: Sequence[Photo], x: int, side: int) -> None:
    draw = ImageDraw.Draw(sheet)
    for photo in photos:
        x += side + _GUTTER
        draw_text(draw, (x, _MARGIN), fitted(photo.name, side, 13), size=13)
        _centre(sheet, _scaled(photo.pixels, side), x, _MARGIN + _LINE, side)


def _kernel_row(sheet: Image.Image, row: Row, corner: tuple[int, int], side: int) -> None:
    x, y = corner
    scale = scale_for(row.weights, row.values, row.look)
    draw = ImageDraw.Draw(sheet)
    draw_text(draw, (x, y), fitted(row.name, (side + _GUTTER) * (len(row.values) + 1), 13), size=13)
    y += _LINE
    _centre(sheet, kernel_picture(row.weights, side=side), x, y, side)
    for values in row.values:
        x += side + _GUTTER
        _centre(sheet, _scaled(response_picture(values, scale), side), x, y, side)
    if all(values.shape[0] == 1 for values in row.values):
        bar = colour_bar(scale, side, _BAR)
        sheet.paste(Image.fromarray(bar), (x + side + _GUTTER, y))


def _kernel_note(weights: np.ndarray) -> str:
    size = " x ".join(map(str, weights.shape))
    pair = ", a pair" if np.iscomplexobj(weights) else ""
    return f"{size}{pair}, largest weight {number(float(np.abs(weights).max()))}"


def _head(draw: ImageDraw.ImageDraw, x: int, width: int, title: str, note: str) -> None:
    draw_text(draw, (x, _MARGIN), fitted(title, width, 15), size=15)
    draw_text(draw, (x, _MARGIN + 20), fitted(note, width, 13), size=13, colour=FAINT)


def _words(scale: Scale, values: Float[np.ndarray, "planes h w"]) -> str:
    if values.shape[0] == 3:
        middle = "grey" if scale.look == "signed" else "black"
        return f"of red, green and blue; {middle} is 0"
    return {"signed": "nearly white is 0", "magnitude": "magnitude; black is 0"}.get(
        scale.look, "as a photo"
    )


def _centre(sheet: Image.Image, picture: np.ndarray, x: int, y: int, side: int) -> None:
    height, width = picture.shape[:2]
    sheet.paste(Image.fromarray(picture), (x + (side - width) // 2, y + (side - height) // 2))


def _enlarged(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return height and width so that the longer is `side` at most; enlarged in whole steps."""
    longer = max(size)
    if longer <= side:
        return size[0] * (side // longer), size[1] * (side // longer)
    return max(round(size[0] * side / longer), 1), max(round(size[1] * side / longer), 1)


def _scaled(pixels: UInt8[np.ndarray, "h w 3"], side: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    height, width = pixels.shape[:2]
    tall, wide = _enlarged((height, width), side)
    if tall >= height:
        return pixels.repeat(tall // height, axis=0).repeat(wide // width, axis=1)
    image = Image.fromarray(pixels).resize((wide, tall), Image.Resampling.LANCZOS)
    return np.asarray(image)
