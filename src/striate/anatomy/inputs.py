"""What a network is given for its layer table: shapes from a size, or tensors as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate._errors import ShapeError

__all__ = ["Given", "Size", "given", "image_axes"]

Size = int | Tensor | Sequence[int] | Sequence[Sequence[int]] | Sequence[Tensor]


@dataclass(frozen=True)
class Given:
    """Inputs of one forward pass: shapes, batch first, and the tensors if there are any.

    `sure` is whether the caller said the channels.
    """

    shapes: tuple[tuple[int, ...], ...]
    tensors: tuple[Tensor, ...] = ()
    sure: bool = False

    def made(self, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
        """Return the inputs on a device: the tensors, or zeros."""
        if self.tensors:
            return [_as(tensor, dtype).to(device) for tensor in self.tensors]
        make = torch.empty if device.type == "meta" else torch.zeros
        return [make(shape, dtype=dtype, device=device) for shape in self.shapes]


def given(network: nn.Module, size: Size, in_channels: int | None, batch: int) -> list[Given]:
    """Return what the network may be given, the likeliest first.

    Raises:
        ShapeError: A length, the batch or the channels are below 1.
    """
    if isinstance(size, str):
        raise ShapeError(f"size is {size!r}, text; give numbers: {_numbers(size)}")
    if isinstance(size, Tensor):
        size = [size]
    if not isinstance(size, int) and any(isinstance(one, Tensor) for one in size):
        tensors = tuple(one for one in size if isinstance(one, Tensor))
        if len(tensors) < len(size):
            raise ShapeError("size mixes tensors and numbers; give tensors for all inputs or none")
        return [Given(tuple(tuple(t.shape) for t in tensors), tensors)]
    if not isinstance(size, int) and size and all(isinstance(one, Sequence) for one in size):
        shapes = tuple((batch, *(int(n) for n in one)) for one in size if isinstance(one, Sequence))
        _check([shape[1:] for shape in shapes], size, batch, in_channels)
        return [Given(shapes)]
    lengths = (size, size) if isinstance(size, int) else tuple(_length(n) for n in size)
    _check([lengths], size, batch, in_channels)
    axes = image_axes(network)
    likely: list[Given] = []  # a network may fold axes before its convolution: not the only one
    if isinstance(size, int) and axes not in (None, 2):
        likely = _of_channels(network, (size,) * (axes or 2), in_channels, batch)
    elif axes is not None and len(lengths) == axes + 1 and in_channels in (None, lengths[0]):
        likely = [Given(((batch, *lengths),), sure=True)]
    return [*likely, *_of_channels(network, lengths, in_channels, batch)]


def _of_channels(
    network: nn.Module, lengths: tuple[int, ...], in_channels: int | None, batch: int
) -> list[Given]:
    channels = [in_channels] if in_channels else _guesses(network, lengths)
    return [Given(((batch, count, *lengths),)) for count in channels]


def image_axes(network: nn.Module) -> int | None:
    """Return how many axes images have behind the channels, as the first convolution takes them.

    None is of a network without a convolution that is a module.

    >>> image_axes(nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU())), image_axes(nn.ReLU())
    (1, None)
    """
    first = _convolutions(network)[:1]
    return len(first[0].kernel_size) if first else None


def _convolutions(network: nn.Module) -> list[nn.modules.conv._ConvNd]:
    return [m for m in network.modules() if isinstance(m, nn.modules.conv._ConvNd)]


def _numbers(text: str) -> str:
    """Return what a text such as `3x64x64` would be as numbers, or an example."""
    parts = text.lower().replace(",", "x").split("x")
    lengths = [int(part) for part in parts if part.strip().isdecimal()]
    whole = lengths if len(lengths) == len(parts) else [3, 64, 64]
    return str(whole[0]) if len(whole) == 1 else str(tuple(whole))


def _length(value: object) -> int:
    if isinstance(value, int):
        return value
    raise ShapeError(f"size has {value!r} among numbers; give lengths, or a shape for each input")


def _check(
    shapes: Sequence[tuple[int, ...]], size: object, batch: int, in_channels: int | None
) -> None:
    lengths = [n for shape in shapes for n in shape]
    empty = not lengths or not all(shapes)
    if empty or min(*lengths, batch, 1 if in_channels is None else in_channels) < 1:
        raise ShapeError(f"size {size}, batch {batch}, in_channels {in_channels} must be > 0")


def _as(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach()


def _guesses(network: nn.Module, lengths: tuple[int, ...]) -> list[int]:
    """Return how many channels the images may have, the likeliest first."""
    pixels = torch.Size(lengths).numel()
    convolutions = _convolutions(network)
    linears = [m for m in network.modules() if isinstance(m, nn.Linear)]
    likely: list[int] = []
    if convolutions:
        first = convolutions[0].in_channels
        likely = [first, *([first // 4] if first % 4 == 0 else [])]
    elif linears and linears[0].in_features % pixels == 0:
        likely = [linears[0].in_features // pixels]
    return list(dict.fromkeys([*likely, 3, 1]))
