"""Words in raster pictures: the one font that comes with Pillow, in the characters it has."""

from functools import cache

from PIL import ImageDraw, ImageFont

from striate.files import printable

__all__ = ["FAINT", "INK", "PAPER", "draw_text", "fitted", "text_width"]

INK, FAINT, PAPER = (26, 26, 26), (96, 101, 108), (255, 255, 255)

# The font is a subset for Western languages; these are written otherwise in it.
_PLAIN = str.maketrans(
    {"−": "-", "\u202f": " ", "×": "x", "θ": "theta", "σ": "sigma", "…": "...",
     "→": "to", "÷": "/", "∞": "inf"}
)  # fmt: skip


def draw_text(
    draw: ImageDraw.ImageDraw,
    place: tuple[int | float, int | float],
    text: str,
    *,
    size: int = 14,
    anchor: str = "la",
    colour: tuple[int, int, int] = INK,
) -> None:
    """Write one line.

    Args:
        draw: What to draw on.
        place: x and y, in pixels.
        text: The line; control characters are spelled out.
        size: Height of the font, in pixels.
        anchor: Which point of the text `place` is, as Pillow writes it: `la` left and top, `mm`
            the middle, `ra` right and top.
        colour: Red, green and blue.
    """
    draw.text(place, _plain(text), font=_font(size), anchor=anchor, fill=colour)


def text_width(text: str, size: int = 14) -> float:
    """Return how many pixels wide `text` is."""
    return _font(size).getlength(_plain(text))


def fitted(text: str, width: int | float, size: int = 14) -> str:
    """Return `text`, its middle left out if it is wider than `width` pixels.

    >>> fitted("a photo.jpg", 200), fitted("a rather long name of a photo.jpg", 120)
    ('a photo.jpg', 'a rather ...o.jpg')
    """
    text = _plain(text)
    if text_width(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 0, -1):
        tail = kept * 2 // 5
        short = f"{text[: kept - tail]}...{text[len(text) - tail :]}"
        if text_width(short, size) <= width:
            return short
    return ""


def _plain(text: str) -> str:
    return printable(text.translate(_PLAIN))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
