"""Activation statistics: how the values of every layer spread while a network is trained."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from striate._errors import RunError, ShapeError
from striate.anatomy.activations import ActivationRecord
from striate.anatomy.calls import Call, calls
from striate.anatomy.summary import LEAST_EXPONENT, summarise, widen

__all__ = ["ActivationStatistics", "sample"]

_KINDS = ("convolution", "linear", "norm", "activation")


class _Point(NamedTuple):
    """One point in time: row i is about layer `layers[i]`."""

    step: int
    layers: np.ndarray
    moments: np.ndarray  # mean, deviation, near zero
    exponents: np.ndarray
    counts: np.ndarray


class ActivationStatistics:
    """Mean, deviation, share near zero and histogram of every call, at chosen training steps.

    Seen is every call of a convolution, linear, norm or activation function, a module's or not.
    The values are those of `sample(output, images=images, values=values)`: the first images of the
    batch, all channels, pixels on a lattice. Near zero is a value whose size is at most
    `near_zero` times the deviation of that call at that step: the rule does not depend on the
    scale of a layer, a normally distributed one has 4 % near zero, and exact zeros always count.

    Nothing is installed on the network but inside `watch`; the outputs and gradients of a step
    that is watched are those of one that is not, bit for bit.

    Args:
        network: Network to be trained.
        images: Most images of a batch to be looked at.
        values: Most values of a call to be looked at, but at least one an image and channel.
        near_zero: See above.
        bins: Bins of a histogram, a power of two from 64 on.

    Raises:
        ShapeError: A number out of range.

    >>> statistics = ActivationStatistics(network := nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    >>> with statistics.watch(step=1):
    ...     outputs = network(torch.ones(8, 2))
    >>> statistics.result().names
    ('0', '1')
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        images: int = 32,
        values: int = 8192,
        near_zero: float = 0.05,
        bins: int = 64,
    ) -> None:
        if bins < 64 or bins & (bins - 1):
            raise ShapeError(f"bins is {bins}; it must be a power of two from 64 on")
        if images < 1 or values < 1 or near_zero < 0:
            raise ShapeError(
                f"images={images}, values={values} must be 1 or more, near_zero={near_zero} not < 0"
            )
        self.network, self.images, self.values = network, images, values
        self.near_zero, self.bins = near_zero, bins
        self._layers: dict[tuple[str, str], int] = {}
        self._points: list[_Point] = []

    @contextmanager
    def watch(self, step: int) -> Generator[None, None, None]:
        """Record the calls of the forward pass inside the block as those of `step`.

        The statistics are computed when the block ends; if it raises, nothing is recorded.
        """
        seen: list[tuple[str, str, Tensor]] = []

        def see(call: Call) -> None:
            if call.output.is_floating_point() and call.output.numel():
                part = sample(call.output, images=self.images, values=self.values)
                seen.append((call.name, call.kind, part.clone()))

        with calls(self.network, see, kinds=_KINDS):
            yield
        if seen:
            self._points.append(self._point(step, seen))

    def _point(self, step: int, seen: list[tuple[str, str, Tensor]]) -> _Point:
        # A sample lies in memory without gaps; the order of its values does not matter.
        samples = [part.to("cpu", torch.float32).numpy().ravel("K") for _, _, part in seen]
        found = [summarise(s, bins=self.bins, near_zero=self.near_zero) for s in samples]
        rows = [self._layers.setdefault(s[:2], len(self._layers)) for s in seen]
        return _Point(
            step,
            np.array(rows, np.int64),
            np.array([f[:3] for f in found], np.float32),
            np.array([f.exponent for f in found], np.int64),
            np.stack([f.counts for f in found]),
        )

    def result(self) -> ActivationRecord:
        """Return all that was recorded, the histograms of a call brought to one range."""
        points, layers = self._points, list(self._layers)
        shape = (len(points), len(layers))
        moments = np.full((*shape, 3), np.nan, np.float32)
        histogram = np.zeros((*shape, self.bins), np.float32)
        exponents = np.full(len(layers), LEAST_EXPONENT, np.int64)
        for point in points:
            np.maximum.at(exponents, point.layers, point.exponents)
        for t, point in enumerate(points):
            moments[t, point.layers] = point.moments
            doublings = exponents[point.layers] - point.exponents
            for row, counts, times in zip(point.layers, point.counts, doublings, strict=True):
                histogram[t, row] = widen(counts, int(times)) / max(counts.sum(), 1)
        return ActivationRecord(
            steps=np.array([point.step for point in points], np.int64),
            names=tuple(name for name, _ in layers),
            kinds=tuple(kind for _, kind in layers),
            mean=moments[..., 0],
            deviation=moments[..., 1],
            near_zero=moments[..., 2],
            limit=np.ldexp(np.float32(1), exponents).astype(np.float32),
            histogram=histogram,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Return all that was recorded, as tensors; `load_state_dict` is the way back."""
        points = self._points
        names = json.dumps(list(self._layers)).encode()
        joined = {
            "layers": [point.layers for point in points],
            "moments": [point.moments for point in points],
            "exponents": [point.exponents for point in points],
            "counts": [point.counts for point in points],
        }
        return {
            "bins": torch.tensor(self.bins),
            "names": torch.tensor(list(names), dtype=torch.uint8),
            "steps": torch.tensor([point.step for point in points], dtype=torch.int64),
            "lengths": torch.tensor([len(point.layers) for point in points], dtype=torch.int64),
            **{
                name: torch.from_numpy(np.concatenate(arrays) if arrays else np.zeros(0))
                for name, arrays in joined.items()
            },
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called.

        Raises:
            RunError: The state is damaged, or of another number of bins.
        """
        try:
            names, points = _read(state)
            bins = int(state["bins"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise RunError(f"the state of the activation statistics is damaged: {error}") from error
        if bins != self.bins:
            raise RunError(f"the activation statistics have {bins} bins, but {self.bins} are asked")
        self._layers = {name: row for row, name in enumerate(names)}
        self._points = points


def _read(state: Mapping[str, Any]) -> tuple[list[tuple[str, str]], list[_Point]]:
    names = [(str(n), str(k)) for n, k in json.loads(bytes(state["names"].tolist()))]
    lengths = state["lengths"].tolist()
    columns = [
        [part.numpy() for part in state[name].split(lengths)] if lengths else []
        for name in ("layers", "moments", "exponents", "counts")
    ]
    steps = state["steps"].tolist()
    return names, [_Point(*fields) for fields in zip(steps, *columns, strict=True)]


def sample(output: Tensor, *, images: int = 32, values: int = 8192) -> Tensor:
    """Return a view of the values of a layer's output that stand for all of them.

    They are those of the first `images` images, of all channels, and of every s-th place of each
    further axis, from s // 2 on (s = 1 + axis length at most). s is the least with which at most
    `values` values are left. If one place is still too many, fewer images are taken, at least one.

    >>> sample(torch.zeros(128, 16, 14, 14)).shape  # s = 4
    torch.Size([32, 16, 3, 3])
    """
    return output.detach()[_lattice(output.shape, images, values)]


@lru_cache(maxsize=1024)
def _lattice(shape: tuple[int, ...], images: int, values: int) -> tuple[slice, ...]:
    count = min(shape[0], images) if shape else 1
    channels = shape[1] if len(shape) > 1 else 1
    axes = shape[2:]
    longest = max((1, *axes))
    strides = range(1, longest)
    stride = next((s for s in strides if count * channels * _places(axes, s) <= values), longest)
    count = max(1, min(count, values // max(1, channels * _places(axes, stride))))
    lead = (slice(0, count), slice(None))[: len(shape)]
    return (*lead, *(_every(stride, length) for length in axes))


def _places(axes: tuple[int, ...], stride: int) -> int:
    return prod(len(range(length)[_every(stride, length)]) for length in axes)


def _every(stride: int, length: int) -> slice:
    """Return every `stride`-th place, each the middle of its stretch; at least one."""
    step = max(1, min(stride, length))
    return slice(step // 2, None, step)
