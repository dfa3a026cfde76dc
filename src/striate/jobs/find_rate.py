"""The learning-rate range test on named data."""

import os
from collections.abc import Mapping
from typing import Any

from torch import nn

from striate import train
from striate._events import Progress
from striate.data import ImageSet
from striate.jobs.environment import choose_device
from striate.jobs.fit import build_network, load_data, network_name, split_settings
from striate.jobs.show import shown
from striate.train import RateCurve, Recipe

__all__ = ["find_rate"]


def find_rate(
    data: str | os.PathLike[str] | ImageSet = "fashion-mini",
    model: str | nn.Module | None = None,
    *,
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
    """
    with shown(progress) as tell:
        images = load_data(data, load or {}, tell)
        name = network_name(model, images)
        fields, options = split_settings(name, settings)
        recipe = Recipe.from_toml(fields)
        built = model if isinstance(model, nn.Module) else name
        network, _ = build_network(built, images, recipe.seed, options)
        return train.find_rate(
            network, images, recipe, lowest=lowest, highest=highest, steps=steps,
            device=choose_device(device), progress=tell,
        )  # fmt: skip
