"""A convolution or a pooling shown step by step: of a photo, of a grid, of a network's layer."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from striate._errors import DataError, KernelError
from striate.files import printable, write_bytes, write_text
from striate.jobs.step_images import read_board
from striate.jobs.step_network import called_layer
from striate.ops import Convolution, MapTrace, OutputTrace, Pooling, trace_map
from striate.ops.notation import parse_kernel
from striate.ops.operations import POOLINGS
from striate.ops.padding import Padding
from striate.report import MOST_FRAMES, step_gif, step_page, step_svg

__all__ = ["Stepped", "step", "step_layer"]

_ANIMATIONS = (".gif", ".html", ".htm")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stepped:
    """One step, and what was written of it.

    Attributes:
        trace: The maps and the one step.
        source: What was stepped over, in a line.
        written: Files, in the order in which they were written.
        animated: Steps of the animation, and cells of the whole map; None without one.
    """

    trace: MapTrace
    source: str
    written: tuple[Path, ...]
    animated: tuple[int, int] | None

    @property
    def step(self) -> OutputTrace:
        """The step itself."""
        return self.trace.steps[0]


def step(
    image: str | os.PathLike[str] | Float[Tensor, "h w"] | None = None,
    *,
    kernel: str | Float[Tensor, "kh kw"] | None = None,
    pool: str | None = None,
    stride: int | Sequence[int] | None = None,
    padding: Padding = "valid",
    padding_mode: str = "zeros",
    dilation: int | Sequence[int] = 1,
    transposed: bool = False,
    output_padding: int | Sequence[int] = 0,
    flip: bool = False,
    bias: int | float | None = None,
    size: int | None = None,
    at: Sequence[int] | None = None,
    out: str | os.PathLike[str] | None = None,
    animate: str | os.PathLike[str] | None = None,
    most: int | None = None,
    seconds: int | float = 0.8,
) -> Stepped:
    """Take one output cell of a convolution or a pooling apart; draw it, and the window's slide.

    Args:
        image: An image file, a grid of numbers as a file or as text, or a map; None is an example.
            A grid of one row under a kernel of one row is a map of one axis.
        kernel: As `ops.notation.parse_kernel` takes it: `sobel-x`, `1,0,-1;2,0,-2;1,0,-1`; or
            weights; None is `sobel-x`. Of a pooling the height and width: `3x3`; None is `2x2`.
        pool: `max`, `average` or `min`, in place of a convolution.
        stride: As in `ops.conv2d`; None is 1, for a pooling the window's size. `padding`,
            `padding_mode`, `dilation`, `flip` and `output_padding` too.
        padding: As in `ops.conv2d`.
        padding_mode: As in `ops.conv2d`.
        dilation: As in `ops.conv2d`.
        transposed: Whether it is the transposed convolution.
        output_padding: As in `ops.conv_transpose2d`.
        flip: Whether the kernel is turned round first.
        bias: Added to every sum.
        size: Cells along the longer side of a photo (12), or of the example (7).
        at: Row and column of the output cell; None is the middle.
        out: An SVG of the step.
        animate: A `.gif` or `.html` of the window that slides over the map.
        most: Steps of the animation at most (100); of a larger map those around `at`, or the first.
        seconds: How long a frame of the GIF stands.

    Raises:
        StriateError: An image, kernel or setting that does not fit; a cell outside the map; a
            file that cannot be written.
    """
    _check_files(image, out, animate)
    shown: dict[str, Any] = {"out": out, "animate": animate,
                             "most": 100 if most is None else most, "seconds": seconds}  # fmt: skip
    board, source = (image, "a map") if isinstance(image, Tensor) else read_board(image, size)
    settings: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    if pool is not None:
        if pool not in POOLINGS:
            raise KernelError(f"pool is {pool!r}; it must be one of {', '.join(POOLINGS)}")
        _check_pooling(transposed=transposed, flip=flip, bias=bias, output_padding=output_padding,
                       padding_mode=padding_mode)  # fmt: skip
        operation = Pooling(pool, _window(kernel), **settings)
        return _stepped(board, operation, source, at, axes=2, **shown)
    weights = _weights(kernel)
    _check_convolution(transposed=transposed, output_padding=output_padding, bias=bias)
    settings |= {
        "stride": 1 if stride is None else stride, "padding_mode": padding_mode, "flip": flip,
        "transposed": transposed, "output_padding": output_padding,
    }  # fmt: skip
    values = None if bias is None else torch.tensor([float(bias)])
    if board.shape[0] == weights.shape[0] == 1 and not _twofold(settings):
        place = at[1:] if at is not None and len(at) == 2 and at[0] == 0 else at
        operation = Convolution(weights[None], values, **settings)
        return _stepped(board[0], operation, source, place, axes=1, **shown)
    operation = Convolution(weights[None, None], values, **settings)
    return _stepped(board, operation, source, at, axes=2, **shown)


def step_layer(
    model: str | os.PathLike[str],
    layer: str | None,
    image: str | os.PathLike[str] | None = None,
    *,
    channel: int = 0,
    size: int | None = None,
    code: str | None = None,
    at: Sequence[int] | None = None,
    out: str | os.PathLike[str] | None = None,
    animate: str | os.PathLike[str] | None = None,
    most: int | None = None,
    seconds: int | float = 0.8,
) -> Stepped:
    """Take one output cell of a layer inside a network apart.

    Args:
        model: A run folder, a zoo name, or `file.py:function`; see `step_network.called_layer`.
        layer: Name of a convolution or pooling in it.
        image: An image file; None is an example.
        channel: Output channel of the layer.
        size: Height and width of the image, where the model is no run.
        code: The run's own `file.py:function`.
        at: As in `step`, as are those that follow.
        out: An SVG of the step.
        animate: A `.gif` or `.html`.
        most: Steps of the animation at most (36).
        seconds: How long a frame of the GIF stands.

    Raises:
        StriateError: No such model, layer, channel or cell; a file that cannot be written.
    """
    _check_files(image, out, animate)
    call, source = called_layer(os.fspath(model), layer, image, size=size, code=code)
    return _stepped(call.images, call.operation, source, at, axes=call.axes, channel=channel,
                    out=out, animate=animate, most=36 if most is None else most,
                    seconds=seconds)  # fmt: skip


def _stepped(
    images: Tensor,
    operation: Convolution | Pooling,
    source: str,
    at: Sequence[int] | None,
    *,
    axes: int,
    out: Any,
    animate: Any,
    most: int,
    seconds: int | float,
    channel: int = 0,
) -> Stepped:
    if not 1 <= most <= MOST_FRAMES:
        raise DataError(f"most is {most}; an animation has 1 to {MOST_FRAMES} steps")
    one = trace_map(images, operation, axes, at=at, most=1, channel=channel)
    if at is None:
        middle = [size // 2 for size in one.outputs.shape]
        one = trace_map(images, operation, axes, at=middle, most=1, channel=channel)
    written: list[Path] = []
    animated = None
    if out is not None:
        write_text(out, step_svg(one))
        written.append(Path(out))
    if animate is not None:
        slide = trace_map(images, operation, axes, at=at, most=most, channel=channel)
        if Path(animate).suffix.lower() == ".gif":
            write_bytes(animate, step_gif(slide, seconds=seconds))
        else:
            write_text(animate, step_page(slide))
        written.append(Path(animate))
        animated = (len(slide.steps), slide.outputs.numel())
    return Stepped(trace=one, source=source, written=tuple(written), animated=animated)


def _weights(kernel: str | Tensor | None) -> Tensor:
    return kernel if isinstance(kernel, Tensor) else parse_kernel(kernel or "sobel-x")


def _window(kernel: str | Tensor | None) -> tuple[int, ...]:
    """Return height and width of a pooling's window."""
    if isinstance(kernel, Tensor):
        return tuple(kernel.shape)
    words = (kernel or "2x2").lower().replace("×", "x").split("x")
    if len(words) > 2 or not all(
        word.strip().isascii() and word.strip().isdigit() for word in words
    ):
        raise KernelError(
            f"kernel is {printable(str(kernel))!r}; a pooling has no weights but a size: 3, or 3x2"
        )
    sizes = tuple(int(word) for word in words)
    return sizes * 2 if len(sizes) == 1 else sizes


def _twofold(settings: dict[str, Any]) -> bool:
    """Whether a setting says something of rows and of columns."""
    return any(
        isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
        for value in settings.values()
    )


def _check_pooling(**settings: Any) -> None:
    """Refuse what a pooling has not."""
    without = {"transposed": False, "flip": False, "bias": None, "output_padding": 0,
               "padding_mode": "zeros"}  # fmt: skip
    for name, value in settings.items():
        if value != without[name]:
            raise KernelError(f"a pooling has no {name}; leave it out, or leave out pool")


def _check_convolution(*, transposed: bool, output_padding: Any, bias: float | None) -> None:
    """Refuse what would be left out without a word, and a bias that is no number."""
    if not transposed and output_padding not in (0, (0, 0)):
        raise KernelError(
            f"output_padding is {output_padding}, but goes with a transposed convolution only; "
            "leave it out, or say transposed"
        )
    if bias is not None and not math.isfinite(bias):
        raise KernelError(f"bias is {bias}; it must be a finite number")


def _check_files(image: object, out: Any, animate: Any) -> None:
    """Refuse files of other kinds, and one that is the image itself, before anything is done."""
    for name, path, endings in (("out", out, (".svg",)), ("animate", animate, _ANIMATIONS)):
        if path is None:
            continue
        shown = printable(os.fspath(path))
        if Path(path).suffix.lower() not in endings:
            raise DataError(f"{name} is {shown}; it must end in {' or '.join(endings[:2])}")
        if isinstance(image, str | os.PathLike) and _same(Path(image), Path(path)):
            raise DataError(f"{name} is {shown}, which is the image; choose another name")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve()
    except (OSError, ValueError):  # a name that no file can have
        return False
