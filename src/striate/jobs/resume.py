"""Go on with a run that was stopped, killed or interrupted."""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from striate import data as data_room
from striate._errors import RecipeError, RunError
from striate._events import Progress, Said
from striate.data import ImageSet
from striate.files import printable
from striate.jobs.environment import choose_device, describe_environment, now
from striate.jobs.finish import Training
from striate.jobs.fit import build_network, train_run
from striate.jobs.show import shown
from striate.runs import Repeat, Run, is_run, read_repeat, trusted
from striate.train import Recipe
from striate.train.checkpoint import CHECKPOINT_FORMAT
from striate.train.recipe import setting_names

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
    with shown(progress) as tell:
        _check_run(run)
        if not run.finished:  # else not even the lock is touched
            with run.locked():
                _go_on(run, images, network, code, device, tell, stop)
        else:
            tell(Said(text=f"{printable(run.folder)} is finished; nothing to do"))
    return run


def _check_run(run: Run) -> None:
    if not run.folder.is_dir():
        what = "is a file" if run.folder.is_file() else "does not exist"
        raise RunError(f"{printable(run.folder)} {what}; --resume takes the folder of a run")
    if not is_run(run.folder) and not (run.folder / "recipe.toml").is_file():
        raise RunError(
            f"{printable(run.folder)} is no run: it has no recipe.toml; if it was killed before "
            "its first file, start it again"
        )


def _go_on(
    run: Run,
    images: ImageSet | None,
    network: nn.Module | None,
    code: str | None,
    device: str | None,
    progress: Progress,
    stop: Callable[[], bool] | None,
) -> None:
    """Go on with a run that this process holds."""
    run.sweep()
    wanted = read_repeat(run.folder / "recipe.toml")
    recipe = _recipe(run, wanted)
    environment = _environment(run)
    place = choose_device(device or environment.get("device", "auto"))
    checkpoint = _checkpoint(run)
    data = images if images is not None else _load(run, wanted, progress)
    _check_data(run, data)
    if recipe.minutes is not None and checkpoint is not None:
        progress(Said(text="a run by the clock resumes, but not to the same bits", warning=True))
    with _threads_of(checkpoint, environment, place):
        built = _network(run, wanted, network, code, data, recipe)
        environment |= describe_environment(place) | {"finished": False, "resumed": now()}
        begun = Training(
            run=run, network=built, images=data, name=wanted.network, options=wanted.options,
            recipe=recipe, environment=environment,
        )  # fmt: skip
        train_run(begun, device=place, progress=progress, stop=stop, resume=checkpoint)


def _recipe(run: Run, wanted: Repeat) -> Recipe:
    """Return the recipe, which leaves nothing open: what is missing is not guessed."""
    path = printable(run.folder / "recipe.toml")
    try:
        recipe = Recipe.from_toml(wanted.fields)
    except RecipeError as error:
        raise RunError(f"{path} is damaged, or of another version: {error}") from error
    optional = ("epochs", "minutes", "saturation")
    missing = [n for n in setting_names() if n not in wanted.fields and n not in optional]
    if recipe.epochs is None and recipe.minutes is None:
        missing.append("epochs")
    if missing:
        raise RunError(f"{path} is damaged, or of another version: it has no {missing[0]}")
    return recipe


def _load(run: Run, wanted: Repeat, progress: Progress) -> ImageSet:
    try:
        return data_room.load(wanted.source, progress=progress, **wanted.loading)
    except TypeError as error:
        path = printable(run.folder / "recipe.toml")
        raise RunError(f"{path} has an option in [data] that does not fit: {error}") from error


def _check_data(run: Run, images: ImageSet) -> None:
    """Refuse other data than the run began with; a run killed before it wrote them has none."""
    if not (run.folder / "data.json").exists():
        run.write_json("data.json", images.manifest)
    elif run.read_json("data.json").get("fingerprint") != images.fingerprint:
        raise RunError(
            f"the data has changed since {printable(run.folder)} was begun, so it cannot go on; "
            "restore the data, or start a new run"
        )


def _environment(run: Run) -> dict[str, Any]:
    """Return what environment.json says; a run killed before writing it has none."""
    if not (run.folder / "environment.json").exists():
        return {"started": now()}
    return run.environment


def _checkpoint(run: Run) -> Tables | None:
    """Return the checkpoint, if there is one, and it is one of ours."""
    state = run.load_checkpoint()
    if state is None:
        return None
    path = printable(run.folder / "checkpoint.pt")
    if state.get("format") != CHECKPOINT_FORMAT:
        raise RunError(
            f"{path} has format {state.get('format')!r}, but this version reads "
            f"{CHECKPOINT_FORMAT}; delete it to train this run again from its start"
        )
    clock, surroundings = state.get("clock"), state.get("surroundings")
    timed = isinstance(clock, dict) and isinstance(clock.get("before"), float)
    if not timed or not isinstance(surroundings, dict):
        raise RunError(f"{path} is damaged; delete it to train this run again from its start")
    return state


@contextmanager
def _threads_of(
    checkpoint: Tables | None, begun: Tables, device: torch.device
) -> Generator[None, None, None]:
    """Use as many threads as before: sums are split by threads, so their last bits depend on it."""
    here = torch.get_num_threads()
    threads = (begun if checkpoint is None else checkpoint["surroundings"]).get("threads")
    if device.type == "cpu" and isinstance(threads, int) and 1 <= threads <= 1024:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(here)


def _network(
    run: Run,
    wanted: Repeat,
    network: nn.Module | None,
    code: str | None,
    images: ImageSet,
    recipe: Recipe,
) -> nn.Module:
    """Return the network as it was before the first step."""
    if network is not None:
        return network
    if wanted.module:
        raise RunError(
            f"{printable(run.folder)} trained a {printable(wanted.network)}; resume it in Python: "
            "striate.resume(run, network=...)"
        )
    if wanted.code:
        name = trusted(code, wanted.network, run.folder)
    elif code is not None:
        raise RunError(f"{printable(run.folder)} is of {wanted.network}, and needs no code")
    else:
        name = wanted.network
    return build_network(name, images, recipe.seed, wanted.options)[0]
