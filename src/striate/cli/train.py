"""`striate train`: train, test, report."""

from pathlib import Path
from typing import Annotated, Any

import typer

from striate._errors import RecipeError
from striate.cli.settings import (
    ClassesOption,
    DeviceOption,
    ModelOption,
    PerClassOption,
    SeedOption,
    SetOption,
    SizeOption,
    SplitSeedOption,
    loading,
    parse_settings,
)
from striate.cli.text import say, say_json

__all__ = ["train"]


def train(
    data: Annotated[
        str | None,
        typer.Argument(
            help="A set's name (see `striate data`) or a folder of images. Default: fashion-mini."
        ),
    ] = None,
    model: ModelOption = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Train for this long instead; the schedule follows.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run. Default: the next free one in runs/.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a run that lies there.")] = False,
    seed: SeedOption = None,
    device: DeviceOption = "auto",
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run; needs no other argument.")
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(help="With --resume: the run's own file.py:function, if you trust it."),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Repeat this run, or recipe.toml. Other options go first.")
    ] = None,
    size: SizeOption = None,
    classes: ClassesOption = None,
    per_class: PerClassOption = None,
    split_seed: SplitSeedOption = None,
    settings: SetOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a network on images, test it, and write a report.

    Without arguments: a small residual net on the embedded images. Ctrl-C stops after the step at
    hand and still writes the report; `--resume RUN` goes on from there.
    """
    from striate import jobs

    if resume is not None:
        _check_alone(data=data, model=model, epochs=epochs, minutes=minutes, out=out, seed=seed,
                     recipe=recipe, size=size, classes=classes, per_class=per_class,
                     split_seed=split_seed, settings=settings, force=force or None)  # fmt: skip
        run = jobs.resume(resume, code=code, device=None if device == "auto" else device)
        _report(run, json=json)
        return
    if code is not None:
        raise RecipeError("--code goes with --resume; name the network to train with --model")
    fields: dict[str, Any] = {}
    load = loading(size, classes, per_class, split_seed)
    if recipe is not None:
        data, model, load, fields = _from_recipe(recipe, data, model, load)
    fields |= parse_settings(settings)
    if epochs is not None:
        fields |= {"epochs": epochs, "minutes": None}
    if minutes is not None:
        fields |= {"minutes": minutes, "epochs": None} if epochs is None else {"minutes": minutes}
    if seed is not None:
        fields["seed"] = seed
    data = "fashion-mini" if data is None else data  # an empty text is a mistake
    run = jobs.fit(data, model, out=out, force=force, device=device, load=load, **fields)
    _report(run, json=json)


def _check_alone(**others: Any) -> None:
    """Refuse arguments beside --resume: the run's recipe says them all."""
    given = [name for name, value in others.items() if value is not None]
    if given:
        shown = {"data": "DATA", "settings": "--set"}
        name = shown.get(given[0], f"--{given[0].replace('_', '-')}")
        raise RecipeError(f"--resume repeats the run as it was begun, so it takes no {name}")


def _from_recipe(
    path: Path, data: str | None, model: str | None, load: dict[str, Any]
) -> tuple[str | None, str | None, dict[str, Any], dict[str, Any]]:
    """Return data, model, loading options and settings of a recipe.toml, where none is given."""
    from striate.runs import read_repeat

    wanted = read_repeat(path / "recipe.toml" if path.is_dir() else path)
    if data is None:
        data, load = wanted.source, wanted.loading | load
    if model is not None:
        return data, model, load, dict(wanted.fields)
    if wanted.code or wanted.module:
        raise RecipeError(
            f"the recipe {path} names code, {wanted.network}; if you trust it, name it again "
            "with --model"
        )
    return data, wanted.network, load, wanted.fields | wanted.options


def _report(run: Any, *, json: bool) -> None:
    """Print what was reached, and where the report lies; raise Exit(130) if it was stopped."""
    metrics, environment = run.metrics, run.environment
    if json:
        say_json({
            "run": str(run.folder), "report": str(run.report),
            "finished": bool(environment.get("finished")),
            "validation": metrics.get("validation"), "test": metrics.get("test"),
        })  # fmt: skip
    else:
        _describe(run, metrics, environment)
    if not environment.get("finished"):
        raise typer.Exit(130)  # as after any Ctrl-C: `striate train && next` must not go on


def _describe(run: Any, metrics: dict[str, Any], environment: dict[str, Any]) -> None:
    from striate.jobs.interrupt import resume_command

    for split in ("validation", "test"):
        if numbers := metrics.get(split):
            say(
                f"{split:<11}accuracy {numbers['accuracy']:.2%}  loss {_loss(numbers['loss'])}"
                f"  calibration error {numbers['ece']:.3f}  ({numbers['images']:,} images)"
            )
    seconds = environment.get("fit_seconds", environment.get("seconds", 0.0))
    peak = environment.get("peak_memory_mib")
    memory = f", {peak:,.0f} MiB at most" if peak else ""
    say(f"{'training':<11}{seconds:.1f} s on {environment.get('device')}{memory}")
    if not environment.get("finished"):
        say(f"stopped early; go on with: {resume_command(run.folder)}")
    say(f"{'run':<11}{run.folder}")
    say(f"{'report':<11}{run.report}")


def _loss(value: float | None) -> str:
    return "none, as some scores are not finite" if value is None else f"{value:.4f}"
