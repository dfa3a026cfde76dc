"""Numbers, dates and lists as people read them."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

__all__ = [
    "NOTHING",
    "compact",
    "count",
    "date",
    "decimal",
    "duration",
    "join",
    "memory",
    "number",
    "percent",
    "plain",
    "points",
    "short",
    "times",
]

NOTHING = "n/a"
"""What stands where there is no number."""

_SPACE = "\u202f"  # narrow and unbreakable, between a number and its unit
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)


def _signed(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _missing(value: int | float | None) -> bool:
    return value is None or not math.isfinite(value)


def percent(fraction: int | float | None, digits: int = 2) -> str:
    """Return a fraction in percent.

    >>> percent(0.9185).replace("\u202f", " ")
    '91.85 %'
    """
    if fraction is None or _missing(fraction):
        return NOTHING
    return f"{100 * fraction:.{digits}f}{_SPACE}%"


def points(fraction: int | float, digits: int = 1) -> str:
    """Return a difference of two fractions in percentage points.

    >>> points(0.012)
    '1.2 points'
    """
    return f"{100 * abs(fraction):.{digits}f} points"


def count(value: int | float | None) -> str:
    """Return a whole number with its thousands apart.

    >>> count(61706)
    '61,706'
    """
    return NOTHING if value is None or _missing(value) else f"{round(value):,}"


def times(n: int | float) -> str:
    """Return how often something happened.

    >>> times(1), times(2), times(3000)
    ('once', 'twice', '3,000 times')
    """
    return {1: "once", 2: "twice"}.get(round(n), f"{count(n)} times")


def compact(value: int | float | None) -> str:
    """Return a large whole number in thousands, millions or billions.

    >>> compact(1_814_073_344).replace("\u202f", " ")
    '1.81 G'
    """
    if value is None or _missing(value):
        return NOTHING
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            scaled = value / (1e3 if letter == "k" else size)
            return f"{number(scaled)}{_SPACE}{letter}"
    return count(value)


def short(value: int | float | None) -> str:
    """Return a number with three digits that count.

    >>> short(0.012345)
    '0.0123'
    """
    return NOTHING if value is None or _missing(value) else number(value)


def number(value: int | float, digits: int = 3) -> str:
    """Return `value` with so many digits that count, without an exponent where one can.

    >>> number(0.012345), number(12.0), number(1234567.0), number(3.4e38)
    ('0.0123', '12', '1234567', '3.40e+38')
    """
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if -5 <= size < 15:
        text = f"{value:.{max(digits - 1 - size, 0)}f}"
        return _signed(text.rstrip("0").rstrip(".") if "." in text else text)
    return _signed(f"{value:.{digits - 1}e}")


def decimal(value: int | float | None, digits: int = 4) -> str:
    """Return a number such as a loss, with a fixed count of decimals below 100.

    >>> decimal(0.23456), decimal(123.4), decimal(0.00002)
    ('0.2346', '123', '2e-05')
    """
    if value is None or _missing(value):
        return NOTHING
    if value != 0 and abs(value) < 10**-digits:
        return _signed(f"{value:.2g}")
    return _signed(f"{value:.{digits}f}") if abs(value) < 100 else number(value)


def duration(seconds: int | float | None) -> str:
    """Return a time in the units a person would use.

    >>> [duration(s).replace("\u202f", " ") for s in (0.042, 7.25, 72, 7384)]
    ['42 ms', '7.2 s', '1 min 12 s', '2 h 03 min']
    """
    if seconds is None or _missing(seconds):
        return NOTHING
    if seconds < 1:
        return f"{1000 * seconds:.0f}{_SPACE}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}{_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_SPACE}min {rest:02d}{_SPACE}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{_SPACE}h {minutes:02d}{_SPACE}min"


def memory(mebibytes: int | float | None) -> str:
    """Return a size of memory.

    >>> memory(812.4).replace("\u202f", " "), memory(2048).replace("\u202f", " ")
    ('812 MiB', '2.00 GiB')
    """
    if mebibytes is None or _missing(mebibytes):
        return NOTHING
    if mebibytes < 1024:
        return f"{mebibytes:.0f}{_SPACE}MiB"
    return f"{mebibytes / 1024:.2f}{_SPACE}GiB"


def date(stamp: object, *, brief: bool = False) -> str:
    """Return an ISO 8601 date and time in words; what is none comes back as it is.

    Args:
        stamp: Date and time.
        brief: Whether the month is cut to three letters.

    >>> date("2026-03-07T09:05:12+00:00")
    '7 March 2026, 09:05 UTC'
    """
    try:
        moment = datetime.fromisoformat(str(stamp))
    except ValueError:
        return str(stamp)
    zone = moment.tzname()
    month = _MONTHS[moment.month - 1]
    day = f"{moment.day} {month[:3] if brief else month} {moment.year}"
    return f"{day}, {moment:%H:%M}" + (f" {zone}" if zone else "")


def join(words: Sequence[str], last: str = "and") -> str:
    """Return a list as a phrase.

    >>> join(["a", "b", "c"])
    'a, b and c'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def plain(value: Any) -> str:
    """Return any value of a recipe or an environment as one would write it.

    >>> plain(True), plain(None), plain([0.9, 1]), plain(1e-05)
    ('yes', 'none', '0.9, 1', '1e-05')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value == {}:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value) or "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
