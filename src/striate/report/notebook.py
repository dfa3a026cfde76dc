"""A run in a few lines of HTML, for a notebook's cell."""

from markupsafe import Markup

from striate.report.sections import data_name, network_name
from striate.report.summary import headline, state, status
from striate.report.svg import element
from striate.report.wording import percent
from striate.runs.record import RunRecord

__all__ = ["summary_html"]

_CELL = "text-align:left;padding:0.2em 1.2em 0.2em 0"


def summary_html(record: RunRecord) -> str:
    """Return the head of a run's report as a fragment of HTML, without style sheet or script.

    It takes letters and colours from where it is shown, for `_repr_html_`.
    """
    best = headline(record)
    rows = [(fact.name, fact.text, fact.remark) for fact in state(record)]
    if best is not None:
        name = f"{best.split.capitalize()} accuracy{' so far' if best.provisional else ''}"
        rows.insert(0, (name, percent(best.accuracy), ""))
    stopped = status(record)
    parts: list[Markup] = [
        element("p", element("b", f"{network_name(record)} on {data_name(record)}"))
    ]
    if stopped is not None:
        parts.append(element("p", stopped))
    lines = [
        element(
            "tr",
            element("th", name, scope="row", style=_CELL),
            element("td", element("b", text), style=_CELL),
            element("td", remark, style=_CELL),
        )
        for name, text, remark in rows
    ]
    return str(element("div", *parts, element("table", element("tbody", *lines))))
