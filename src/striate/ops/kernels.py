"""Kernels by name: lines, edges, gradients, blurs; every one as the weights of a `conv2d`.

A convolutional layer does not turn its kernel round (it correlates), so a kernel here looks like
what it answers to: `top-edge` has its negative weights above, and answers where dark lies above
bright. Kernels named -x answer where the image brightens to the right, those named -y where it
brightens downwards. For convolution proper, as in `scipy.ndimage.convolve`, flip both axes.
"""

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from striate._errors import KernelError
from striate.ops.gaussian import gaussian, laplacian_of_gaussian

__all__ = ["KERNELS", "KernelCard", "kernel"]

Build = Callable[..., Float[Tensor, "h w"]]


@dataclass(frozen=True, kw_only=True)
class KernelCard:
    """What is known of a kernel by its name.

    Attributes:
        what: What it does or answers to, in a few words.
        build: Returns its weights in float64; its keywords are the kernel's options.
    """

    what: str
    build: Build

    @property
    def options(self) -> dict[str, Any]:
        """Names of the options and their defaults."""
        parameters = inspect.signature(self.build).parameters.values()
        return {parameter.name: parameter.default for parameter in parameters}


def kernel(
    name: str, *, dtype: torch.dtype = torch.float32, **options: Any
) -> Float[Tensor, "h w"]:
    """Return the weights of a named kernel, for cross-correlation as layers do it.

    Args:
        name: A key of `KERNELS`.
        dtype: Of the result; computed in float64.
        **options: `normalise=True` divides a kernel of fixed weights by the sum of its positive
            ones, so that a step of height 1 answers 1 at most. `box-blur` takes `size`, Gaussian
            kernels `sigma` and `truncate`; `KERNELS[name].options` has them all.

    Raises:
        KernelError: The name or an option is unknown (the nearest are given), or out of range.

    Source:
        Edges and lines: course notes on convolutional networks. Sobel, Prewitt, Scharr, Roberts,
        Laplacian: Gonzalez and Woods, "Digital image processing", 4th ed., sections 3.5 and 10.2;
        Scharr: "Optimale Operatoren in der digitalen Bildverarbeitung", 2000.

    >>> kernel("sobel-x").tolist()
    [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]
    >>> kernel("box-blur", size=2).tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    >>> kernel("sobel")
    Traceback (most recent call last):
    ...
    striate._errors.KernelError: there is no kernel 'sobel'; nearest: sobel-y, sobel-x; \
list(ops.KERNELS) has all
    """
    if name not in KERNELS:
        near = difflib.get_close_matches(name.lower(), KERNELS, n=3, cutoff=0.5)
        nearest = f"nearest: {', '.join(near)}; " if near else ""
        raise KernelError(f"there is no kernel {name!r}; {nearest}list(ops.KERNELS) has all")
    card = KERNELS[name]
    for option in options:
        if option not in card.options:
            known = _near(option, card.options) if card.options else "it takes none"
            raise KernelError(f"kernel {name} has no option {option!r}; {known}")
    return card.build(**options).to(dtype)


def _near(word: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=3, cutoff=0.5)
    return f"nearest: {', '.join(near)}" if near else f"there are {', '.join(known)}"


def _fixed(rows: str) -> Build:
    """Return the builder of a kernel whose weights are written down, rows between semicolons."""
    weights = [[float(number) for number in row.split()] for row in rows.split(";")]

    def build(*, normalise: bool = False) -> Float[Tensor, "h w"]:
        values = torch.tensor(weights, dtype=torch.float64)
        return values / values.clamp(min=0).sum() if normalise else values

    return build


def _box(*, size: int = 3) -> Float[Tensor, "h w"]:
    if not isinstance(size, int) or not 1 <= size <= 1023:
        raise KernelError(f"size is {size}; a box-blur takes a whole number from 1 to 1023")
    return torch.full((size, size), 1 / size**2, dtype=torch.float64)


def _gaussian(*, sigma: int | float = 1.0, truncate: int | float = 4.0) -> Float[Tensor, "h w"]:
    return gaussian(sigma, truncate=truncate)


def _gaussian_x(*, sigma: int | float = 1.0, truncate: int | float = 4.0) -> Float[Tensor, "h w"]:
    return gaussian(sigma, order=(0, 1), truncate=truncate)


def _gaussian_y(*, sigma: int | float = 1.0, truncate: int | float = 4.0) -> Float[Tensor, "h w"]:
    return gaussian(sigma, order=(1, 0), truncate=truncate)


def _log(*, sigma: int | float = 1.0, truncate: int | float = 4.0) -> Float[Tensor, "h w"]:
    return laplacian_of_gaussian(sigma, truncate=truncate)


_COLUMN = "0 0 0 1 0 0 0"
_ZEROS = "0 0 0 0 0 0 0"
_FIXED = {
    "identity": ("0 0 0; 0 1 0; 0 0 0", "the image itself"),
    "vertical-line-7": ("; ".join([_COLUMN] * 7), "a bright vertical line"),
    "horizontal-line-7": (
        "; ".join([*[_ZEROS] * 3, "1 1 1 1 1 1 1", *[_ZEROS] * 3]),
        "a bright horizontal line",
    ),
    "diagonal-line": ("1 0 0; 0 1 0; 0 0 1", "a bright line that falls to the right"),
    "top-edge": ("-1 -1 -1; 0 0 0; 1 1 1", "dark above bright"),
    "left-edge": ("-1 1 0; -1 1 0; -1 1 0", "dark left of bright"),
    "diagonal-1": ("0 -1 1; -1 1 0; 1 0 0", "a rising line, darker on its upper left"),
    "diagonal-2": ("1 -1 0; 0 1 -1; 0 0 1", "a falling line, darker on its upper right"),
    "vertical-edge": ("1 0 -1; 1 0 -1; 1 0 -1", "bright left of dark"),
    "horizontal-edge": ("1 1 1; 0 0 0; -1 -1 -1", "bright above dark"),
    "sobel-horizontal": ("1 2 1; 0 0 0; -1 -2 -1", "bright above dark, the middle twice"),
    "edge-detect": ("-1 -1 -1; -1 8 -1; -1 -1 -1", "brighter than its eight neighbours"),
    "sobel-x": ("-1 0 1; -2 0 2; -1 0 1", "slope to the right, smoothed 1 2 1"),
    "sobel-y": ("-1 -2 -1; 0 0 0; 1 2 1", "slope downwards, smoothed 1 2 1"),
    "prewitt-x": ("-1 0 1; -1 0 1; -1 0 1", "slope to the right, smoothed 1 1 1"),
    "prewitt-y": ("-1 -1 -1; 0 0 0; 1 1 1", "slope downwards, smoothed 1 1 1"),
    "scharr-x": ("-3 0 3; -10 0 10; -3 0 3", "slope to the right, nearly the same at any angle"),
    "scharr-y": ("-3 -10 -3; 0 0 0; 3 10 3", "slope downwards, nearly the same at any angle"),
    "roberts-1": ("-1 0; 0 1", "slope to the lower right"),
    "roberts-2": ("0 -1; 1 0", "slope to the lower left"),
    "laplacian-4": ("0 1 0; 1 -4 1; 0 1 0", "darker than its four neighbours"),
    "laplacian-8": ("1 1 1; 1 -8 1; 1 1 1", "darker than its eight neighbours"),
    "sharpen": ("0 -1 0; -1 5 -1; 0 -1 0", "the image less its Laplacian"),
    "emboss": ("-2 -1 0; -1 1 1; 0 1 2", "the image as a relief lit from the lower right"),
}
KERNELS: dict[str, KernelCard] = {
    name: KernelCard(what=what, build=_fixed(rows)) for name, (rows, what) in _FIXED.items()
} | {
    "box-blur": KernelCard(what="mean of size x size pixels", build=_box),
    "gaussian": KernelCard(what="blur by a Gaussian of sigma pixels", build=_gaussian),
    "gaussian-x": KernelCard(what="slope of the blurred image to the right", build=_gaussian_x),
    "gaussian-y": KernelCard(what="slope of the blurred image downwards", build=_gaussian_y),
    "laplacian-of-gaussian": KernelCard(what="dark blobs about 1.4 sigma in radius", build=_log),
}
"""Kernels by name, in the order in which they are listed."""
