"""Several runs on one page: curves overlaid, numbers, recipes and statistics side by side."""

from collections.abc import Callable, Sequence

import numpy as np

from striate._errors import RunError
from striate.report import wording
from striate.report.activity import LayerView, histogram_pictures, layer_views
from striate.report.charts import Line
from striate.report.curves import column
from striate.report.differences import Row, duel, fields, names, numbers
from striate.report.drawing import draw
from striate.report.heat import VIRIDIS
from striate.report.overlays import Contender, overlaid_curves
from striate.report.pictures import heat_sheet
from striate.report.sections import Section, data_name
from striate.runs.record import RunRecord

__all__ = ["compare_page"]

_LOOKS = 8  # colours and dashes; a ninth run looks like the first again
_LAYERS = 48  # layers side by side at most
_OPEN = 8


def compare_page(records: Sequence[RunRecord]) -> str:
    """Return a page that holds runs against one another, as one HTML file.

    Raises:
        RunError: There are fewer than two.
    """
    if len(records) < 2:
        raise RunError(f"{len(records)} run given; a comparison needs two or more")
    called = names(records)
    runs = [
        Contender(
            name=name,
            record=record,
            line=Line(name=name, x=(), y=(), look=21 + i % _LOOKS, markers=True),
        )
        for i, (name, record) in enumerate(zip(called, records, strict=True))
    ]
    builders: tuple[Callable[[Sequence[Contender]], Section | None], ...] = (
        _results,
        overlaid_curves,
        _recipes,
        _classes,
        _activity,
        _timings,
    )
    return draw(
        "compare.html",
        title=f"{wording.join(called)} · Striate",
        sections=[section for build in builders if (section := build(runs)) is not None],
        folder="compare",
        heading=_heading(runs),
        runs=runs,
        verdict=_verdict(runs),
        warnings=_warnings(runs),
    )


def _results(runs: Sequence[Contender]) -> Section | None:
    rows = numbers([run.record for run in runs])
    if not rows:
        return None
    return Section(id="results", title="Final numbers", view={"runs": runs, "rows": rows})


def _recipes(runs: Sequence[Contender]) -> Section | None:
    rows = fields([run.record.recipe for run in runs])
    return Section(
        id="recipes",
        title="What was set differently",
        view={
            "runs": runs,
            "different": [row for row in rows if row.differs],
            "same": [row for row in rows if not row.differs],
        },
    )


def _classes(runs: Sequence[Contender]) -> Section | None:
    """Return the F1 of each class, where all runs scored the same classes."""
    scores = [
        {row.get("name"): row.get("f1") for row in (run.record.metrics or {}).get("classes") or []}
        for run in runs
    ]
    if not scores[0] or any(list(part) != list(scores[0]) for part in scores):
        return None
    rows: list[tuple[Row, float]] = []
    for name in scores[0]:
        values = tuple(part[name] for part in scores)
        known = [v for v in values if v is not None]
        top = max(known, default=0.0)
        best = frozenset(i for i, v in enumerate(values) if v == top and len(set(known)) > 1)
        row = Row(
            name=str(name),
            values=values,
            texts=tuple(wording.decimal(v, 3) for v in values),
            best=best,
        )
        rows.append((row, top - min(known, default=0.0)))
    ordered = [row for row, _ in sorted(rows, key=lambda pair: -pair[1])]
    return Section(
        id="classes",
        title="F1 of each class",
        view={"runs": runs, "shown": ordered[:20], "rest": ordered[20:]},
    )


def _activity(runs: Sequence[Contender]) -> Section | None:
    """Return the pictures and last statistics of the layers that at least two runs have."""
    sheets, found = [], []
    for i, run in enumerate(runs):
        arrays = run.record.activations
        views: dict[str, LayerView] = {}
        if arrays is not None and arrays["mean"].size:
            sheet = heat_sheet(f"activations-{i}", histogram_pictures(arrays), VIRIDIS)
            sheets.append(sheet)
            views = {view.name: view for view in layer_views(arrays, sheet)}
        found.append(views)
    order = list(dict.fromkeys(name for views in found for name in views))
    shared = [name for name in order if sum(name in views for views in found) > 1]
    if not sheets:
        return None
    layers = [(name, [views.get(name) for views in found]) for name in shared[:_LAYERS]]
    return Section(
        id="activations",
        title="Inside the layers",
        view={
            "runs": runs,
            "shown": layers[:_OPEN],
            "rest": layers[_OPEN:],
            "left": len(shared) - len(layers),
            "alone": len(order) - len(shared),
        },
        sheets=tuple(sheets) if shared else (),
    )


def _timings(runs: Sequence[Contender]) -> Section | None:
    def row(name: str, values: list[float | None], write: Callable[..., str]) -> Row:
        return Row(name=name, values=tuple(values), texts=tuple(map(write, values)))

    def middle(name: str) -> list[float | None]:
        parts = [[v for v in column(run.record.timings, name) if v is not None] for run in runs]
        return [float(np.median(part)) if part else None for part in parts]

    facts = [run.record.environment for run in runs]
    rows = [
        row("Time in all", [f.get("seconds") for f in facts], wording.duration),
        row("An epoch (median)", middle("seconds"), wording.duration),
        row("Validation (median)", middle("validation_seconds"), wording.duration),
        row("Images a second (median)", middle("images_per_second"), wording.count),
        row("Peak memory", [f.get("peak_memory_mib") for f in facts], wording.memory),
    ]
    own = {"started", "ended", "seconds", "peak_memory_mib"}
    places = fields([{k: v for k, v in f.items() if k not in own} for f in facts])
    return Section(
        id="timings",
        title="Time, memory and place",
        view={
            "runs": runs,
            "rows": [r for r in rows if any(v is not None for v in r.values)],
            "different": [r for r in places if r.differs],
            "same": [r for r in places if not r.differs],
        },
    )


def _heading(runs: Sequence[Contender]) -> str:
    tasks, data = {run.task for run in runs}, {data_name(run.record) for run in runs}
    if len(tasks) == 1:
        return f"{len(runs)} runs of {runs[0].task}"
    return f"{len(runs)} runs on {min(data)}" if len(data) == 1 else f"{len(runs)} runs compared"


def _verdict(runs: Sequence[Contender]) -> str:
    """Return in words which run is best on test, and whether that may be chance."""
    scored: list[tuple[float, Contender]] = []
    for run in runs:
        value = ((run.record.metrics or {}).get("test") or {}).get("accuracy")
        if value is not None:
            scored.append((value, run))
    if len(scored) < 2:
        return ""
    (first, best), (second, next_) = sorted(scored, key=lambda pair: -pair[0])[:2]
    if first == second:
        return f"“{best.name}” and “{next_.name}” are level on test: {wording.percent(first)}."
    said = (
        f"Best on test is “{best.name}” with {wording.percent(first)}, "
        f"{wording.points(first - second, 2)} before “{next_.name}”."
    )
    met = duel(best.record, next_.record)
    if met is None:
        return said
    a, b, chance = met
    weight = "so it may well be chance" if chance > 0.05 else "so it is hardly chance"
    return (
        f"{said} It alone names {wording.count(a)} images right, the other alone "
        f"{wording.count(b)} (McNemar's test: p = {wording.number(chance, 2)}, {weight})."
    )


def _warnings(runs: Sequence[Contender]) -> list[str]:
    said: list[str] = []
    marks = {run.record.data.get("fingerprint") for run in runs}
    if len(marks) > 1:
        said.append(
            "The runs did not see the same images: their numbers are not comparable as such."
        )
    broken = [run.name for run in runs if run.record.interrupted]
    if broken:
        verb = "was" if len(broken) == 1 else "were"
        said.append(f"{wording.join(broken)} {verb} interrupted.")
    return said
