"""`striate filter`: kernels applied to photos."""

from pathlib import Path
from typing import Annotated

import typer

from striate._errors import KernelError
from striate._events import Event, Said
from striate.cli.text import say

__all__ = ["filter_"]


ImagesArgument = Annotated[
    list[str] | None, typer.Argument(help="Image files, and folders of them.")
]
KernelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--kernel",
        "-k",
        help="A name (sobel-x), with options (gabor:frequency=.1,theta=45), weights "
        "(1,0,-1;2,0,-2;1,0,-1), gabor-bank, or all; may be given several times.",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        help="A .png, a folder for a picture a photo, or a .npz for raw responses. "
        "Default: filtered.png here."
    ),
]
NpzOption = Annotated[Path | None, typer.Option(help="Raw responses besides the picture.")]
ColourOption = Annotated[
    str, typer.Option(help="grey, or planes: red, green and blue each by itself.")
]
SizeOption = Annotated[
    int | None,
    typer.Option(
        help="Shrink larger photos to this longer side first. Default: 512 beside one "
        "kernel, 192 in a grid; --plain and .npz take photos as they are."
    ),
]
PaddingModeOption = Annotated[
    str | None,
    typer.Option(
        help="Beyond the border: zeros, reflect, replicate, circular. Default: reflect, and "
        "circular for magnitudes of Gabor kernels."
    ),
]
ShowOption = Annotated[
    str | None, typer.Option(help="signed, magnitude or photo. Default: by the kernel.")
]
PlainOption = Annotated[
    bool, typer.Option("--plain", help="Write the response alone, a pixel each.")
]
ListOption = Annotated[bool, typer.Option("--list", help="Print the kernels and stop.")]


def filter_(
    images: ImagesArgument = None,
    kernels: KernelOption = None,
    out: OutOption = None,
    npz: NpzOption = None,
    colour: ColourOption = "grey",
    size: SizeOption = None,
    padding_mode: PaddingModeOption = None,
    show: ShowOption = None,
    plain: PlainOption = False,
    list_: ListOption = False,
) -> None:
    """Filter photos with kernels and draw kernels and responses."""
    if list_:
        _print_kernels()
        return
    if not images or not kernels:
        missing = "a kernel: --kernel sobel-x" if images else "photos: striate filter PHOTO"
        raise KernelError(f"name {missing}; striate filter --list prints the kernels")
    from striate import jobs

    place = Path("filtered.png") if out is None and npz is None else out
    done = jobs.filter_photos(
        images, kernels, out=place, npz=npz, colour=colour, size=size,
        padding_mode=padding_mode, show=show, plain=plain, progress=_tell,
    )  # fmt: skip
    for path in done.written:
        say(str(path))
    for line in done.failed:
        say(f"error: {line}", error=True)
    if done.failed:
        raise typer.Exit(2)


def _print_kernels() -> None:
    from striate.ops.notation import descriptions

    for name, what in descriptions().items():
        say(f"{name:<24}{what}")
    say("Options follow a colon: gaussian:sigma=2. Weights: 1,0,-1;2,0,-2;1,0,-1")


def _tell(event: Event) -> None:
    if isinstance(event, Said):
        say(f"warning: {event.text}", error=True)
