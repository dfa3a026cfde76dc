"""Pooling: the largest, the smallest or the mean cell of each window, with every padding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, prod

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from striate._errors import ShapeError
from striate.ops.arithmetic import output_size
from striate.ops.borders import AXIS_NAMES, add_border
from striate.ops.padding import Padding, Pairs, padding_pairs, per_axis
from striate.ops.shape_checks import check_fit, check_spatial

__all__ = ["avg_pool", "max_pool", "min_pool"]

Numbers = int | Sequence[int]
_MAX: dict[int, Callable[..., Tensor]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVG: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def max_pool(
    images: Float[Tensor, "n c *sizes"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> Float[Tensor, "n c *places"]:
    """Return the largest cell of each window; one to three axes behind the channels.

    Padding never wins: it counts as minus infinity. The images are copied only where PyTorch
    cannot pad by itself.

    Args:
        images: Batch; floating point.
        kernel_size: Cells a window along each axis.
        stride: Cells between two neighbouring windows; None is `kernel_size`.
        padding: As in `conv2d`; less than what the window spans.
        dilation: Cells between two neighbouring ones of a window. A dilated window that steps
            over all real cells gives minus infinity.

    Raises:
        ShapeError: Another rank, whole or complex numbers, or a window that does not fit.

    >>> import torch
    >>> row = torch.tensor([[[-3.0, -1.0, -2.0]]])
    >>> max_pool(row, 2, padding="same").tolist()
    [[[-1.0, -2.0]]]
    """
    axes = check_spatial(images)
    stride = kernel_size if stride is None else stride

    def run(images: Tensor, padding: Numbers, ceil_mode: bool) -> Tensor:
        return _MAX[axes](images, kernel_size, stride, padding, dilation, ceil_mode)

    if (maps := _at_once(run, images, padding)) is not None:
        return maps
    place = _placed(images, kernel_size, stride, padding, dilation)
    if place.pairs is None:
        return run(images, place.before, place.ceil_mode)
    return run(add_border(images, place.pairs, value=-inf), 0, False)


def min_pool(
    images: Float[Tensor, "n c *sizes"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    dilation: Numbers = 1,
) -> Float[Tensor, "n c *places"]:
    """Return the smallest cell of each window: `max_pool` upside down, padding plus infinity.

    >>> import torch
    >>> min_pool(torch.tensor([[[3.0, 1.0, 2.0]]]), 2, padding="same").tolist()
    [[[1.0, 2.0]]]
    """
    return -max_pool(-images, kernel_size, stride=stride, padding=padding, dilation=dilation)


def avg_pool(
    images: Float[Tensor, "n c *sizes"],
    kernel_size: Numbers,
    *,
    stride: Numbers | None = None,
    padding: Padding = "valid",
    count_include_pad: bool = False,
) -> Float[Tensor, "n c *places"]:
    """Return the mean of each window; one to three axes behind the channels.

    The sum is divided by the number of real cells, as TensorFlow does under SAME.

    Args:
        images: Batch; floating point.
        kernel_size: Cells a window along each axis.
        stride: Cells between two neighbouring windows; None is `kernel_size`.
        padding: As in `conv2d`; less than `kernel_size`.
        count_include_pad: Divide by all cells, the padding as zeros (PyTorch's default).

    Raises:
        ShapeError: Another rank, whole or complex numbers, or a window that does not fit.

    >>> import torch
    >>> row = torch.tensor([[[1.0, 3.0, 5.0]]])
    >>> avg_pool(row, 2, padding="same").tolist()
    [[[2.0, 5.0]]]
    >>> avg_pool(row, 2, padding="same", count_include_pad=True).tolist()
    [[[2.0, 2.5]]]
    """
    axes = check_spatial(images)
    stride = kernel_size if stride is None else stride

    def run(images: Tensor, padding: Numbers, ceil_mode: bool) -> Tensor:
        return _AVG[axes](images, kernel_size, stride, padding, ceil_mode, False)

    if not count_include_pad and (maps := _at_once(run, images, padding)) is not None:
        return maps
    place = _placed(images, kernel_size, stride, padding, 1)
    if place.pairs is None and not count_include_pad:
        return run(images, place.before, place.ceil_mode)
    means = run(add_border(images, place.all_pairs), 0, False)
    if count_include_pad:
        return means
    real = torch.ones((1, 1, *images.shape[2:]), device=images.device)
    cells = prod(per_axis(kernel_size, axes, "kernel_size"))
    counts = (run(add_border(real, place.all_pairs), 0, False) * cells).round()
    return means * (cells / counts).to(means.dtype)


def _at_once(
    run: Callable[[Tensor, Numbers, bool], Tensor], images: Tensor, padding: Padding
) -> Tensor | None:
    """Return the pooling where PyTorch takes the settings as they are, else None."""
    pixels = 0 if padding == "valid" else padding
    if not isinstance(pixels, int):
        return None
    try:
        return run(images, pixels, False)
    except (RuntimeError, TypeError):
        return None  # the long way takes it too, or says why not


@dataclass(frozen=True)
class _Placed:
    """How PyTorch can pad: `before` at both ends and `ceil_mode`, or behind a border of `pairs`."""

    before: tuple[int, ...]
    ceil_mode: bool
    pairs: Pairs | None
    all_pairs: Pairs


def _placed(
    images: Tensor, kernel_size: Numbers, stride: Numbers, padding: Padding, dilation: Numbers
) -> _Placed:
    """Return how the windows come to lie where `padding` wants them."""
    sizes = images.shape[2:]
    axes = len(sizes)
    check_fit(sizes, kernel_size, stride=stride, padding=padding, dilation=dilation)
    taps = per_axis(kernel_size, axes, "kernel_size")
    strides, steps = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    pairs = padding_pairs(padding, sizes, taps, stride=strides, dilation=steps)
    spans = [d * (k - 1) + 1 for k, d in zip(taps, steps, strict=True)]
    _check_real(spans, pairs)
    before = tuple(pair[0] for pair in pairs)
    # PyTorch pads both ends alike, by half a window at most, and in three axes only images no
    # smaller than the window. With ceil_mode the last window may stick out at the far end, which
    # is what more pixels there come to.
    small = all(
        2 * b <= k and span <= n for b, k, span, n in zip(before, taps, spans, sizes, strict=True)
    )
    for ceil_mode in (False, True):
        if small and all(
            _torch_size(n, span, s, pair[0], ceil_mode)
            == output_size(n, span, stride=s, padding=pair)
            for n, span, s, pair in zip(sizes, spans, strides, pairs, strict=True)
        ):
            return _Placed(before, ceil_mode, None, pairs)
    return _Placed(before, False, pairs, pairs)


def _check_real(spans: Sequence[int], pairs: Pairs) -> None:
    """Refuse padding that a whole window fits into."""
    for name, span, pair in zip(AXIS_NAMES[len(pairs)], spans, pairs, strict=True):
        if max(pair) >= span:
            raise ShapeError(
                f"padding {pair} of the {name} leaves windows of {span} without a real cell; "
                f"{span - 1} is the most at either end"
            )


def _torch_size(size: int, span: int, stride: int, padding: int, ceil_mode: bool) -> int:
    """Return how many windows PyTorch lays on an axis; below 1 if it refuses.

    With ceil_mode it leaves out a last window in the padding alone. Here that would be one too
    many in any case, since padding is less than a window.
    """
    spare = size + 2 * padding - span
    return (-(-spare // stride) if ceil_mode else spare // stride) + 1
