"""Maps over images as they are kept: a record with its method, layer and target."""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from striate._errors import RunError
from striate.files import printable, write_bytes, write_text

__all__ = ["Map", "resize_maps", "versions"]


def versions() -> dict[str, str]:
    """Return the versions that a record was made with."""
    try:
        own = metadata.version("striate")
    except metadata.PackageNotFoundError:
        own = "(from a checkout)"
    return {"striate": own, "torch": str(torch.__version__)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Map:
    """What a method says of each place of each image, raw: nothing is normalised.

    Attributes:
        method: Name of the function that made it.
        values: The maps, at the method's own resolution.
        layer: Name of the layer they were read from, or None if there is none.
        targets: The class that was explained, an image; None for a target of another kind.
        scores: The score that was explained, an image.
        versions: Of striate and torch.
        seed: Where the method draws random numbers.
    """

    method: str
    values: Float[Tensor, "n h w"]
    layer: str | None
    targets: Int64[Tensor, " n"] | None
    scores: Float[Tensor, " n"]
    versions: Mapping[str, str] = field(default_factory=versions)
    seed: int | None = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the numbers to `path` (`.npz`) and the words beside it (`.json`), atomically.

        Raises:
            StorageError: A file cannot be written.
        """
        tensors = {"values": self.values, "scores": self.scores}
        if self.targets is not None:
            tensors["targets"] = self.targets
        arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        words = {
            "method": self.method,
            "layer": self.layer,
            "versions": dict(self.versions),
            "seed": self.seed,
            "shape": list(self.values.shape),
        }
        numbers, beside = _files(path)
        write_bytes(numbers, buffer.getvalue())
        write_text(beside, json.dumps(words, sort_keys=True, indent=1) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Map":
        """Read what `save` wrote, on the CPU.

        Raises:
            RunError: A file is damaged, missing, or of something else.
        """
        numbers, beside = _files(path)
        try:
            words = json.loads(beside.read_text(encoding="utf-8"))
            with np.load(numbers, allow_pickle=False) as file:
                arrays = {name: torch.from_numpy(file[name]) for name in file.files}
            if list(arrays["values"].shape) != words["shape"] or len(words["shape"]) != 3:
                raise RunError(f"{printable(str(numbers))} is not the one that {beside.name} tells")
            return cls(
                method=words["method"],
                values=arrays["values"],
                layer=words["layer"],
                targets=arrays.get("targets"),
                scores=arrays["scores"],
                versions=words["versions"],
                seed=words["seed"],
            )
        except (KeyError, TypeError, ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
            if isinstance(error, RunError):
                raise
            raise RunError(f"no map can be read from {printable(str(numbers))}: {error}") from error


def _files(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    numbers = Path(path)
    if numbers.suffix != ".npz":
        numbers = numbers.with_name(numbers.name + ".npz")
    return numbers, numbers.with_suffix(".json")


def resize_maps(
    values: Float[Tensor, "n h w"], height: int, width: int
) -> Float[Tensor, "n {height} {width}"]:
    """Return maps of `height` x `width` pixels, by bilinear interpolation between cell centres.

    >>> resize_maps(torch.tensor([[[0.0, 4.0]]]), 1, 4)
    tensor([[[0., 1., 3., 4.]]])
    """
    larger = F.interpolate(
        values[:, None], size=(height, width), mode="bilinear", align_corners=False
    )
    return larger[:, 0]
