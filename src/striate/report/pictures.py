"""Photos and heat maps as PNG in the page: many on one sheet, cut out where they are shown."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from markupsafe import Markup
from PIL import Image

from striate.report.heat import colours, hexes
from striate.report.svg import element

__all__ = ["Sheet", "data_uri", "filter_pixels", "heat_sheet", "overlay_sheet", "photo_sheet"]

_GUTTER = 1  # pixels around each picture, its own edge repeated: scaling must not mix neighbours
_BETWEEN = 128  # grey between the planes of one filter
_EXACT = 64  # pixels a side up to which pictures are shown with their pixels as squares


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Pictures of one size on one image that stands once in the page.

    Attributes:
        id: What the page calls it; `tile` refers to it.
        uri: The image, as a data URI.
        columns: Pictures a row of the sheet.
        rows: Rows of the sheet.
        height: Of one picture, in pixels.
        width: Of one picture, in pixels.
    """

    id: str
    uri: str
    columns: int
    rows: int
    height: int
    width: int

    @property
    def large(self) -> bool:
        """Whether its pictures are photos rather than a few pixels shown as squares."""
        return max(self.height, self.width) > _EXACT

    @property
    def sprite(self) -> Markup:
        """The sheet itself, to stand once in a hidden svg."""
        return element(
            "image",
            id=self.id,
            href=self.uri,
            width=self.columns * (self.width + 2 * _GUTTER),
            height=self.rows * (self.height + 2 * _GUTTER),
        )

    def window(self, index: int, trim: int = 0) -> str:
        """Return the viewBox of picture `index` without `trim` rows above and below."""
        row, column = divmod(index, self.columns)
        x = column * (self.width + 2 * _GUTTER) + _GUTTER
        y = row * (self.height + 2 * _GUTTER) + _GUTTER
        return f"{x} {y + trim} {self.width} {self.height - 2 * trim}"

    def tile(
        self,
        index: int,
        label: str,
        *,
        over: "Sheet | None" = None,
        stretch: bool = False,
        trim: int = 0,
    ) -> Markup:
        """Return picture `index` as an svg that the style sheet sizes.

        Args:
            index: Which picture.
            label: What it shows, for those who do not see it.
            over: A sheet of transparent pictures of the same number to lay over it.
            stretch: Whether it fills its place, whatever its aspect.
            trim: Rows that are not shown, above and below.
        """
        layers = [element("use", href=f"#{self.id}")]
        if over is not None:
            layers.append(self._above(over, index))
        return element(
            "svg",
            *layers,
            viewBox=self.window(index, trim),
            class_="tile" if self.large or stretch else "tile exact",
            role="img",
            aria_label=label,
            preserveAspectRatio="none" if stretch else None,
        )

    def _above(self, over: "Sheet", index: int) -> Markup:
        """Return picture `index` of `over` where this sheet has its own."""
        x, y, *_ = self.window(index).split()
        return element(
            "svg",
            element("use", href=f"#{over.id}"),
            viewBox=over.window(index),
            x=x,
            y=y,
            width=self.width,
            height=self.height,
            preserveAspectRatio="none",
            class_="smooth",
        )


def data_uri(
    pixels: UInt8[np.ndarray, "h w c"],
    *,
    palette: list[str] | None = None,
    budget: int | None = None,
) -> str:
    """Return an image as a data URI: PNG, or JPEG where that would take over `budget` bytes.

    Args:
        pixels: Grey, RGB or RGBA; with a `palette` the numbers of colours in it.
        palette: Colours as `hexes` gives them.
        budget: Bytes above which a photo need not be exact.
    """
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels)
    if palette is not None:
        image.putpalette(bytes.fromhex("".join(colour[1:] for colour in palette)))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    kind = "png"
    if budget is not None and file.tell() > budget:
        for quality in (88, 75, 60):
            file = io.BytesIO()
            image.save(file, "JPEG", quality=quality, optimize=True)
            kind = "jpeg"
            if file.tell() <= budget:
                break
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def photo_sheet(
    name: str, images: UInt8[np.ndarray, "n h w c"], *, largest: int = 160, budget: int = 600_000
) -> Sheet:
    """Return photos on a sheet, exact as PNG if that takes at most `budget` bytes.

    Args:
        name: The sheet's id.
        images: Grey (c = 1) or RGB (c = 3).
        largest: Pixels a side above which the photos are made smaller.
        budget: Bytes of the image file; above it the sheet is a JPEG.
    """
    return _sheet(name, _shrunk(images, largest), budget=budget)


def heat_sheet(name: str, values: Float[np.ndarray, "n h w"], stops: Sequence[str]) -> Sheet:
    """Return maps of 0..1 on a sheet of 64 colours from `stops`."""
    steps = np.round(np.clip(np.nan_to_num(values), 0, 1) * 63).astype(np.uint8)
    return _sheet(name, steps[..., None], palette=hexes(stops, 64))


def overlay_sheet(
    name: str,
    maps: Float[np.ndarray, "n h w"],
    stops: Sequence[str],
    *,
    largest: int = 32,
    opacity: float = 0.85,
) -> Sheet:
    """Return maps of 0..1 as colours to lay over photos: 0 is clear, so no evidence is nothing."""
    step = max(1, math.ceil(max(maps.shape[1:], default=1) / largest))
    levels = np.round(np.clip(np.nan_to_num(maps[:, ::step, ::step]), 0, 1) * 31) / 31
    alpha = np.round(255 * opacity * levels**0.8).astype(np.uint8)
    return _sheet(name, np.concatenate([colours(stops, levels), alpha[..., None]], axis=-1))


def filter_pixels(filters: Float[np.ndarray, "f d kh kw"], stops: Sequence[str]) -> np.ndarray:
    """Return a picture of each first-layer filter, (f, h, w, 3), all on one scale around 0.

    Filters over three channels show as colours: the middle grey is 0, and a channel's weight moves
    its own colour. Others show a plane for each channel through the diverging `stops`, in rows as
    square as they get; a weight is then three pixels wide, and a line of grey between planes one.
    """
    largest = float(np.abs(filters).max(initial=0.0)) or 1.0
    share = np.nan_to_num(filters) / (2 * largest) + 0.5
    if filters.shape[1] == 3:
        return np.round(255 * share.transpose(0, 2, 3, 1)).astype(np.uint8)
    n, depth = filters.shape[:2]
    if depth == 1:
        return colours(stops, share[:, 0])
    share = share.repeat(3, axis=2).repeat(3, axis=3)
    height, width = share.shape[2:]
    across = math.ceil(math.sqrt(depth))
    down = math.ceil(depth / across)
    sheet = np.full((n, down * (height + 1), across * (width + 1), 3), _BETWEEN, np.uint8)
    for k, plane in enumerate(np.moveaxis(colours(stops, share), 1, 0)):
        y, x = k // across * (height + 1), k % across * (width + 1)
        sheet[:, y : y + height, x : x + width] = plane
    return sheet[:, :-1, :-1]


def _shrunk(images: np.ndarray, largest: int) -> np.ndarray:
    height, width = images.shape[1:3]
    if max(height, width) <= largest:
        return images
    ratio = largest / max(height, width)
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = [
        np.asarray(
            Image.fromarray(image.squeeze(-1) if image.shape[2] == 1 else image).resize(
                size, Image.Resampling.LANCZOS
            )
        ).reshape(size[1], size[0], -1)
        for image in images
    ]
    return np.stack(small)


def _sheet(
    name: str,
    pixels: np.ndarray,
    *,
    palette: list[str] | None = None,
    budget: int | None = None,
) -> Sheet:
    n, height, width, channels = pixels.shape
    columns = max(1, math.ceil(math.sqrt(max(n, 1) * height / width)))
    rows = max(1, math.ceil(n / columns))
    g = _GUTTER
    framed = np.pad(pixels, ((0, 0), (g, g), (g, g), (0, 0)), mode="edge")
    full = np.zeros((rows * columns, *framed.shape[1:]), np.uint8)
    full[:n] = framed
    grid = full.reshape(rows, columns, *framed.shape[1:]).swapaxes(1, 2)
    image = grid.reshape(rows * framed.shape[1], columns * framed.shape[2], channels)
    return Sheet(
        id=name,
        uri=data_uri(image, palette=palette, budget=budget),
        columns=columns,
        rows=rows,
        height=height,
        width=width,
    )
