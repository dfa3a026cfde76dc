"""The curves of several runs in the same axes, and how each run is told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup

from striate.report import wording
from striate.report.charts import Line, key, line_chart
from striate.report.curves import column, epoch_places, every
from striate.report.sections import Section, data_name, network_name
from striate.report.training import measure_chart, raw_and_smooth
from striate.runs.record import RunRecord

__all__ = ["Contender", "overlaid_curves"]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One of the runs, and how it is shown."""

    name: str
    record: RunRecord
    line: Line

    @property
    def key(self) -> Markup:
        """The sample of its line, for legends."""
        return key(self.line)

    @property
    def task(self) -> str:
        """What was trained on what."""
        return f"{network_name(self.record)} on {data_name(self.record)}"


def overlaid_curves(runs: Sequence[Contender]) -> Section | None:
    """Return the curves of all runs in the same axes."""
    drawn = [
        ("Validation accuracy", _overlaid(runs, "accuracy", "validation")),
        ("Validation loss", _overlaid(runs, "loss", "validation")),
        ("Training accuracy, smoothed", _overlaid(runs, "accuracy", "training")),
        ("Training loss, smoothed", _overlaid(runs, "loss", "training")),
        ("Validation accuracy over time", _over_time(runs)),
        ("Learning rate", _rates(runs)),
    ]
    charts = [(title, chart) for title, chart in drawn if chart is not None]
    if not charts:
        return None
    return Section(id="curves", title="Curves", view={"runs": runs, "charts": charts})


def _overlaid(runs: Sequence[Contender], measure: str, split: str) -> Markup | None:
    lines: list[Line] = []
    for run in runs:
        if split == "training":
            found = [line for line in raw_and_smooth(run.record, measure) if not line.faint]
        else:
            x = [float(e or 0) for e in column(run.record.history, "epoch")]
            found = [Line(name="", x=x, y=column(run.record.history, f"validation_{measure}"))]
        lines += [_renamed(run, line.x, line.y, split != "training") for line in found if line.y]
    if not any(v is not None for line in lines for v in line.y):
        return None
    summary = f"{split.capitalize()} {measure} over the epochs. {_ends(lines, measure)}"
    return measure_chart(lines, measure, summary=summary)


def _over_time(runs: Sequence[Contender]) -> Markup | None:
    lines: list[Line] = []
    for run in runs:
        seconds = [
            (a or 0.0) + (b or 0.0)
            for a, b in zip(
                column(run.record.timings, "seconds"),
                column(run.record.timings, "validation_seconds"),
                strict=False,
            )
        ]
        y = column(run.record.history, "validation_accuracy")
        n = min(len(seconds), len(y))
        lines.append(_renamed(run, list(accumulate(seconds))[:n], y[:n], True))
    lines = [line for line in lines if any(v is not None for v in line.y)]
    if not lines:
        return None
    return line_chart(
        lines,
        x_name="seconds",
        y_name="accuracy",
        summary=f"Validation accuracy over the seconds. {_ends(lines, 'accuracy')}",
        kind="percent",
        y_range=(0.0, 1.0),
    )


def _rates(runs: Sequence[Contender]) -> Markup | None:
    lines: list[Line] = []
    for run in runs:
        x, y = epoch_places(run.record), column(run.record.steps, "learning_rate")
        kept = every(min(len(x), len(y)), 200)
        lines.append(_renamed(run, [x[i] for i in kept], [y[i] for i in kept], False))
    if not any(v is not None for line in lines for v in line.y):
        return None
    summary = f"Learning rate over the epochs. {_ends(lines, 'rate')}"
    return line_chart(
        lines, x_name="epoch", y_name="learning rate", summary=summary, y_range=(0.0, None)
    )


def _renamed(run: Contender, x: Sequence[float], y: Sequence[float | None], markers: bool) -> Line:
    return Line(name=run.name, x=x, y=y, look=run.line.look, markers=markers)


def _ends(lines: Sequence[Line], measure: str) -> str:
    text = wording.percent if measure == "accuracy" else wording.decimal
    last = [(line.name, [v for v in line.y if v is not None]) for line in lines]
    return f"At the end: {'; '.join(f'{name} {text(v[-1])}' for name, v in last if v)}."
