"""The section on what the layers did: the colour-dim pictures, mean, deviation, share near zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from striate.report import wording
from striate.report.charts import Frame, Line, line_chart
from striate.report.curves import every
from striate.report.heat import VIRIDIS, log_levels
from striate.report.pictures import Sheet, heat_sheet
from striate.report.sections import Section
from striate.report.svg import element, polyline, rounded
from striate.runs.record import Arrays, RunRecord

__all__ = ["LayerView", "activity", "histogram_pictures", "layer_views"]

_TIMES = 100  # columns of a picture at most
_LAYERS = 300  # layers with a picture at most
_OPEN = 24  # layers shown before a reader asks for more
_TAIL = 1e-3  # share of the values that may lie outside of a picture
_LINES = 40  # lines of the three charts at most
_SMALL = Frame(290, 216)  # three side by side
_STATISTICS = (
    ("mean", "mean", (None, None)),
    ("deviation", "standard deviation", (0.0, None)),
    ("near_zero", "share near zero", (0.0, 1.0)),
)


@dataclass(frozen=True, kw_only=True)
class LayerView:
    """One layer's picture and its last statistics."""

    name: str
    kind: str
    picture: Markup
    strip: Markup
    limit: float
    mean: float
    deviation: float
    near_zero: float


def activity(record: RunRecord) -> Section | None:
    """Return the statistics of every layer over the training."""
    arrays = record.activations
    if arrays is None or not arrays["mean"].size:
        return None
    sheet = heat_sheet("activations-sheet", histogram_pictures(arrays), VIRIDIS)
    views = layer_views(arrays, sheet)
    steps = arrays["steps"]
    return Section(
        id="activations",
        title="Inside the layers",
        view={
            "charts": [_chart(arrays, *statistic) for statistic in _STATISTICS],
            "shown": views[:_OPEN],
            "rest": views[_OPEN:],
            "layers": arrays["mean"].shape[1],
            "drawn": min(arrays["mean"].shape[1], _LINES),
            "times": len(steps),
            "first": int(steps[0]),
            "last": int(steps[-1]),
            "bins": arrays["histogram"].shape[2],
            "notes": _notes(arrays),
        },
        sheets=(sheet,),
    )


def histogram_pictures(arrays: Arrays) -> np.ndarray:
    """Return each layer's histogram over time as heat 0..1, (layer, bin, time).

    The lowest bin is the last row, so that up is larger. Each column is a point in time; where
    there are more than `_TIMES`, neighbours are averaged. The heat is logarithmic (`log_levels`),
    each layer on its own scale.
    """
    shares = arrays["histogram"][:, :_LAYERS].astype(np.float64)
    parts = np.array_split(shares, min(len(shares), _TIMES))
    columns = np.stack([part.mean(axis=0) for part in parts], axis=-1)  # layer, bin, time
    return np.stack([log_levels(layer[::-1]) for layer in columns])


def layer_views(arrays: Arrays, sheet: Sheet) -> list[LayerView]:
    """Return the picture, the strip of shares near zero and the last numbers of each layer."""
    views: list[LayerView] = []
    for i in range(min(arrays["mean"].shape[1], _LAYERS)):
        mean, deviation, near_zero = (float(arrays[k][-1, i]) for k, _, _ in _STATISTICS)
        trim = _empty_rows(arrays["histogram"][:, i])
        shown = 1 - 2 * trim / arrays["histogram"].shape[2]
        limit, name = shown * float(arrays["limit"][i]), str(arrays["names"][i])
        said = (
            f"{name}: histogram of its activations over the training, from -{limit:.3g} to "
            f"{limit:.3g}. At the end mean {mean:.3g}, standard deviation {deviation:.3g}, "
            f"{wording.percent(near_zero, 0)} near zero."
        )
        views.append(
            LayerView(
                name=name,
                kind=str(arrays["kinds"][i]),
                picture=sheet.tile(i, said, stretch=True, trim=trim),
                strip=_strip(arrays["near_zero"][:, i]),
                limit=limit,
                mean=mean,
                deviation=deviation,
                near_zero=near_zero,
            )
        )
    return views


def _empty_rows(histogram: np.ndarray) -> int:
    """Return how many bins at each end, as many at both, hold next to nothing at all times.

    Together they hold at most `_TAIL` of the values, and a quarter of the bins is always left.
    """
    shares = histogram.astype(np.float64).mean(axis=0)
    pairs = shares + shares[::-1]  # what the bins at distance k from both ends hold
    outside = np.cumsum(pairs[: 3 * len(shares) // 8])
    return int((outside <= _TAIL * shares.sum()).sum())


def _strip(shares: np.ndarray) -> Markup:
    kept = every(len(shares), _TIMES)
    known = [(k, i) for k, i in enumerate(kept) if np.isfinite(shares[i])]
    width = max(len(kept) - 1, 1)
    points = [(100 * k / width, 20 * (1 - float(shares[i]))) for k, i in known]
    path = polyline(points)
    ground = f"{path}L{rounded(points[-1][0])} 20L{rounded(points[0][0])} 20z" if points else ""
    return element(
        "svg",
        element("path", d=ground, class_="area"),
        element("path", d=path, class_="edge"),
        class_="strip",
        viewBox="0 0 100 20",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _chart(
    arrays: Arrays, name: str, title: str, bounds: tuple[float | None, float | None]
) -> Markup:
    values = arrays[name].astype(np.float64)
    n = values.shape[1]
    percent = name == "near_zero"

    def text(value: float) -> str:
        return wording.percent(value, 0) if percent else wording.number(value)

    known = [i for i in range(n) if np.isfinite(values[-1, i])]
    summary = f"{title.capitalize()} of {n} layers over the steps."
    if known:
        low, high = min(known, key=lambda i: values[-1, i]), max(known, key=lambda i: values[-1, i])
        summary += (
            f" At the end it lies between {text(float(values[-1, low]))} "
            f"({arrays['names'][low]}) and {text(float(values[-1, high]))} "
            f"({arrays['names'][high]})."
        )
    return line_chart(
        _lines(arrays, values),
        x_name="step",
        y_name=title,
        summary=summary,
        kind="percent" if percent else "number",
        y_range=bounds,
        whole_x=True,
        size=_SMALL,
    )


def _lines(arrays: Arrays, values: np.ndarray) -> list[Line]:
    """Return a line of `values` for each layer, or for some of many, first to last."""
    steps, n = arrays["steps"], values.shape[1]
    kept = every(len(steps), _TIMES)
    return [
        Line(
            name=str(arrays["names"][i]),
            x=[float(steps[k]) for k in kept],
            y=[_known(values[k, i]) for k in kept],
            look=_depth(i, n),
        )
        for i in every(n, _LINES)
    ]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _depth(i: int, n: int) -> int:
    """Return the look of layer i of n: 11 for the first to 18 for the last."""
    return 11 + (round(7 * i / (n - 1)) if n > 1 else 0)


def _notes(arrays: dict[str, Any]) -> Sequence[str]:
    """Return in words what looks unwell at the end of the training."""
    names, last = arrays["names"], arrays["near_zero"][-1]
    silent = [str(names[i]) for i in range(len(last)) if last[i] > 0.95]
    flat = [str(names[i]) for i in range(len(last)) if arrays["deviation"][-1, i] < 1e-3]
    notes: list[str] = []
    if silent:
        some = wording.join(silent[:4] if len(silent) < 5 else [*silent[:3], "others"])
        notes.append(f"More than 95 % of the activations are near zero in {some}.")
    if flat:
        some = wording.join(flat[:4] if len(flat) < 5 else [*flat[:3], "others"])
        notes.append(f"The activations hardly vary in {some}.")
    return notes
