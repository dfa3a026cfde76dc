"""How a file becomes the tensor a network reads: one record, kept with the weights."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from striate._errors import DataError

__all__ = ["INTERPOLATIONS", "RESIZES", "Preprocessing"]

RESIZES = ("crop",)
INTERPOLATIONS = ("bilinear", "bicubic")


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Colour, size and normalisation of a network's input.

    Attributes:
        channels: 1 for grey, 3 for RGB.
        height: Rows after resizing, in pixels.
        width: Columns after resizing, in pixels.
        mean: Mean of each channel, of values scaled to 0..1.
        deviation: Standard deviation of each channel, of values scaled to 0..1.
        resize: `crop` scales the image, aspect kept, until it just covers height x width, and cuts
            the centre out. An image of that very size is not touched.
        interpolation: `bilinear` or `bicubic`, antialiased when shrinking.
    """

    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    resize: str = "crop"
    interpolation: str = "bilinear"

    def normalize(
        self,
        images: UInt8[Tensor, "n c h w"],
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> Float[Tensor, "n c h w"]:
        """Return `(images / 255 - mean) / deviation`, channels last in memory.

        >>> grey = Preprocessing(channels=1, height=1, width=2, mean=(0.5,), deviation=(0.5,))
        >>> grey.normalize(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).tolist()
        [[[[-1.0, 1.0]]]]
        """
        if images.shape[1] != self.channels:
            raise DataError(f"images have {images.shape[1]} channels, not {self.channels}")
        images = images.to(device, non_blocking=True)
        scale = 1 / (255 * torch.tensor(self.deviation, device=images.device))
        shift = torch.tensor(self.mean, device=images.device) * 255 * scale
        values = images.to(torch.float32, memory_format=torch.channels_last)
        values = values.mul_(scale.view(-1, 1, 1)).sub_(shift.view(-1, 1, 1))
        return values.to(dtype)

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and strings; `from_json` is the way back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Preprocessing":
        """Return the record that `to_json` wrote.

        Raises:
            DataError: A field is missing, unknown, or of the wrong kind.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            odd = ", ".join(sorted(str(name) for name in set(values) ^ names))
            raise DataError(f"preprocessing is damaged: {odd} missing or unknown")
        sizes = tuple(values[name] for name in ("channels", "height", "width"))
        if not all(type(size) is int for size in sizes):
            raise DataError(f"preprocessing is damaged: sizes are {sizes}, not whole numbers")
        if sizes[0] not in (1, 3) or min(sizes) < 1 or max(sizes[1:]) > 16384:
            raise DataError(f"preprocessing asks for channels, height, width of {sizes}")
        try:
            mean = tuple(float(value) for value in values["mean"])
            deviation = tuple(float(value) for value in values["deviation"])
        except (TypeError, ValueError) as error:
            raise DataError(f"preprocessing is damaged: {error}") from error
        if not len(mean) == len(deviation) == sizes[0] or not _usable(mean, deviation):
            raise DataError("preprocessing needs one mean and one deviation above 0 a channel")
        for name, allowed in (("resize", RESIZES), ("interpolation", INTERPOLATIONS)):
            if values[name] not in allowed:
                raise DataError(
                    f"preprocessing has {name} {values[name]!r}; it must be one of "
                    f"{', '.join(allowed)}"
                )
        return cls(
            channels=sizes[0],
            height=sizes[1],
            width=sizes[2],
            mean=mean,
            deviation=deviation,
            resize=values["resize"],
            interpolation=values["interpolation"],
        )


def _usable(mean: tuple[float, ...], deviation: tuple[float, ...]) -> bool:
    return all(map(math.isfinite, (*mean, *deviation))) and min(deviation) > 0
