"""Colours that can be told apart: contrast by WCAG 2.2, light and dark."""

import re
from importlib import resources

import pytest

from striate.report.matrix import LEVELS

STYLE = resources.files("striate.report") / "templates" / "style"
THEME = (STYLE / "theme.css").read_text("utf-8")
LIGHT, DARK = THEME.split("@media")[0], THEME.split("@media")[1]


def colour(theme: str, name: str) -> tuple[float, float, float]:
    found = re.search(rf"--{name}: (#[0-9a-f]{{6}}|\d+ \d+ \d+);", theme)
    assert found, name
    value = found.group(1)
    if value.startswith("#"):
        return (int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16))
    red, green, blue = map(int, value.split())
    return red, green, blue


def luminance(rgb: tuple[float, float, float]) -> float:
    linear = [
        v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in rgb
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_by_hand() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "raised"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "link"])
def test_text_is_readable(theme: str, ground: str, ink: str) -> None:
    assert contrast(colour(theme, ink), colour(theme, ground)) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_notices_are_readable(theme: str) -> None:
    assert contrast(colour(theme, "warn-ink"), colour(theme, "warn")) >= 4.5
    assert contrast(colour(theme, "ink"), colour(theme, "warn")) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", [*(f"c{i}" for i in range(1, 9)), *(f"d{i}" for i in range(1, 9))])
def test_lines_are_seen(theme: str, name: str) -> None:
    assert contrast(colour(theme, name), colour(theme, "page")) >= 3


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["hit", "miss"])
@pytest.mark.parametrize("level", range(1, LEVELS + 1))
def test_counts_are_readable_on_every_heat(theme: str, kind: str, level: int) -> None:
    tables = (STYLE / "tables.css").read_text("utf-8")
    found = re.search(rf"\.heat-{level} {{ --level: ([\d.]+); }}", tables)
    assert found
    share = float(found.group(1))
    flipped = re.search(r"^(.*)\{ color: var\(--on-heat\)", tables, re.MULTILINE)
    assert flipped
    on_heat = f".heat-{level}" in flipped.group(1)
    heat, page = colour(theme, kind), colour(theme, "page")
    red, green, blue = (share * h + (1 - share) * p for h, p in zip(heat, page, strict=True))
    ink = colour(theme, "on-heat" if on_heat else "ink")
    assert contrast(ink, (red, green, blue)) >= 4.5


def test_style_asks_for_nothing() -> None:
    for path in STYLE.iterdir():
        assert not re.search(r"url\(|@import|@font-face", path.read_text("utf-8"))
