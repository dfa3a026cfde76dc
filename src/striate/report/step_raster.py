"""The drawing of a step as pixels: what `step.py` draws as SVG, in the colours of a light page."""

from PIL import Image, ImageDraw

from striate.report.lettering import FAINT, INK, PAPER, draw_text
from striate.report.step_board import LEVELS
from striate.report.step_layout import HEIGHT, SIZES, Box, Drawn, Frame, Label

__all__ = ["PALETTE", "draw_pixels"]

_RULE, _WINDOW, _RESULT = (214, 218, 224), (11, 98, 184), (191, 82, 0)
_DARKEST = 0.34  # how much ink the darkest cell has; numbers must be read on it
_MARKED = 0.26  # how much of its colour a marked cell has
_DASH = 4  # pixels

Colour = tuple[int, int, int]


def draw_pixels(drawn: Drawn, size: tuple[int, int], margin: int = 16) -> Image.Image:
    """Return a drawing on white paper of `size` (width, height), in pixels."""
    image = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(image)
    shapes = drawn.moved(margin, margin).shapes
    for shape in sorted(shapes, key=lambda shape: isinstance(shape, Frame)):  # frames lie on top
        if isinstance(shape, Box):
            _draw_box(pen, shape)
        elif isinstance(shape, Frame):
            box = (shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)
            pen.rectangle(box, outline=_accent(shape.look), width=3)
        else:
            _draw_label(pen, shape)
    return image


def _ramp(low: Colour, high: Colour, n: int) -> list[Colour]:
    """Return `n` colours from `low` to `high`, both among them."""
    parts = [k / (n - 1) for k in range(n)]
    return [
        (
            round(low[0] + part * (high[0] - low[0])),
            round(low[1] + part * (high[1] - low[1])),
            round(low[2] + part * (high[2] - low[2])),
        )
        for part in parts
    ]


def _palette() -> Image.Image:
    """Return an image with all the colours that a drawing has, and those between letter and ground.

    One palette for all frames, or what stands still would change its shade.
    """
    grounds = [_mixed(INK, _DARKEST * (1 - level / LEVELS)) for level in range(LEVELS + 1)]
    colours = [*grounds, _RULE, *_ramp(INK, PAPER, 24), *_ramp(FAINT, PAPER, 12)]
    for accent in (_WINDOW, _RESULT):
        colours += [accent, *_ramp(INK, _mixed(accent, _MARKED), 12), *_ramp(accent, PAPER, 4)]
    image = Image.new("P", (1, 1))
    image.putpalette([part for colour in dict.fromkeys(colours) for part in colour])
    return image


def _draw_label(pen: ImageDraw.ImageDraw, label: Label) -> None:
    faint = label.look in ("axis", "note")
    draw_text(pen, (label.x, label.y), label.text, size=round(SIZES[label.look] + 1),
              anchor="mm" if label.middle else "lm", colour=FAINT if faint else INK)  # fmt: skip


def _draw_box(pen: ImageDraw.ImageDraw, box: Box) -> None:
    words = box.look.split()
    edge = box.inset
    corners = (box.x + edge, box.y + edge, box.x + box.width - edge, box.y + HEIGHT - edge)
    marked = "hit" in words or "won" in words
    accent = _RESULT if "won" in words else _accent(box.look)
    if marked:
        pen.rectangle(corners, fill=_mixed(accent, _MARKED))
    elif level := next((word for word in words if word[0] == "v" and word[1:].isdigit()), ""):
        dark = 0.0 if "later" in words else 1 - int(level[1:]) / LEVELS
        pen.rectangle(corners, fill=_mixed(INK, _DARKEST * dark))
    line = accent if marked else FAINT if edge else _RULE
    if edge:
        _dashed(pen, corners, line)
    else:
        pen.rectangle(corners, outline=line)
    if "later" not in words:
        quiet = not marked and ("padding" in words or "between" in words)
        middle = (box.x + box.width / 2, box.y + HEIGHT / 2)
        draw_text(pen, middle, box.text, size=14, anchor="mm", colour=FAINT if quiet else INK)


def _accent(look: str) -> Colour:
    return _RESULT if "output" in look.split() else _WINDOW


def _mixed(colour: Colour, share: float) -> Colour:
    """Return `colour` laid over paper with this share."""
    red, green, blue = (
        round(share * c + (1 - share) * p) for c, p in zip(colour, PAPER, strict=True)
    )
    return red, green, blue


def _dashed(pen: ImageDraw.ImageDraw, corners: tuple[int | float, ...], line: Colour) -> None:
    left, top, right, bottom = (round(corner) for corner in corners)
    for x in range(left, right, 2 * _DASH):
        for y in (top, bottom):
            pen.line((x, y, min(x + _DASH - 1, right), y), fill=line)
    for y in range(top, bottom, 2 * _DASH):
        for x in (left, right):
            pen.line((x, y, x, min(y + _DASH - 1, bottom)), fill=line)


PALETTE = _palette()
"""The colours of every drawing, as Pillow's `quantize` takes them."""
