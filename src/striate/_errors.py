"""Errors that the package raises on purpose. Everything else is a bug."""

__all__ = [
    "DataError",
    "DivergedError",
    "DownloadError",
    "KernelError",
    "NetworkError",
    "RecipeError",
    "RunError",
    "ShapeError",
    "StorageError",
    "StriateError",
    "WeightsError",
]


class StriateError(Exception):
    """Base of every error that the package raises on purpose.

    Its text is one or two lines for a person: what is, what must be, what to do.
    """


class ShapeError(StriateError, ValueError):
    """A size or a tensor shape that the operation cannot take."""


class DataError(StriateError, ValueError):
    """Images, labels or a data set that cannot be used as they are."""


class NetworkError(StriateError, ValueError):
    """A MODEL that is unknown, cannot be built, or does not fit the data."""


class KernelError(StriateError, ValueError):
    """A kernel that is unknown, or whose numbers are none or out of range."""


class WeightsError(StriateError, ValueError):
    """A weights file that is damaged, unsafe, or of another architecture."""


class RecipeError(StriateError, ValueError):
    """A field of the recipe that is unknown or out of range."""


class RunError(StriateError, ValueError):
    """A run folder that exists, is locked, is damaged, or is none."""


class StorageError(StriateError, OSError):
    """A file that cannot be written or read: no room, no permission."""


class DownloadError(StriateError, OSError):
    """A file that could not be fetched, or that is not the one expected."""


class DivergedError(StriateError, ArithmeticError):
    """A loss that is no longer a finite number."""
