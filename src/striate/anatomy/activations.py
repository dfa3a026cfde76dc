"""Activation statistics as they are kept: arrays over points in time and layers."""

import csv
import io
import os
import zipfile
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from striate._errors import RunError
from striate.files import printable, write_bytes

__all__ = ["ActivationRecord"]

_ARRAYS = ("steps", "mean", "deviation", "near_zero", "limit", "histogram")


@dataclass(frozen=True, kw_only=True, eq=False)
class ActivationRecord:
    """Statistics of `l` calls at `t` points in time.

    A call that did not happen at a point in time has mean, deviation and near_zero NaN there,
    and a histogram of zeros; one with infinities or NaNs among its values has mean, deviation
    and near_zero NaN, and the histogram of the others.

    Attributes:
        steps: The training step of each point in time.
        names: Name of each call, as `Call.name` has it.
        kinds: Kind of each call.
        mean: Mean of the values.
        deviation: Standard deviation of the values (over their number, not one less).
        near_zero: Share of the values near zero; `ActivationStatistics` says what is near.
        limit: Range of the histogram of a call: from -limit to limit, the same at all times.
        histogram: Share of the values in each of equally wide bins, left edge included.
    """

    steps: Int64[np.ndarray, " t"]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    mean: Float32[np.ndarray, "t l"]
    deviation: Float32[np.ndarray, "t l"]
    near_zero: Float32[np.ndarray, "t l"]
    limit: Float32[np.ndarray, " l"]
    histogram: Float32[np.ndarray, "t l bins"]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the arrays to an npz file, atomically; no pickle inside.

        Raises:
            StorageError: The file cannot be written.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, names=np.array(self.names, str), kinds=np.array(self.kinds, str), **arrays
        )
        write_bytes(path, buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ActivationRecord":
        """Read what `save` wrote.

        Raises:
            RunError: The file is damaged, or is none of these.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in _ARRAYS}
                names, kinds = (tuple(file[n].tolist()) for n in ("names", "kinds"))
        except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            name = printable(os.fspath(path))
            raise RunError(f"{name} holds no activation statistics: {error}") from error
        times, layers, bins = (*arrays["histogram"].shape, 0, 0, 0)[:3]
        shapes = {
            "steps": (times,),
            "limit": (layers,),
            "histogram": (times, layers, bins),
            **dict.fromkeys(("mean", "deviation", "near_zero"), (times, layers)),
        }
        fits = all(arrays[name].shape == shape for name, shape in shapes.items())
        if not fits or not len(names) == len(kinds) == layers:
            raise RunError(f"the arrays of {printable(os.fspath(path))} do not fit one another")
        steps = arrays.pop("steps").astype(np.int64)
        floats = {name: array.astype(np.float32) for name, array in arrays.items()}
        return cls(steps=steps, names=names, kinds=kinds, **floats)

    def to_csv(self) -> str:
        """Return a row for each point in time and call; without the histogram."""
        text = io.StringIO()
        write = csv.writer(text, lineterminator="\n").writerow
        write(["step", "name", "kind", "mean", "deviation", "near_zero"])
        for t, step in enumerate(self.steps.tolist()):
            for k, (name, kind) in enumerate(zip(self.names, self.kinds, strict=True)):
                numbers = (self.mean[t, k], self.deviation[t, k], self.near_zero[t, k])
                write([step, name, kind, *(str(number) for number in numbers)])
        return text.getvalue()
