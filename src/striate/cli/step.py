"""`striate step`: one output cell of a convolution or a pooling, taken apart."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from striate._errors import ShapeError, StriateError
from striate.cli.conv import parse_lengths, parse_padding
from striate.cli.step_text import step_lines
from striate.cli.text import say, say_json

__all__ = ["step"]


def step(
    image: Annotated[
        str | None,
        typer.Argument(
            help="A photo; a grid of numbers in a .csv, .tsv or .txt; or numbers: "
            "'1,2,3;4,5,6'. Default: an example."
        ),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option(
            help="A name (sobel-x; see `striate filter --list`), weights "
            "(1,0,-1;2,0,-2;1,0,-1); with --pool a size (3x3). Default: sobel-x, 2x2."
        ),
    ] = None,
    pool: Annotated[
        str | None, typer.Option(help="A pooling instead: max, average or min.")
    ] = None,
    stride: Annotated[
        str | None, typer.Option(help="Cells between places: 2, or 2x1. Default: 1.")
    ] = None,
    padding: Annotated[
        str,
        typer.Option(help="valid, same, full, cells: 1, one an axis: 1x2, or before:after: 1:2."),
    ] = "valid",
    padding_mode: Annotated[
        str, typer.Option(help="zeros, reflect, replicate or circular.")
    ] = "zeros",
    dilation: Annotated[str, typer.Option(help="Cells between taps: 2, or 2x1.")] = "1",
    transposed: Annotated[
        bool, typer.Option("--transposed", help="The transposed convolution.")
    ] = False,
    output_padding: Annotated[
        str, typer.Option(help="Cells more at the far end, with --transposed.")
    ] = "0",
    flip: Annotated[
        bool, typer.Option("--flip", help="Turn the kernel round: convolution proper.")
    ] = False,
    bias: Annotated[float | None, typer.Option(help="Added to every sum.")] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Cells along a photo's longer side, or the example's. Default: 12, 7."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help="The output cell, counted from 0. Default: the middle.",
                     metavar="ROW,COLUMN"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Draw the step: an .svg.")] = None,
    animate: Annotated[
        Path | None, typer.Option(help="The window's slide: a .gif, or an .html for arrow keys.")
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(help="Steps of the animation at most. Default: 100, of a layer 36."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long a frame of the GIF stands.")] = 0.8,
    model: Annotated[
        str | None,
        typer.Option(help="Step through a network: a run, a zoo name, or file.py:function."),
    ] = None,
    layer: Annotated[str | None, typer.Option(help="With --model: which layer.")] = None,
    channel: Annotated[int, typer.Option(help="With --layer: which output channel.")] = 0,
    code: Annotated[
        str | None, typer.Option(help="The run's own file.py:function, if you trust it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:  # fmt: skip
    """Show how one output cell comes about: window, weights, products, sum."""
    from striate import jobs

    shown: dict[str, Any] = {"size": size, "at": _place(at), "out": out, "animate": animate,
                             "most": most, "seconds": seconds}  # fmt: skip
    if model is not None:
        _check_alone(kernel=kernel, pool=pool, stride=stride, bias=bias,
                     padding=None if padding == "valid" else padding, flip=flip or None,
                     padding_mode=None if padding_mode == "zeros" else padding_mode,
                     dilation=None if dilation == "1" else dilation, transposed=transposed or None,
                     output_padding=None if output_padding == "0" else output_padding)  # fmt: skip
        done = jobs.step_layer(model, layer, image, channel=channel, code=code, **shown)
    elif layer is not None or code is not None or channel:
        raise StriateError(
            "--layer, --channel and --code go with --model; name it, or leave them out"
        )
    else:
        done = jobs.step(
            image, kernel=kernel, pool=pool,
            stride=None if stride is None else _pair(stride, "stride"),
            padding=_padding(padding), padding_mode=padding_mode,
            dilation=_pair(dilation, "dilation"),
            transposed=transposed,
            output_padding=_pair(output_padding, "output-padding", least=0), flip=flip, bias=bias,
            **shown,
        )  # fmt: skip
    if json:
        say_json(done.step.to_json())
        return
    for line in step_lines(done):
        say(line)


def _place(text: str | None) -> tuple[int, ...] | None:
    """Return the numbers of `--at`."""
    if text is None:
        return None
    if not re.fullmatch(r"\s*-?\d{1,9}\s*(,\s*-?\d{1,9}\s*){0,2}", text, re.ASCII):
        raise ShapeError(f"--at is {text!r}; it must be ROW,COLUMN, such as 2,3")
    return tuple(int(word) for word in text.split(","))


def _pair(text: str, name: str, *, least: int = 1) -> int | tuple[int, ...]:
    numbers = parse_lengths(text, f"--{name}", least=least)
    if len(numbers) > 2:
        raise ShapeError(f"--{name} is {text}; it must be one number, or rows x columns")
    return numbers[0] if len(numbers) == 1 else numbers


def _padding(text: str) -> Any:
    parts = len(re.split("[x×]", text))
    if parts > 2:
        raise ShapeError(f"--padding is {text}; it must be one entry, or rows x columns")
    return parse_padding(text, 2)


def _check_alone(**others: Any) -> None:
    """Refuse settings beside --model: the layer says them all."""
    given = [name for name, value in others.items() if value is not None]
    if given:
        name = given[0].replace("_", "-")
        raise StriateError(f"--{name} is the layer's own with --model; leave one of them out")
