"""What a trace says, as frozen records that save to JSON."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor, tensor

from striate.files import write_text

__all__ = ["Cell", "Feed", "InputTrace", "OutputTrace", "plain_numbers"]

Place = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell under the window.

    Attributes:
        channel: Input channel.
        position: Where it lies, from the first real cell on; negative in the padding. Of a
            transposed convolution: on the stretched map, see `OutputTrace.stretch`.
        source: The real cell that is read; None where a zero is.
        value: What is read.
        weight: What it is multiplied by.
        product: Value times weight.
    """

    channel: int
    position: Place
    source: Place | None
    value: float
    weight: float
    product: float


@dataclass(frozen=True, kw_only=True, eq=False)
class OutputTrace:
    """How one output cell comes about.

    The window is the product of its positions along each axis. Of a pooling the weights are what
    it amounts to at this place: one over the divisor for a mean; for the largest and the smallest
    1 where that cell lies and 0 elsewhere. So in every case the products sum to `sum`.

    Attributes:
        kind: `convolution`, `transposed convolution`, or `max`, `average` or `min pooling`.
        settings: Stride, padding and so on, as they were given; defaults are left out.
        at: Place of the output cell, one number an axis.
        channel: Output channel.
        image: Which image of the batch.
        channels: Input channels that are read.
        positions: Coordinates of the window along each axis, rising.
        sources: For each of these the real cell that is read, or None where a zero is.
        stretch: Places from one real cell to the next, along each axis: 1, or the stride of a
            transposed convolution, which reads the map with zeros between its cells.
        input_size: Real cells along each axis.
        output_size: Output cells along each axis.
        values: What is read; 0 in padding of zeros.
        weights: What it is multiplied by, as it lies on the window: turned round where it is.
        products: Values times weights.
        sum: Sum of the products.
        bias: What is added to it; None if there is none.
        output: Sum and bias.
        winner: Of a largest or smallest: the real cell that won; the first of equal ones.
        divisor: Of a mean: what the sum of the values is divided by.
    """

    kind: str
    settings: Mapping[str, Any]
    at: Place
    channel: int
    image: int
    channels: tuple[int, ...]
    positions: tuple[Place, ...]
    sources: tuple[tuple[int | None, ...], ...]
    stretch: Place
    input_size: Place
    output_size: Place
    values: Float[Tensor, "c *window"]
    weights: Float[Tensor, "c *window"]
    products: Float[Tensor, "c *window"]
    sum: float
    bias: float | None = None
    output: float
    winner: Place | None = None
    divisor: float | None = None

    @property
    def padding(self) -> Bool[Tensor, "*window"]:
        """Which cells of the window are no real cells of the map, though they may repeat one."""
        return tensor(
            [not self.real(place) for place in product(*self.positions)]
        ).view(self.values.shape[1:])  # fmt: skip

    def real(self, position: Place) -> bool:
        """Whether a real cell of the map lies at `position`."""
        return all(
            p % s == 0 and 0 <= p // s < n
            for p, s, n in zip(position, self.stretch, self.input_size, strict=True)
        )

    def __iter__(self) -> Iterator[Cell]:
        """Yield every cell under the window, channel by channel, in reading order."""
        places = list(zip(product(*self.positions), product(*self.sources), strict=True))
        numbers = [t.flatten(1).tolist() for t in (self.values, self.weights, self.products)]
        for i, channel in enumerate(self.channels):
            for j, (position, source) in enumerate(places):
                read = tuple(s for s in source if s is not None)
                yield Cell(
                    channel=channel,
                    position=position,
                    source=read if len(read) == len(source) else None,
                    value=numbers[0][i][j],
                    weight=numbers[1][i][j],
                    product=numbers[2][i][j],
                )

    def to_json(self) -> dict[str, Any]:
        """Return plain values; a number that is not finite is None."""
        tensors = ("values", "weights", "products")
        record = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: plain_numbers(value.tolist() if name in tensors else value)
            for name, value in record.items()
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to `path`, atomically.

        Raises:
            StorageError: The file cannot be written.
        """
        write_text(path, json.dumps(self.to_json(), allow_nan=False, indent=1) + "\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """One way from an input cell to an output cell.

    Attributes:
        channel: Output channel.
        at: Place of the output cell.
        position: Where in its window it reads the input cell; padding may repeat one.
        weight: What the input cell is multiplied by.
        product: Its value times the weight.
    """

    channel: int
    at: Place
    position: Place
    weight: float
    product: float


@dataclass(frozen=True, kw_only=True, eq=False)
class InputTrace:
    """Where one input cell goes.

    The weights of an output cell that is fed several times add up: their sum is how much the output
    changes where the input changes by 1, as long as the same cell wins in a largest.

    Attributes:
        kind: As in `OutputTrace`.
        at: Place of the input cell.
        channel: Input channel.
        image: Which image of the batch.
        value: What the cell holds.
        input_size: Real cells along each axis.
        output_size: Output cells along each axis.
        feeds: All ways to output cells, by channel and then in reading order.
    """

    kind: str
    at: Place
    channel: int
    image: int
    value: float
    input_size: Place
    output_size: Place
    feeds: tuple[Feed, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; a number that is not finite is None."""
        record = {name: getattr(self, name) for name in self.__dataclass_fields__}
        feeds = [{n: getattr(feed, n) for n in Feed.__dataclass_fields__} for feed in self.feeds]
        return plain_numbers(record | {"feeds": feeds})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to `path`, atomically.

        Raises:
            StorageError: The file cannot be written.
        """
        write_text(path, json.dumps(self.to_json(), allow_nan=False, indent=1) + "\n")


def plain_numbers(value: Any) -> Any:
    """Return a value as JSON has it: tuples as lists, and None for what is not finite.

    >>> plain_numbers({"at": (1, 2), "value": float("inf")})
    {'at': [1, 2], 'value': None}
    """
    if isinstance(value, Mapping):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_numbers(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
