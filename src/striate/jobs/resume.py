"""Go on with a run that was stopped, killed or interrupted."""

import os
import time
import tomllib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import torch
from torch import nn

from striate import data as data_room
from striate import train
from striate._errors import RunError
from striate._events import Progress, Said
from striate.data import ImageSet
from striate.files import printable
from striate.jobs.environment import choose_device, describe_environment, now
from striate.jobs.finish import Training
from striate.jobs.fit import build_network, train_run
from striate.jobs.show import shown
from striate.runs import Run, is_run
from striate.train import Recipe

__all__ = ["resume"]

Tables = Mapping[str, Any]


def resume(
    folder: str | os.PathLike[str],
    *,
    images: ImageSet | None = None,
    network: nn.Module | None = None,
    code: str | None = None,
    device: str | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Run:
    """Go on with the run in `folder` from its last checkpoint, and finish it.

    On a CPU the end is the same, byte for byte, as if it had never stopped; where it cannot be
    (another version, processor, or a run by the clock) that is said. A finished run is left alone.

    Args:
        folder: The run.
        images: Its data, if they were an ImageSet that `striate.data.load` cannot find again.
        network: Its network as it was before training, if it was a module of yours.
        code: Its network's code, `file.py:function`; needed if the run names code.
        device: None is the device it was begun on.
        progress: Called with records of what happens; None shows them.
        stop: Asked after each step; True ends training. None listens to Ctrl-C.

    Raises:
        RunError: No run, a damaged one, one that is held by another process, or changed data.
    """
    run = Run(os.fspath(folder))
    if not is_run(run.folder):
        raise RunError(
            f"{printable(run.folder)} is no run that could be resumed: it has no recipe.toml "
            "(a run killed before it began leaves none; start it again)"
        )
    with shown(progress) as tell, run.locked():
        if run.finished:
            tell(Said(text=f"{printable(run.folder)} is finished; nothing to do"))
            return run
        run.sweep()
        tables = _tables(run)
        recipe = Recipe.from_toml(tables["recipe"])
        data = images if images is not None else _load(tables["data"], tell)
        environment = _environment(run)
        place = choose_device(device or environment.get("device", "auto"))
        checkpoint = run.load_checkpoint()
        _restore_threads(checkpoint, place)
        built, name, options = _network(tables["network"], network, code, data, recipe, run)
        if recipe.minutes is not None and checkpoint is not None:
            tell(Said(text="a run by the clock resumes, but not to the same bits", warning=True))
        environment |= describe_environment(place) | {"finished": False, "resumed": now()}
        begun = Training(
            run=run, network=built, images=data, name=name, options=options, recipe=recipe,
            started=time.perf_counter(), environment=environment,
        )  # fmt: skip
        train_run(begun, device=place, progress=tell, stop=stop, resume=checkpoint)
    return run


def _tables(run: Run) -> dict[str, dict[str, Any]]:
    """Return recipe.toml, checked by the room that owns the format."""
    _ = run.record.recipe  # raises for a damaged or foreign recipe
    tables = tomllib.loads((run.folder / "recipe.toml").read_text(encoding="utf-8"))
    for name in ("data", "network", "recipe"):
        if not isinstance(tables.get(name), dict):
            raise RunError(f"{printable(run.folder / 'recipe.toml')} has no table [{name}]")
    return tables


def _load(table: Tables, progress: Progress) -> ImageSet:
    options = dict(table)
    source = str(options.pop("source", ""))
    if source.startswith("bytes:"):
        source = os.fsdecode(unquote_to_bytes(source[len("bytes:") :]))
    try:
        return data_room.load(source, progress=progress, **options)
    except TypeError as error:
        raise RunError(f"recipe.toml has an option of [data] that is unknown: {error}") from error


def _environment(run: Run) -> dict[str, Any]:
    """Return what environment.json says; a run killed before writing it has none."""
    if not (run.folder / "environment.json").exists():
        return {"started": now()}
    return run.environment


def _restore_threads(checkpoint: Tables | None, device: torch.device) -> None:
    """Use as many threads as before: sums are split by threads, so their last bits depend on it."""
    if checkpoint is None or device.type != "cpu":
        return
    threads = checkpoint.get("surroundings", {}).get("threads")
    if isinstance(threads, int) and 1 <= threads <= 1024:
        torch.set_num_threads(threads)


def _network(
    table: Tables,
    network: nn.Module | None,
    code: str | None,
    images: ImageSet,
    recipe: Recipe,
    run: Run,
) -> tuple[nn.Module, str, dict[str, Any]]:
    """Return the network as it was before the first step, its name and its options."""
    name, options = str(table.get("name", "")), dict(table.get("options", {}))
    if name.startswith("module "):
        if network is None:
            raise RunError(
                f"{printable(run.folder)} trained a {name}; resume it in Python: "
                "striate.resume(run, network=...)"
            )
        return network, name, {}
    if table.get("code"):
        if code is None:
            raise RunError(
                f"{printable(run.folder)} needs code, {printable(name)}, which is not run unasked; "
                f"if you trust it: --code {printable(name)}"
            )
        built, _ = build_network(code, images, recipe.seed, options)
        return built, name, options
    built, _ = build_network(name, images, recipe.seed, options)
    return built, name, options
