"""What a rule for receptive fields is given and returns."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from striate.anatomy.fields import read
from striate.anatomy.forms import NOTHING, Field
from striate.anatomy.spans import ALL_ALIKE

__all__ = ["Arguments", "Of", "Rule", "alike", "named"]

Arguments = dict[str, Any]
Of = Callable[[Any], Field]
Rule = Callable[[Arguments, Of, Tensor], Field]
"""Arguments by name, field of a tensor, first output: field of the first output."""


def named(rule: Rule, names: str) -> dict[str, Rule]:
    """Return the rule under each of the names of operations, with a space between them."""
    return dict.fromkeys(names.split(), rule)


def alike(seen: Field, axis: int, length: int) -> Field:
    """Return the field with an axis made `length` cells long, which all see what cell 0 saw."""
    return read(seen, axis, length, ALL_ALIKE) if seen.forms else NOTHING
