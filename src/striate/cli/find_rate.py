"""`striate find-rate`: loss against learning rate."""

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.settings import (
    ClassesOption,
    DataArgument,
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

__all__ = ["find_rate"]

BAR = 40  # characters


def find_rate(
    data: DataArgument,
    model: ModelOption = None,
    lowest: Annotated[float, typer.Option(help="First learning rate.")] = 1e-5,
    highest: Annotated[float, typer.Option(help="Last learning rate.")] = 10.0,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 100,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the curve too: chart.svg, page.html, numbers.csv or .json."),
    ] = None,
    seed: SeedOption = None,
    device: DeviceOption = "auto",
    size: SizeOption = None,
    classes: ClassesOption = None,
    per_class: PerClassOption = None,
    split_seed: SplitSeedOption = None,
    settings: SetOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print all steps as JSON.")] = False,
) -> None:
    """Try learning rates from low to high and show where the loss falls fastest."""
    from striate import jobs

    fields = parse_settings(settings)
    if seed is not None:
        fields["seed"] = seed
    curve = jobs.find_rate(
        data, model, out=out, device=device, load=loading(size, classes, per_class, split_seed),
        lowest=lowest, highest=highest, steps=steps, **fields,
    )  # fmt: skip
    if json:
        say_json(curve.to_json())
        return
    say("learning rate   smoothed loss")
    least = min(curve.smoothed)
    most = curve.smoothed[0] + 0.25 * (curve.smoothed[0] - least)  # a blow-up hides the rest
    every = max(1, len(curve.rates) // 25)
    for rate, loss in list(zip(curve.rates, curve.smoothed, strict=True))[::every]:
        bar = "#" * round(BAR * min(1.0, (loss - least) / max(most - least, 1e-12)))
        say(f"{rate:13.2e}   {loss:8.4f}  {bar}".rstrip())
    say(f"suggested: learning_rate={curve.suggested:.2g}  (the loss falls most around it)")
    if out is not None:
        say(f"curve: {out}")
