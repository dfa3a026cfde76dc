"""`striate conv`: the arithmetic of one convolution."""

import re
from typing import Annotated, Any

import typer

from striate._errors import ShapeError
from striate.cli.conv_text import comparison_lines, facts_lines
from striate.cli.text import say_json, say_styled
from striate.ops.layer_facts import convolution_facts

__all__ = ["conv", "parse_lengths", "parse_padding"]

_MOST_AXES = 8
_CHANNELS = (1, 3, 4)  # what the first of three lengths is likely to be, given by mistake


def _count(text: str) -> Any:
    return typer.Option(help=text, min=1, max=10**9)


def conv(
    input_: Annotated[
        str,
        typer.Option(
            "--input", help="Length of each axis, channels left out: 13, 224x224, 16x112x112."
        ),
    ],
    kernel: Annotated[str, typer.Option(help="Taps: 5 for all axes, or one an axis: 3x5.")],
    stride: Annotated[str, typer.Option(help="Pixels between places: 2, or 2x1.")] = "1",
    padding: Annotated[
        str,
        typer.Option(help="valid, same, full, pixels: 1, one an axis: 1x2, or before:after: 1:2."),
    ] = "valid",
    dilation: Annotated[str, typer.Option(help="Pixels between taps: 2, or 2x1.")] = "1",
    in_channels: Annotated[int, _count("Channels before.")] = 1,
    out_channels: Annotated[int, _count("Channels after.")] = 1,
    groups: Annotated[int, _count("Parts of the channels that do not see one another.")] = 1,
    transposed: Annotated[
        bool, typer.Option("--transposed", help="The way back through such a convolution.")
    ] = False,
    output_padding: Annotated[
        str, typer.Option(help="Pixels more at the far end, with --transposed: 1, or 1x0.")
    ] = "0",
    bias: Annotated[bool, typer.Option(help="Whether output channels have a bias.")] = True,
    batch: Annotated[int, _count("Images at once.")] = 1,
    dtype: Annotated[str, typer.Option(help="Type of the numbers: bfloat16, int8.")] = "float32",
    against: Annotated[
        bool,
        typer.Option(
            "--against",
            help="Also connections (fully, locally, convolutional), a separable convolution, and "
            "small kernels behind one another.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Print the arithmetic of a convolution: sizes, padding, parameters, work, memory, field."""
    size = parse_lengths(input_, "--input")
    options: dict[str, Any] = {
        "stride": parse_lengths(stride, "--stride"),
        "padding": parse_padding(padding, len(size)),
        "dilation": parse_lengths(dilation, "--dilation"),
        "output_padding": parse_lengths(output_padding, "--output-padding", least=0),
    }
    for name in ("stride", "dilation", "output_padding"):
        options[name] = _spread(options[name], len(size), f"--{name.replace('_', '-')}")
    try:
        taps = _spread(parse_lengths(kernel, "--kernel"), len(size), "--kernel")
        facts = convolution_facts(
            size, taps, **options, in_channels=in_channels, out_channels=out_channels,
            groups=groups, transposed=transposed, bias=bias, batch=batch, dtype=dtype,
        )  # fmt: skip
    except ShapeError as error:
        hint = _hint(size, in_channels) if "kernel" in str(error) else ""
        raise ShapeError(f"{error}{hint}") from error
    if against and transposed:
        raise ShapeError("--against compares convolutions that are not transposed; leave one out")
    if json:
        say_json(facts.to_json())
        return
    for line in facts_lines(facts):
        say_styled(line)
    for line in comparison_lines(facts) if against else ():
        say_styled(line)


def parse_lengths(text: str, option: str, *, least: int = 1) -> tuple[int, ...]:
    """Return whole numbers joined by x.

    Raises:
        ShapeError: Something else, or a number below `least`.

    >>> parse_lengths("224x112", "--input")
    (224, 112)
    """
    words = re.split(r"[x×]", text.strip().lower())
    if not all(re.fullmatch(r"\s*-?[0-9]{1,9}\s*", word) for word in words):
        raise ShapeError(
            f"{option} is {text!r}; it must be whole numbers of up to 9 digits, joined by x: "
            "3, or 3x5"
        )
    numbers = tuple(int(word) for word in words)
    if min(numbers) < least:
        raise ShapeError(f"{option} is {text}; it must be at least {least}")
    if len(numbers) > _MOST_AXES:
        raise ShapeError(f"{option} has {len(numbers)} axes; {_MOST_AXES} is the most")
    return numbers


def parse_padding(text: str, axes: int) -> str | int | tuple[int | tuple[int, int], ...]:
    """Return a word, a number, or one entry an axis: a number or (before, after).

    Raises:
        ShapeError: None of these, or not one for each of `axes`.

    >>> parse_padding("same", 2), parse_padding("1", 2), parse_padding("1x0:2", 2)
    ('same', 1, (1, (0, 2)))
    >>> parse_padding("1:2", 2)
    ((1, 2), (1, 2))
    """
    word = text.strip().lower()
    if word in ("valid", "same", "full"):
        return word
    entries: list[int | tuple[int, int]] = []
    for part in re.split(r"[x×]", word):
        ends = part.split(":")
        if len(ends) > 2 or not all(re.fullmatch(r"\s*[0-9]{1,9}\s*", end) for end in ends):
            raise ShapeError(
                f"--padding is {text!r}; it must be valid, same, full, pixels such as 1, one an "
                "axis such as 1x2, or before:after such as 1:2"
            )
        entries.append((int(ends[0]), int(ends[1])) if len(ends) == 2 else int(ends[0]))
    if len(entries) == 1:
        return entries[0] if isinstance(entries[0], int) else (entries[0],) * axes
    _spread(entries, axes, "--padding")
    return tuple(entries)


def _spread(values: Any, axes: int, option: str) -> Any:
    """Return one value for all axes, or one for each; refuse another count."""
    if len(values) not in (1, axes):
        raise ShapeError(
            f"{option} has {len(values)} numbers, but --input has {axes}; "
            "give one for all axes, or one an axis"
        )
    return values[0] if len(values) == 1 else values


def _hint(size: tuple[int, ...], in_channels: int) -> str:
    """Return what was probably meant where the channels stand among the lengths."""
    likely = _CHANNELS if in_channels == 1 else (in_channels,)
    if len(size) != 3 or size[0] not in likely:
        return ""
    rest = "x".join(map(str, size[1:]))
    return (
        f"\n(are {size[0]} the channels? they are left out of --input: "
        f"--input {rest} --in-channels {size[0]})"
    )
