"""The learning-rate range test on named data."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from striate import report, train
from striate._errors import RecipeError, StorageError
from striate._events import Progress
from striate.data import ImageSet
from striate.files import printable, write_text
from striate.jobs.environment import choose_device
from striate.jobs.fit import build_network, load_data, network_name, split_settings
from striate.jobs.show import shown
from striate.train import RateCurve, Recipe

__all__ = ["find_rate"]

ENDINGS = (".svg", ".html", ".csv", ".json")


def find_rate(
    data: str | os.PathLike[str] | ImageSet = "fashion-mini",
    model: str | nn.Module | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    device: str = "auto",
    load: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    lowest: float = 1e-5,
    highest: float = 10.0,
    steps: int = 100,
    **settings: Any,
) -> RateCurve:
    """Return loss against learning rate for `model` on `data`, and a rate to train with.

    A module of your own is not changed. Arguments are those of `striate.fit`; `lowest`, `highest`
    and `steps` are those of `striate.train.find_rate`.

    Args:
        data: A set's name, a folder of images, or an ImageSet.
        model: A zoo name, `file.py:function`, or a module; None is chosen by the images' size.
        out: File for the curve, by its ending: a chart (`.svg`), a page with the chart and the
            numbers (`.html`), or the numbers (`.csv`, `.json`).
        device: `auto`, `cpu`, `cuda`, `mps`.
        load: Keyword arguments for `striate.data.load`.
        progress: Called with records of what happens; None shows them.
        lowest: First rate.
        highest: Last rate.
        steps: Training steps.
        settings: Fields of the recipe and options of the network.

    Raises:
        StriateError: A mistake in the input; the text says what to do.
    """
    ending = _ending(out)
    with shown(progress) as tell:
        images = load_data(data, load or {}, tell)
        name = network_name(model, images)
        fields, options = split_settings(name, settings)
        recipe = Recipe.from_toml(fields)
        built = model if isinstance(model, nn.Module) else name
        network, _ = build_network(built, images, recipe.seed, options)
        curve = train.find_rate(
            network, images, recipe, lowest=lowest, highest=highest, steps=steps,
            device=choose_device(device), progress=tell,
        )  # fmt: skip
    if out is not None:
        write_text(out, _drawn(curve, ending, name, images.name))
    return curve


def _ending(out: str | os.PathLike[str] | None) -> str:
    """Return what the file's name ends in, before time is spent on what could not be written."""
    if out is None:
        return ""
    path = Path(out)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise RecipeError(
            f"the curve cannot be written to {printable(path)}: its name must end in "
            f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, such as {printable(path.stem)}.svg"
        )
    if path.is_dir():
        raise StorageError(f"{printable(path)} is a folder; name a file for the curve")
    return ending


def _drawn(curve: RateCurve, ending: str, network: str, data: str) -> str:
    if ending == ".csv":
        return curve.to_csv()
    if ending == ".json":
        return json.dumps(curve.to_json(), indent=1) + "\n"
    if ending == ".svg":
        return report.rate_svg(curve)
    return report.rate_page(curve, network=network, data=data)
