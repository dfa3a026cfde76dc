"""`--set field=value`, and the options that several commands share."""

from typing import Annotated, Any

import typer

from striate._errors import RecipeError

__all__ = [
    "ClassesOption",
    "DataArgument",
    "DeviceOption",
    "ModelOption",
    "PerClassOption",
    "SeedOption",
    "SetOption",
    "SizeOption",
    "SplitSeedOption",
    "loading",
    "parse_settings",
]

DataArgument = Annotated[
    str, typer.Argument(help="A set's name (see `striate data`) or a folder of images.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(help="Zoo name or file.py:function. Default: chosen by the images' size."),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
SeedOption = Annotated[
    int | None,
    typer.Option(
        help="Seed of training: first weights, order, augmentation, dropout. Default: 0. The split "
        "of the images stays, so that runs of several seeds are judged on the same ones."
    ),
]
SplitSeedOption = Annotated[
    int | None,
    typer.Option(help="Seed of the data: which images are held back, and --per-class. Default: 0."),
]
SizeOption = Annotated[
    int | None,
    typer.Option(help="Side in pixels that a folder's images are cut to. Default: 128, or less."),
]
ClassesOption = Annotated[
    str | None, typer.Option(help="Take these classes only: a,b,c.", metavar="A,B,C")
]
PerClassOption = Annotated[
    int | None, typer.Option(help="Take at most N images of each class, drawn by --split-seed.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Set a field of the recipe or an option of the network; may be repeated.",
        metavar="FIELD=VALUE",
    ),
]

_OPTION = "it is an option of its own, --{}"
_OF_DATA = "it comes from the data"
# Arguments of jobs that are no settings: as settings they would collide with themselves.
_NOT_SET = {
    name: _OPTION.format(option)
    for name, option in (
        ("model", "model"), ("out", "out"), ("force", "force"), ("device", "device"),
        ("size", "size"), ("lowest", "lowest"), ("highest", "highest"), ("steps", "steps"),
        ("classes", "classes"), ("per_class", "per-class"), ("split_seed", "split-seed"),
        ("json", "json"),
    )
} | {
    "data": "it is the first argument", "load": _OF_DATA, "in_channels": _OF_DATA,
    "name": "use --model", "progress": "it is for Python", "stop": "it is for Python",
}  # fmt: skip


def parse_settings(settings: list[str] | None) -> dict[str, Any]:
    """Return `field=value` texts as a dictionary, values in the field's own type.

    What is no field of the recipe is left for the network to judge, as number, truth or text.

    Raises:
        RecipeError: No `=`, a value of another type, or a field that is set twice.
    """
    from striate.train import parse_setting, setting_names

    parsed: dict[str, Any] = {}
    for text in settings or []:
        name, equals, value = text.partition("=")
        name = name.strip()
        if name in _NOT_SET:
            raise RecipeError(f"--set takes fields of the recipe, not {name}; {_NOT_SET[name]}")
        if name in parsed:
            raise RecipeError(f"{name} is set twice")
        if not equals or name in setting_names():
            name, parsed[name] = parse_setting(text)
        else:
            parsed[name] = _guess(value.strip())
    return parsed


def _guess(value: str) -> bool | int | float | str:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def loading(
    size: int | None, classes: str | None, per_class: int | None, split_seed: int | None
) -> dict[str, Any]:
    """Return the keyword arguments for `data.load` that were given."""
    wanted = None if classes is None else [c.strip() for c in classes.split(",") if c.strip()]
    given = {"size": size, "classes": wanted, "per_class": per_class, "seed": split_seed}
    return {name: value for name, value in given.items() if value is not None}
