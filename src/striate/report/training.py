"""The sections on how training went: loss, accuracy, rate and momentum, epoch by epoch."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from striate.report import wording
from striate.report.charts import Line, Mark, key, line_chart
from striate.report.curves import column, envelope, epoch_places, every, quantile, smoothed
from striate.report.sections import Section
from striate.runs.record import RunRecord

__all__ = ["best_row", "curves", "cut_off", "measure_chart", "raw_and_smooth", "schedule"]

_POINTS = 240  # of a smooth line: two a pixel of the chart's width are not seen
_KINDS = {"loss": "number", "accuracy": "percent"}


def curves(record: RunRecord) -> Section | None:
    """Return loss and accuracy over the epochs, training against validation."""
    charts = [
        chart
        for chart in (_measure(record, measure) for measure in ("loss", "accuracy"))
        if chart is not None
    ]
    if not charts:
        return None
    lines = {line.name: line for chart in charts for line in chart["lines"]}
    best = best_row(record)
    return Section(
        id="curves",
        title="Loss and accuracy",
        view={
            "charts": charts,
            "legend": [(key(line), line.name) for line in lines.values()],
            "rows": _rows(record),
            "best": best,
            "best_said": None if best is None else _best(record, best),
            "cut": any(cut_off(c["lines"]) for c in charts if c["measure"] == "loss"),
            "per_step": bool(column(record.steps, "loss")),
        },
    )


def schedule(record: RunRecord) -> Section | None:
    """Return learning rate and momentum over the steps, or over the epochs if that is all."""
    x = epoch_places(record)
    table = record.steps
    if not x:
        x, table = [float(e or 0) for e in column(record.history, "epoch")], record.history
    kept = every(len(x), _POINTS)
    charts: list[Markup] = []
    for name, title in (("learning_rate", "learning rate"), ("momentum", "momentum")):
        values = column(table, name)
        known = [v for v in values if v is not None]
        if not known:
            continue
        line = Line(name=title, x=[x[i] for i in kept], y=[values[i] for i in kept], look=3)
        charts.append(
            line_chart(
                [line],
                x_name="epoch",
                y_name=title,
                summary=f"{title.capitalize()} over the epochs: {_course(known)}.",
                y_range=(0.0, None) if name == "learning_rate" else (None, None),
            )
        )
    if not charts:
        return None
    return Section(id="schedule", title="Learning rate and momentum", view={"charts": charts})


def best_row(record: RunRecord) -> int | None:
    """Return the row of the history that is marked as the best, the last one so marked."""
    marked = [i for i, value in enumerate(column(record.history, "best")) if value]
    return marked[-1] if marked else None


def raw_and_smooth(record: RunRecord, measure: str, *, look: int = 1) -> list[Line]:
    """Return the training lines of `measure`: each step faint, and smooth over it.

    Without steps it is the mean of each epoch.
    """
    x, y = epoch_places(record), column(record.steps, measure)
    if not y or not any(v is not None for v in y):
        epochs = [float(e or 0) for e in column(record.history, "epoch")]
        means = column(record.history, f"train_{measure}")
        known = any(v is not None for v in means)
        return [Line(name="training", x=epochs, y=means, look=look, markers=True)] if known else []
    smooth = smoothed(y, window=max(len(y) / 50, 5))
    kept = every(len(x), _POINTS)
    raw_x, raw_y = envelope(x, y, most=190)
    return [
        Line(name="training, each step", x=raw_x, y=raw_y, look=look, faint=True),
        Line(
            name="training, smoothed",
            x=[x[i] for i in kept],
            y=[smooth[i] for i in kept],
            look=look,
        ),
    ]


def measure_chart(
    lines: Sequence[Line], measure: str, *, summary: str, marks: Sequence[Mark] = ()
) -> Markup:
    """Return the chart of one measure, `loss` or `accuracy`, over the epochs."""
    return line_chart(
        lines,
        x_name="epoch",
        y_name=measure,
        summary=summary,
        kind=_KINDS[measure],
        y_range=(0.0, None) if measure == "loss" else (0.0, 1.0),
        marks=marks,
        high=cut_off(lines) if measure == "loss" else None,
    )


def cut_off(lines: Sequence[Line]) -> float | None:
    """Return where a chart of losses ends so that a first step far off does not flatten the rest.

    None means that all of it fits.
    """
    values = [v for line in lines if not line.faint for v in line.y if v is not None]
    validated = [v for line in lines if line.markers for v in line.y]
    high = max(quantile(values, 0.97) or 0.0, quantile(validated, 0.9) or 0.0)
    return high if max(values, default=0.0) > 1.6 * high > 0 else None


def _best(record: RunRecord, row: int) -> str:
    """Return what the best epoch is called in the legend."""
    epoch = _cell(column(record.history, "epoch"), row)
    loss = _cell(column(record.history, "validation_loss"), row)
    accuracy = _cell(column(record.history, "validation_accuracy"), row)
    said = [
        f"loss {wording.decimal(loss)}" if loss is not None else "",
        wording.percent(accuracy) if accuracy is not None else "",
    ]
    return f"best: epoch {wording.count(epoch)} ({', '.join(part for part in said if part)})"


def _measure(record: RunRecord, measure: str) -> dict[str, Any] | None:
    lines = raw_and_smooth(record, measure)
    epochs = [float(e or 0) for e in column(record.history, "epoch")]
    validation = column(record.history, f"validation_{measure}")
    if any(v is not None for v in validation):
        lines.append(Line(name="validation", x=epochs, y=validation, look=2, markers=True))
    if not lines:
        return None
    marks: list[Mark] = []
    best = best_row(record)
    if best is not None and validation and validation[best] is not None:
        marks.append(Mark(epochs[best], validation[best] or 0.0))
    parts = [
        f"{line.name} goes {_course([v for v in line.y if v is not None], measure)}"
        for line in lines
        if not line.faint
    ]
    summary = f"{measure.capitalize()} over the epochs: {'; '.join(parts)}."
    return {
        "measure": measure,
        "lines": lines,
        "svg": measure_chart(lines, measure, summary=summary, marks=marks),
    }


def _course(values: Sequence[float], measure: str = "") -> str:
    """Return where a line starts and ends, and its extremes if they lie between."""
    if not values:
        return "nowhere"
    text = wording.percent if measure == "accuracy" else wording.number
    said = f"from {text(values[0])} to {text(values[-1])}"
    if max(values) > max(values[0], values[-1]):
        said += f", at most {text(max(values))}"
    if min(values) < min(values[0], values[-1]):
        said += f", at least {text(min(values))}"
    return said


def _rows(record: RunRecord) -> list[dict[str, float | None]]:
    """Return history and timings side by side, a row an epoch."""
    names = (
        "epoch",
        "learning_rate",
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "best",
    )
    timed = {
        epoch: i for i, epoch in enumerate(column(record.timings, "epoch")) if epoch is not None
    }
    rows: list[dict[str, float | None]] = []
    for i in range(record.epochs):
        row = {name: _cell(column(record.history, name), i) for name in names}
        j = timed.get(row["epoch"] or 0.0)
        for name in ("seconds", "images_per_second"):
            row[name] = None if j is None else _cell(column(record.timings, name), j)
        rows.append(row)
    return rows


def _cell(values: Sequence[float | None], i: int) -> float | None:
    return values[i] if i < len(values) else None
