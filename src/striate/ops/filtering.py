"""Kernels applied to images: to grey or to each colour plane, and magnitudes of responses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Complex, Float, Num
from torch import Tensor

from striate._errors import KernelError, ShapeError
from striate.ops.convolution import conv2d
from striate.ops.separating import separate
from striate.ops.shape_checks import check_tensor

__all__ = ["COLOURS", "GREY", "Filter", "filter_image", "gabor_magnitude", "grey", "standardise"]

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""

COLOURS = ("grey", "planes")

_LARGE = 81  # weights from which on it pays to look whether a kernel can be separated

Kernel = Float[Tensor, "_ _"] | Complex[Tensor, "_ _"]  # of several, each has its own size


@dataclass(frozen=True, kw_only=True, eq=False)
class Filter:
    """A kernel and how it is applied.

    Attributes:
        name: As it is written.
        weights: Real weights; or complex ones, which answer with their magnitude.
        standardised: Whether the image is first brought to mean 0 and deviation 1, and goes on at
            the other side of its border, as for magnitudes of Gabor kernels.
    """

    name: str
    weights: Kernel
    standardised: bool = False

    def respond(
        self,
        images: Num[Tensor, "n c h w"],
        *,
        colour: str = "grey",
        padding_mode: str | None = None,
    ) -> Float[Tensor, "n planes h w"]:
        """Return the response of each image; arguments and errors as in `filter_image`.

        Args:
            images: Grey or colour.
            colour: `grey` or `planes`.
            padding_mode: None is `circular` if the filter standardises, else `reflect`.
        """
        check_tensor(images, 2)
        mode = padding_mode or ("circular" if self.standardised else "reflect")
        planes = (grey(images) if _is_grey(colour) else images).flatten(0, 1)[:, None]
        seen = standardise(planes) if self.standardised else planes
        answers = filter_image(seen, self.weights, padding_mode=mode)
        return answers.view(images.shape[0], -1, *images.shape[2:])


def grey(images: Num[Tensor, "n c h w"]) -> Float[Tensor, "n 1 h w"]:
    """Return the grey of images: .299 red + .587 green + .114 blue; what is grey stays.

    Raises:
        ShapeError: The images have neither one channel nor three, or are no floating point.

    Source:
        ITU-R BT.601.

    >>> round(grey(torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)).item(), 6)
    0.5925
    """
    check_tensor(images, 2)
    channels = images.shape[1]
    if channels == 1:
        return images
    if channels != 3:
        raise ShapeError(f"images have {channels} channels; grey is made of 3 (or of 1, as it is)")
    weights = torch.tensor(GREY, dtype=images.dtype, device=images.device)
    return torch.einsum("nchw,c->nhw", images, weights)[:, None]


def standardise(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Return each image less its mean, divided by its standard deviation; a flat one is 0.

    The deviation is that of the pixels themselves (divided by their number, not by one less).

    >>> standardise(torch.tensor([[[[1.0, 3.0]]]])).tolist()
    [[[[-1.0, 1.0]]]]
    """
    deviation, mean = torch.std_mean(images, dim=(1, 2, 3), correction=0, keepdim=True)
    return (images - mean) / torch.where(deviation == 0, 1, deviation)


def filter_image(
    images: Num[Tensor, "n c h w"],
    kernels: Kernel | Sequence[Kernel],
    *,
    colour: str = "grey",
    padding_mode: str = "reflect",
    flip: bool = False,
) -> Float[Tensor, "n k planes h w"]:
    """Return the response of each image to each kernel, as large as the image.

    Args:
        images: Grey or colour; values of any scale.
        kernels: One or several, of any sizes. The response to a complex kernel is its magnitude,
            sqrt(real^2 + imaginary^2): Gabor kernels, or a pair of gradients as x + i y.
        colour: `grey` filters the grey image, `planes` each channel by itself.
        padding_mode: What lies beyond the border: `zeros`, `reflect`, `replicate`, `circular`.
        flip: Whether kernels are turned round first: convolution proper, as SciPy and scikit-image
            define it, instead of the cross-correlation that layers compute.

    Returns:
        One plane for `grey`, as many as the images have channels for `planes`.

    Raises:
        KernelError: There is no kernel, one is empty, or has other than two axes.
        ShapeError: The images have another number of channels, are no floating point, or are too
            small for the padding.

    >>> image = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(1, 1, 4, 4)
    >>> filter_image(image, torch.tensor([[-1.0, 1.0]]))[0, 0, 0, 0].tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    check_tensor(images, 2)
    listed = [kernels] if isinstance(kernels, Tensor) else list(kernels)
    _check(listed)
    seen = grey(images) if _is_grey(colour) else images
    rows, columns = seen.shape[2:]
    planes = seen.reshape(-1, 1, rows, columns)
    parts = [_response(planes, kernel, padding_mode, flip) for kernel in listed]
    return (
        torch.stack(parts, dim=1).view(*seen.shape[:2], len(listed), rows, columns).swapaxes(1, 2)
    )


def gabor_magnitude(
    images: Num[Tensor, "n c h w"],
    kernels: Complex[Tensor, "_ _"] | Sequence[Complex[Tensor, "_ _"]],
    *,
    padding_mode: str = "circular",
) -> Float[Tensor, "n k h w"]:
    """Return how strongly the grey of each image answers to Gabor kernels, whatever the phase.

    The grey image is standardised (mean 0, deviation 1) and goes on at the other side of its
    border, so that a texture has one answer whatever its light and wherever it is cut.

    Args:
        images: Grey or colour.
        kernels: Complex weights as `gabor` returns them.
        padding_mode: As in `filter_image`.

    Raises:
        KernelError: There is no kernel.
        ShapeError: As in `filter_image`.

    Source:
        The textures example of scikit-image's gallery: sqrt(real^2 + imaginary^2), mode "wrap".

    >>> from striate.ops.gabor_kernels import gabor
    >>> x = torch.arange(40.0)
    >>> stripes = torch.cos(2 * torch.pi * 0.1 * x).expand(1, 1, 40, 40)
    >>> answers = gabor_magnitude(stripes, [gabor(0.1), gabor(0.4), gabor(0.1, torch.pi / 2)])
    >>> [round(value, 1) for value in answers.mean(dim=(0, 2, 3)).tolist()]
    [0.7, 0.0, 0.0]
    """
    responses = filter_image(standardise(grey(images)), kernels, padding_mode=padding_mode)
    return responses[:, :, 0]


def _is_grey(colour: str) -> bool:
    if colour not in COLOURS:
        raise ShapeError(f"colour is {colour!r}; it must be {' or '.join(COLOURS)}")
    return colour == "grey"


def _check(kernels: Sequence[Tensor]) -> None:
    if not kernels:
        raise KernelError("there is no kernel to filter with; name one or more")
    for weights in kernels:
        if weights.ndim != 2 or not weights.numel():
            shape = " x ".join(map(str, weights.shape)) or "a single number"
            raise KernelError(f"a kernel is {shape}; it must have two axes, rows and columns")


def _response(
    planes: Float[Tensor, "m 1 h w"], kernel: Kernel, padding_mode: str, flip: bool
) -> Float[Tensor, "m h w"]:
    if kernel.is_complex():
        parts = (_response(planes, part, padding_mode, flip) for part in (kernel.real, kernel.imag))
        return torch.hypot(*parts)
    weight = kernel.to(planes)[None, None]
    options: dict[str, Any] = {"padding": "same", "padding_mode": padding_mode, "flip": flip}
    separated = separate(kernel) if kernel.numel() >= _LARGE else None
    if separated is None:
        return conv2d(planes, weight, **options)[:, 0]
    # A sum of r columns times rows: first all columns, then each answer with its own row.
    columns, rows = (part.to(planes)[:, None] for part in separated)
    answers = conv2d(planes, columns, **options)
    return conv2d(answers, rows.transpose(0, 1), **options)[:, 0]
