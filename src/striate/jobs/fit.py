"""Train and report: from data and a network's name to a finished run folder."""

import difflib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from striate import data as data_room
from striate import train, zoo
from striate._errors import DataError, DivergedError, NetworkError, RecipeError
from striate._events import Progress, Said
from striate.data import ImageSet
from striate.files import make_folder, printable
from striate.files.atomic import storage_error
from striate.jobs.environment import choose_device, describe_environment, now
from striate.jobs.finish import Training, finish
from striate.jobs.interrupt import resume_command, stoppable
from striate.jobs.show import shown
from striate.runs import NetworkSpec, Run
from striate.runs.lazy import shaped
from striate.train.randomness import kept_random_state, seed_for
from striate.train.recipe import Recipe, setting_names

__all__ = ["build_network", "fit", "load_data", "network_name", "split_settings", "train_run"]

NETWORK_SETTINGS = ("norm", "order", "dropout")
LONGEST = 30  # characters of the data's and the network's name in the name of a run folder


def fit(
    data: str | os.PathLike[str] | ImageSet = "fashion-mini",
    model: str | nn.Module | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    force: bool = False,
    device: str = "auto",
    load: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    **settings: Any,
) -> Run:
    """Train a network on images, test it, write the report, and return the run.

        run = striate.fit("fashion-mini", epochs=5)
        run.metrics["test"]["accuracy"]

    Args:
        data: A set's name, a folder of images, or an ImageSet.
        model: A zoo name, `file.py:function`, or a module of your own, which is trained in place;
            None is a small residual net up to 64 pixels, ResNet-18 above.
        out: Folder of the run; None is the next free `runs/<data>-<model>-<number>`.
        force: Replace a run that lies in `out`.
        device: `auto`, `cpu`, `cuda`, `mps`.
        load: Keyword arguments for `striate.data.load`, such as `size`, `classes`, `per_class`.
        progress: Called with records of what happens; None shows them in a terminal or notebook.
        stop: Asked after each step; True ends training, and the report is written. None listens
            to Ctrl-C.
        settings: Fields of the recipe (`epochs`, `learning_rate`, `seed` …) and options of the
            network (`norm`, `order`, `dropout` …).

    Raises:
        StriateError: A mistake in the input; the text says what to do.
    """
    with shown(progress) as tell:
        _check_early(model, settings, out, force=force)
        place = choose_device(device)
        images = load_data(data, load or {}, tell)
        name = network_name(model, images)
        fields, options = split_settings(name, settings)
        recipe = Recipe.from_toml({k: v for k, v in fields.items() if v is not None})
        network, options = build_network(model if isinstance(model, nn.Module) else name,
                                         images, recipe.seed, options)  # fmt: skip
        started = time.perf_counter()
        recipe, choice = train.decide(network, images, recipe, device=place)
        decided = time.perf_counter()
        folder = _free_folder(images.name, name) if out is None else Path(out)
        run = Run.create(folder, force=force)
        tell(Said(text=f"run {printable(run.folder)}: {name} on {images.name}"))
        with run.locked():
            environment = describe_environment(place)
            environment |= {"precision": recipe.precision, "precision_choice": choice}
            environment |= {"started": now(), "finished": False, "interrupted": False}
            environment["decide_seconds"] = round(decided - started, 3)
            _write_beginning(run, images, name, options, recipe, environment)
            begun = Training(run=run, network=network, images=images, name=name, options=options,
                             recipe=recipe, environment=environment)  # fmt: skip
            train_run(begun, device=place, progress=tell, stop=stop, decided=True)
    return run


def _check_early(
    model: str | nn.Module | None,
    settings: Mapping[str, Any],
    out: str | os.PathLike[str] | None,
    *,
    force: bool,
) -> None:
    """Raise for what is wrong whatever the images are, before time is spent on reading them."""
    if out is not None:
        Run(os.fspath(out)).replaces(force=force)
    if isinstance(model, str):
        NetworkSpec(name=model).check()
        split_settings(model, settings)
    elif model is None:  # the images choose the network; what no network takes is wrong in any case
        taken = {option for card in zoo.CARDS.values() for option in card.options}
        split_settings(
            zoo.default_network(1), {k: v for k, v in settings.items() if k not in taken}
        )
    known = setting_names()
    Recipe.from_toml({k: v for k, v in settings.items() if k in known and v is not None})


def train_run(
    begun: Training,
    *,
    device: torch.device,
    progress: Progress,
    stop: Callable[[], bool] | None,
    resume: Mapping[str, Any] | None = None,
    decided: bool = False,
) -> None:
    """Train what is begun, from a checkpoint if there is one, and finish the run.

    `decided` says that `train.decide` has tried the network already.
    """
    run = begun.run
    kept: Mapping[str, Any] = {} if resume is None else resume["clock"]

    def save(state: Mapping[str, Any], log: Any) -> None:
        nonlocal kept
        run.save_checkpoint(state)
        kept = state["clock"]
        run.write_text("history.csv", log.csv("epochs"))
        run.write_text("steps.csv", log.csv("steps"))
        run.write_text("timings.csv", log.csv("timings"))

    try:
        with stoppable(stop, progress) as asked:
            fitted = train.fit(
                begun.network, begun.images, begun.recipe, device=device, progress=progress,
                save=save, resume=resume, stop=asked, decided=decided,
            )  # fmt: skip
        finish(begun, fitted, progress)
    except DivergedError as error:
        raise DivergedError(f"{error}. {_last_good(run)}") from None
    except KeyboardInterrupt:
        progress(Said(text=_stopped(run, kept.get("step", 0)), warning=True))
        raise


def _stopped(run: Run, steps: int) -> str:
    """Return what is left of a run that was stopped at once, and how to go on with it."""
    how = resume_command(run.folder)
    if steps == 0:
        return f"stopped before the first checkpoint; start it again with: {how}"
    return f"stopped at once; its first {steps:,} steps are kept; go on with: {how}"


def _last_good(run: Run) -> str:
    state = run.load_checkpoint()
    if state is None:
        return "No checkpoint was written yet"
    clock = state["clock"]
    where = f"epoch {clock['epoch']}, step {clock['step']}"
    return f"The last good checkpoint is of {where}, in {run.folder / 'checkpoint.pt'}"


def load_data(
    data: str | os.PathLike[str] | ImageSet, options: Mapping[str, Any], progress: Progress
) -> ImageSet:
    """Return the images; what the doctor found wrong with them is told by the data room."""
    if isinstance(data, ImageSet):
        if options:
            raise DataError("options for loading are given, but the images are loaded already")
        return data
    try:
        return data_room.load(os.fspath(data), progress=progress, **options)
    except TypeError as error:
        raise DataError(f"an option for loading the images does not fit: {error}") from error


def split_settings(
    model: str, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings that are fields of the recipe, and those that are the network's.

    Raises:
        RecipeError: One is neither; the nearest names are given.
    """
    recipe_fields = setting_names()
    card = zoo.CARDS.get(model)
    known = tuple(card.options) if card is not None else NETWORK_SETTINGS
    fields = {k: v for k, v in settings.items() if k in recipe_fields}
    options = {k: v for k, v in settings.items() if k not in recipe_fields}
    for name in options:
        # Code of the user's takes whatever its function names; that is checked when it is called.
        if card is not None and name not in known:
            near = difflib.get_close_matches(name, [*recipe_fields, *known], n=3)
            has = f"its options are {', '.join(known)}" if known else "it has no options"
            fields_are = f"the recipe's fields are {', '.join(recipe_fields)}; {has}"
            advice = f"did you mean {' or '.join(near)}?" if near else fields_are
            raise RecipeError(f"there is no setting {name!r} for {model}; {advice}")
    return fields, options


def build_network(
    model: str | nn.Module, images: ImageSet, seed: int, options: dict[str, Any]
) -> tuple[nn.Module, dict[str, Any]]:
    """Return the network for `images`, its weights a function of `seed`, and its options."""
    if isinstance(model, nn.Module) and options:
        raise NetworkError(f"the module is built already, so it takes no {next(iter(options))}")
    geometry = images.preprocessing
    with kept_random_state():
        torch.manual_seed(seed_for(seed, 0, 0, "weights"))
        if isinstance(model, nn.Module):
            return shaped(model, geometry.channels, (geometry.height, geometry.width)), {}
        network = NetworkSpec(name=model, options=options).build(
            in_channels=geometry.channels,
            classes=len(images.classes),
            size=(geometry.height, geometry.width),
        )
    return network, options


def network_name(model: str | nn.Module | None, images: ImageSet) -> str:
    """Return what recipe.toml calls the network."""
    if model is None:
        return zoo.default_network((images.preprocessing.height, images.preprocessing.width))
    return f"module {type(model).__name__}" if isinstance(model, nn.Module) else model


def _free_folder(data: str, model: str) -> Path:
    """Make and return the first of runs/<data>-<model>-1, -2 … that does not exist."""
    parts = (data[:LONGEST], Path(model).name[:LONGEST])  # a name on disk has 255 bytes at most
    words = "".join(c if c.isalnum() or c in "-_" else "-" for c in "-".join(parts))
    above, number = make_folder("runs"), 0
    while True:
        number += 1
        folder = above / f"{words.strip('-') or 'run'}-{number}"
        try:
            folder.mkdir()  # at once, so that two processes never choose the same
        except FileExistsError:
            continue
        except OSError as error:
            raise storage_error("make the folder", folder, error) from error
        return folder


def _write_beginning(
    run: Run,
    images: ImageSet,
    name: str,
    options: dict[str, Any],
    recipe: Recipe,
    environment: Mapping[str, Any],
) -> None:
    """Write what is known before the first step.

    recipe.toml makes the run and comes first: killed after it, the run can be gone on with.
    """
    loading = {key: value for key, value in images.options.items() if value is not None}
    code = NetworkSpec(name=name).code or name.startswith("module ")
    tables = {
        "striate": {"version": environment["striate"]},
        "data": {"source": images.source, **loading},
        "network": {"name": name, "code": code, "options": options},
        "recipe": recipe.to_toml(),
    }
    run.write_recipe(tables)
    run.write_json("data.json", images.manifest)
    run.write_json("environment.json", environment)
