"""From sections to one HTML file: templates, numbers as elements, a policy without requests."""

import base64
import functools
import hashlib
import math
from collections.abc import Callable, Sequence
from importlib import metadata, resources
from typing import Any

import jinja2
from markupsafe import Markup

from striate.files import printable
from striate.report import wording
from striate.report.heat import EMBER, VIRIDIS
from striate.report.sections import Section
from striate.report.svg import element

__all__ = ["content_policy", "draw", "meter", "valued"]

_STYLE = ("theme", "page", "head", "charts", "pictures", "tables", "media")  # later rules win
_ICON = (
    '<svg xmlns="{names}" viewBox="0 0 16 16"><path fill="#0b62b8" d="M1 2h14v2H1zm0 5h14v2H1z"/>'
    '<path fill="#bf5200" d="M1 12h14v2H1z"/></svg>'
)


def draw(
    template: str,
    *,
    title: str,
    sections: Sequence[Section],
    styles: Sequence[str] = _STYLE,
    program: str = "page.js",
    **context: Any,
) -> str:
    """Return the page of `template` as one file that makes no request.

    Args:
        template: Name of a file in `templates/`, which extends `base.html`.
        title: For the window and the bookmarks.
        sections: Parts of the page, in order.
        styles: Files of `templates/style/`, in order; later rules win.
        program: The page's script, a file of `templates/`.
        **context: What else the template names.
    """
    style, script = "".join(_file(f"style/{name}.css") for name in styles), _file(program)
    page = _environment().get_template(template)
    return page.render(
        title=title,
        sections=sections,
        policy=content_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        icon=_icon(),
        version=_version(),
        **context,
    )


def content_policy(style: str, script: str) -> str:
    """Return the policy that allows pictures in the page, this style and this script, and no more.

    >>> content_policy("", "")[:40]
    "default-src 'none'; img-src data:; style"
    """
    return (
        "default-src 'none'; img-src data:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def valued(value: int | float | str | None, text: str) -> Markup:
    """Return `text` with the number that it tells in a `data` element, for those who compute.

    >>> valued(0.9185, "91.85 %")
    Markup('<data value="0.9185">91.85 %</data>')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return element("span", text)
    if isinstance(value, str):
        return element("time", text, datetime=value)
    return element("data", text, value=repr(value))


def meter(share: int | float, look: str = "") -> Markup:
    """Return a small bar for a share of 1; the number stands beside it."""
    width = 100 * min(max(share, 0.0), 1.0)
    return element(
        "svg",
        element("rect", width=100, height=8, rx=2, class_="all"),
        element("rect", width=width, height=8, rx=2, class_="part"),
        class_=f"meter {look}".strip(),
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _icon() -> str:
    drawing = _ICON.format(names="http://www.w3.org/2000/svg")
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"


def _version() -> str:
    try:
        return metadata.version("striate")
    except metadata.PackageNotFoundError:
        return "(from a checkout)"


@functools.cache
def _file(name: str) -> str:
    return (resources.files("striate.report") / "templates" / name).read_text("utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("striate.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: _filter(getattr(wording, name))
        for name in ("percent", "count", "compact", "decimal", "duration", "memory", "short")
    }
    environment.filters |= {"valued": valued, "plain": wording.plain}
    environment.globals |= {
        "meter": meter,
        "viridis": [f"#{stop}" for stop in VIRIDIS],
        "ember": [f"#{stop}" for stop in EMBER],
    }
    return environment


def _filter(write: Callable[..., str]) -> Callable[..., Markup]:
    def filtered(value: int | float | None, *options: int) -> Markup:
        return valued(value, write(value, *options))

    return filtered


def _final(value: Any) -> Any:
    """Spell out what may not stand in a page; escaping is jinja's, after this."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
