"""Counts and lists of names as people read them."""

from collections.abc import Sequence

__all__ = ["counted", "few"]


def counted(n: int, what: str) -> str:
    """Return a count and what is counted, in the plural but for one.

    >>> counted(1, "image"), counted(0, "class"), counted(1200, "image")
    ('1 image', '0 classes', '1,200 images')
    """
    return f"{n:,} {what}" + ("" if n == 1 else "es" if what.endswith("s") else "s")


def few(names: Sequence[str], most: int = 3) -> str:
    """Return the first names of a list, and how many more there are.

    >>> few(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")
