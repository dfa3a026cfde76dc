"""What may be asked of `data.load`, for named sets and folders alike."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from striate._errors import DataError

__all__ = ["FRACTION", "Options"]

FRACTION = 0.1
_SMALLEST, _LARGEST = 8, 2048


@dataclass(frozen=True, kw_only=True)
class Options:
    """The arguments of `data.load` besides name and progress, checked; it says what they mean.

    Raises:
        DataError: A value is out of range.
    """

    size: int = 128
    classes: Sequence[str] | None = None
    per_class: int | None = None
    validation: float = FRACTION
    seed: int = 0
    channels: int | None = None

    def __post_init__(self) -> None:
        if not _SMALLEST <= self.size <= _LARGEST:
            raise DataError(f"size is {self.size}; it must be {_SMALLEST} to {_LARGEST} pixels")
        if self.per_class is not None and self.per_class < 1:
            raise DataError(f"per_class is {self.per_class}; it must be 1 or more")
        if not 0 < self.validation < 1:
            raise DataError(
                f"validation is {self.validation}; it must be above 0 and below 1, such as "
                f"{FRACTION}"
            )
        if self.channels not in (None, 1, 3):
            raise DataError(f"channels is {self.channels}; it must be 1 (grey) or 3 (RGB)")

    def to_json(self) -> dict[str, Any]:
        """Return what `data.json` and `recipe.toml` say of them: given to `load`, it repeats it."""
        return asdict(self) | {"classes": None if self.classes is None else list(self.classes)}
