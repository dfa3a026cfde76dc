"""The report of one run: one HTML file that opens offline."""

from collections.abc import Callable

from striate.report import wording
from striate.report.activity import activity
from striate.report.drawing import draw
from striate.report.facts import data, environment, layers, recipe
from striate.report.gallery import augmented, filters, mistakes, samples
from striate.report.matrix import confusion
from striate.report.results import calibration, class_scores
from striate.report.sections import Section, data_name, network_name
from striate.report.summary import headline, interval, standing_out, state, status
from striate.report.training import curves, schedule
from striate.runs.record import RunRecord

__all__ = ["run_page"]

_SECTIONS: tuple[Callable[[RunRecord], Section | None], ...] = (
    samples,
    augmented,
    layers,
    curves,
    schedule,
    activity,
    filters,
    confusion,
    class_scores,
    calibration,
    mistakes,
    data,
    environment,
    recipe,
)
"""What a report holds, in the order in which it is read; each is left out where its part of the run
is missing."""


def run_page(record: RunRecord) -> str:
    """Return the report of a run as one HTML file.

    The page makes no request: pictures, style and script are in it, and its content policy forbids
    all else. What the record lacks is left out and named at the top.
    """
    sections = [section for build in _SECTIONS if (section := build(record)) is not None]
    best = headline(record)
    name = f"{network_name(record)} on {data_name(record)}"
    score = f" · {wording.percent(best.accuracy)}" if best else ""
    return draw(
        "run.html",
        title=f"{name}{score} · Striate",
        sections=sections,
        folder="sections",
        record=record,
        network=network_name(record),
        data=data_name(record),
        best=best,
        between=interval(best.accuracy, best.images) if best and best.images else None,
        lead=_lead(record),
        facts=state(record),
        status=status(record),
        standing=standing_out(record),
    )


def _lead(record: RunRecord) -> str:
    """Return the run in one sentence, for those who read no further."""
    best = headline(record)
    if best is None or best.provisional or not best.images:
        return ""
    right = round(best.accuracy * best.images)
    seen = "that it had never seen" if best.split == "test" else "that it did not learn from"
    return (
        f"The trained network names {wording.count(right)} of {wording.count(best.images)} "
        f"images {seen} by their right class out of {len(record.classes)}."
    )
