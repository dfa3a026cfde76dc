"""The sections on how good it is: scores a class and calibration."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from striate.report import wording
from striate.report.charts import FRAME, frame
from striate.report.scales import Scale, labels, ticks, widened
from striate.report.sections import Section, scored_split
from striate.report.svg import element
from striate.runs.record import RunRecord

__all__ = ["calibration", "class_scores"]


def class_scores(record: RunRecord) -> Section | None:
    """Return precision, recall and F1 of each class, the weakest first."""
    names = ("name", "support", "precision", "recall", "f1")
    found = [row for row in (record.metrics or {}).get("classes") or [] if row is not None]
    rows = [{name: row.get(name) for name in names} for row in found]
    if not rows:
        return None
    ordered = sorted(rows, key=lambda row: _known(row.get("f1")))
    scores = ("precision", "recall", "f1")
    mean = {k: sum(row.get(k) or 0.0 for row in rows) / len(rows) for k in scores}
    return Section(
        id="classes",
        title="Scores of each class",
        view={
            "rows": ordered,
            "mean": mean,
            "support": sum(row.get("support") or 0 for row in rows),
            "split": scored_split(record),
            "fold": len(rows) > 30,
        },
    )


def calibration(record: RunRecord) -> Section | None:
    """Return how well the probabilities can be trusted: the reliability diagram and the ECE."""
    metrics = record.metrics or {}
    bins = [
        b
        for b in (metrics.get("calibration") or {}).get("bins") or []
        if b.get("count")
        and None not in [b.get(name) for name in ("low", "high", "confidence", "accuracy")]
    ]
    if not bins:
        return None
    split = scored_split(record)
    part = metrics.get(split) or {}
    return Section(
        id="calibration",
        title="Can its probabilities be trusted?",
        view={
            "diagram": _diagram(bins),
            "counts": _counts(bins),
            "bins": bins,
            "ece": part.get("ece"),
            "ece_scaled": part.get("ece_scaled"),
            "temperature": metrics.get("temperature"),
            "split": split,
        },
    )


def _known(value: float | None) -> float:
    return 2.0 if value is None or value != value else value


_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def _scales(high: float = 1.0) -> tuple[Scale, Scale]:
    return Scale(0.0, 1.0, *FRAME.x), Scale(0.0, high, *FRAME.y)


def _box(b: dict[str, Any], low: float, high: float, look: str, said: str, y: Scale) -> Markup:
    """Return a bar over the bin `b` from the value `low` up to `high`."""
    x, _ = _scales()
    left, right = x(b["low"]) + 0.75, x(b["high"]) - 0.75
    return element(
        "rect",
        element("title", said),
        x=left,
        y=y(high),
        width=max(right - left, 0.5),
        height=y(low) - y(high),
        class_=look,
    )


def _diagram(bins: list[dict[str, Any]]) -> Markup:
    """Return accuracy over confidence: bars that should end on the diagonal."""
    _, y = _scales()
    parts: list[Markup] = []
    for b in bins:
        sure, right = b["confidence"], b["accuracy"]
        said = (
            f"{wording.count(b['count'])} images with confidence "
            f"{wording.percent(sure, 1)}: {wording.percent(right, 1)} right"
        )
        low, high = sorted((sure, right))
        parts.append(_box(b, 0.0, low, "bar", said, y))
        parts.append(_box(b, low, high, "gap over" if sure > right else "gap under", said, y))
    parts.append(
        element("path", d=f"M{FRAME.x[0]} {FRAME.y[0]}L{FRAME.x[1]} {FRAME.y[1]}", class_="ideal")
    )
    worst = max(bins, key=lambda b: abs(b["confidence"] - b["accuracy"]))
    summary = (
        f"Accuracy over confidence in {len(bins)} bins that hold images. The largest gap: where "
        f"confidence is {wording.percent(worst['confidence'], 0)}, "
        f"{wording.percent(worst['accuracy'], 0)} are right."
    )
    return _chart(parts, _SHARES, "accuracy", summary, y)


def _counts(bins: list[dict[str, Any]]) -> Markup:
    """Return how many images have which confidence."""
    total = sum(b["count"] for b in bins)
    _, high = widened(0.0, max(b["count"] for b in bins) / total, ceiling=1.0)
    _, y = _scales(high)
    parts: list[Markup] = []
    for b in bins:
        share = b["count"] / total
        said = (
            f"confidence {wording.percent(b['low'], 0)} to {wording.percent(b['high'], 0)}: "
            f"{wording.count(b['count'])} images ({wording.percent(share, 1)})"
        )
        parts.append(_box(b, 0.0, share, "bar quiet", said, y))
    last = bins[-1]
    summary = (
        f"Share of images over confidence: {wording.percent(last['count'] / total, 0)} have a "
        f"confidence over {wording.percent(last['low'], 0)}."
    )
    return _chart(parts, ticks(0.0, high), "share of images", summary, y)


def _chart(parts: list[Markup], up: Sequence[float], y_name: str, summary: str, y: Scale) -> Markup:
    x, _ = _scales()
    return element(
        "svg",
        *frame(
            FRAME,
            [(x(v), text) for v, text in zip(_SHARES, labels(_SHARES, "percent"), strict=True)],
            [(y(v), text) for v, text in zip(up, labels(up, "percent"), strict=True)],
            x_name="confidence",
            y_name=y_name,
        ),
        *parts,
        class_="chart",
        viewBox=f"0 0 {FRAME.width} {FRAME.height}",
        role="img",
        aria_label=summary,
    )
