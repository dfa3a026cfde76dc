"""Elements of SVG and HTML as escaped text, and the numbers in them."""

import math
from collections.abc import Iterable

from markupsafe import Markup, escape

from striate.files import printable

__all__ = ["element", "polyline", "rounded", "text"]


def text(value: object) -> Markup:
    r"""Return `value` safe inside an element or a quoted attribute.

    Besides what HTML escapes, control characters and lone surrogates are spelled out: neither may
    stand in a page, and the second cannot be encoded at all.

    >>> print(text('<b "a\x00>'))
    &lt;b &#34;a\x00&gt;
    """
    if isinstance(value, Markup):
        return value
    plain = str(value)
    return escape(plain if plain.isascii() and plain.isprintable() else printable(plain))


def rounded(value: int | float, digits: int = 1) -> str:
    """Return a coordinate, as short as it gets.

    >>> rounded(12.04), rounded(-0.02), rounded(3.5)
    ('12', '0', '3.5')
    """
    short = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    return "0" if short in ("-0", "") else short


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """Return one element; what is not Markup is escaped.

    Attributes that are None are left out; `class_` stands for `class`, `aria_label` for
    `aria-label`; floats are rounded to a tenth.

    >>> element("text", "a < b", x=1.25, text_anchor="end", id=None)
    Markup('<text x="1.2" text-anchor="end">a &lt; b</text>')
    """
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            shown = rounded(value) if isinstance(value, float) else value
            parts.append(f'{key.rstrip("_").replace("_", "-")}="{text(shown)}"')
    opening = " ".join(parts)
    inner = "".join(text(child) for child in children)
    return Markup(f"<{opening}>{inner}</{name}>" if inner else f"<{opening}></{name}>")


def polyline(points: Iterable[tuple[float, float | None]]) -> str:
    """Return the path through `points`; one whose y is None or not finite breaks it.

    >>> polyline([(0.0, 1.0), (1.0, 2.5), (2.0, None), (3.0, 4.0), (4.0, 5.0)])
    'M0 1L1 2.5M3 4L4 5'
    """
    path: list[str] = []
    letter = "M"
    for x, y in points:
        if y is None or not math.isfinite(y):
            letter = "M"
            continue
        path.append(f"{letter}{rounded(x)} {rounded(y)}")
        letter = "L"
    return "".join(path)
