"""`striate predict`: what a trained network sees in files."""

from typing import Annotated

import typer

from striate._events import Event, Said
from striate.cli.settings import DeviceOption
from striate.cli.text import say, say_json
from striate.files import printable

__all__ = ["predict"]


def predict(
    model: Annotated[str, typer.Argument(help="A run folder.")],
    paths: Annotated[list[str], typer.Argument(help="Image files, and folders of them.")],
    top: Annotated[int, typer.Option(help="Classes to name for each image.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    code: Annotated[
        str | None, typer.Option(help="The run's own file.py:function, if you trust it.")
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Name the likeliest classes of images.

    A file that cannot be read or is not there is named, the others are answered, and the exit code
    is 2.
    """
    from striate import jobs

    failed = 0
    for answer in jobs.predict(model, paths, top=top, code=code, device=device, progress=_tell):
        failed += answer.error is not None
        if json:
            say_json(answer.to_json())
        elif answer.error is not None:
            say(f"error: {answer.error}", error=True)
        else:
            words = "  ".join(f"{name} {value:.1%}" for name, value in answer.top)
            say(printable(f"{answer.path}: {words}"))  # a name with a newline stays one line
    if failed:
        raise typer.Exit(2)


def _tell(event: Event) -> None:
    if isinstance(event, Said):
        say(f"warning: {event.text}", error=True)
