"""The head of a report: what was trained on what, how well, and what stands out."""

import math
from dataclasses import dataclass
from typing import Any

from striate.data.wording import counted
from striate.report import wording
from striate.report.sections import class_name, scored_split
from striate.runs.record import RunRecord

__all__ = ["Fact", "Headline", "headline", "interval", "pairs", "standing_out", "state", "status"]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One number of the head: what it is, its value, how it is written, and a remark."""

    name: str
    value: int | float | str | None
    text: str
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The one number of a run: an accuracy, of which split, over how many images."""

    split: str
    accuracy: int | float
    images: int | None
    provisional: bool


def headline(record: RunRecord) -> Headline | None:
    """Return the test accuracy, else the validation accuracy, else the last epoch's."""
    metrics = record.metrics or {}
    for split in ("test", "validation"):
        part = metrics.get(split) or {}
        if part.get("accuracy") is not None:
            return Headline(
                split=split,
                accuracy=part["accuracy"],
                images=part.get("images"),
                provisional=False,
            )
    past = [v for v in record.history.get("validation_accuracy", []) if v is not None]
    if not past:
        return None
    images = _split(record, "validation").get("count")
    return Headline(split="validation", accuracy=past[-1], images=images, provisional=True)


def interval(share: int | float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `n` trials.

    Source:
        Wilson, Journal of the American Statistical Association 22 (1927), p. 209.

    >>> low, high = interval(0.9, 1000)
    >>> round(low, 4), round(high, 4)
    (0.8798, 0.9171)
    """
    z = 1.959964
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def state(record: RunRecord) -> tuple[Fact, ...]:
    """Return the facts beside the headline, those that the record has."""
    metrics, environment = record.metrics or {}, record.environment
    validation = metrics.get("validation") or {}
    facts: list[Fact] = []
    best = headline(record)
    if best is not None and best.split == "test" and validation.get("accuracy") is not None:
        value = validation["accuracy"]
        remark = f"{wording.count(validation.get('images'))} images"
        facts.append(
            Fact(
                name="Validation accuracy",
                value=value,
                text=wording.percent(value),
                remark=remark,
            )
        )
    facts += _data_facts(record)
    parameters = ((record.layers or {}).get("totals") or {}).get("parameters")
    if parameters is not None:
        facts.append(
            Fact(name="Parameters", value=parameters, text=wording.count(parameters), remark="")
        )
    facts.append(_length(record))
    seconds = environment.get("seconds")
    if seconds is not None:
        where = str(environment.get("processor") or environment.get("device") or "")
        facts.append(Fact(name="Time", value=seconds, text=wording.duration(seconds), remark=where))
    if environment.get("started"):
        started = str(environment["started"])
        day, _, hour = wording.date(started, brief=True).partition(", ")
        facts.append(Fact(name="Started", value=started, text=day, remark=hour))
    return tuple(facts)


def status(record: RunRecord) -> str | None:
    """Return the words that mark a run that did not come to its end, None for one that did."""
    if not record.interrupted:
        return None
    planned, done = _planned(record), record.epochs
    after = f"after {counted(done, 'epoch')}" if done else "before its first epoch ended"
    if planned is not None and planned >= done > 0:
        after = f"after {done} of {counted(planned, 'epoch')}"
    stopped = f"This run was stopped {after}"
    how = "To go on with it: striate train --resume and its folder."
    if record.metrics is None:
        return f"{stopped}, and it was not evaluated. {how}"
    held = {
        "best": f"the best weights so far, of epoch {record.metrics.get('best_epoch')}",
        "ema": "the moving average of the weights",
        "last": "the weights as they stood",
    }.get(str(record.metrics.get("weights")), "the weights that it had")
    unread = "" if record.metrics.get("test") else "; the test images were not read"
    judged = f"judged on the {scored_split(record)} images{unread}"
    return f"{stopped}. What follows is of {held}, {judged}. {how}"


def standing_out(record: RunRecord) -> list[str]:
    """Return in sentences what a reader should not miss."""
    said: list[str] = []
    metrics = record.metrics or {}
    classes = record.classes
    scored = [row for row in metrics.get("classes") or [] if row.get("f1") is not None]
    if len(scored) > 1:
        best = max(scored, key=lambda row: row["f1"])
        worst = min(scored, key=lambda row: row["f1"])
        said.append(
            f"Told apart best: “{best.get('name')}” (F1 {best['f1']:.3f}). "
            f"Hardest: “{worst.get('name')}” (F1 {worst['f1']:.3f})."
        )
    for true, predicted, n, share in pairs(metrics.get("confusion"), 1):
        said.append(
            f"Most frequent mistake: “{class_name(classes, true)}” taken for "
            f"“{class_name(classes, predicted)}”, {wording.times(n)} "
            f"({wording.percent(share, 1)} of that class)."
        )
    said += _lost(record) + _trust(record) + _findings(record)
    return said


def pairs(confusion: Any, most: int) -> list[tuple[int, int, int | float, float]]:
    """Return the most frequent mistakes: true class, predicted class, count, share of the true.

    >>> pairs([[8, 2], [1, 3]], 5)
    [(0, 1, 2, 0.2), (1, 0, 1, 0.25)]
    """
    found = [
        (n, -i, -j, n / sum(row))
        for i, row in enumerate(confusion or [])
        for j, n in enumerate(row)
        if i != j and n > 0
    ]
    return [(-i, -j, n, share) for n, i, j, share in sorted(found, reverse=True)[:most]]


def _split(record: RunRecord, name: str) -> dict[str, Any]:
    part = (record.data.get("splits") or {}).get(name)
    return part if isinstance(part, dict) else {}


def _data_facts(record: RunRecord) -> list[Fact]:
    counts = {
        name: part.get("count")
        for name in ("train", "validation", "test")
        if (part := _split(record, name)).get("count") is not None
    }
    if not counts:
        return []
    others = [f"{wording.count(n)} {name}" for name, n in counts.items() if name != "train"]
    train = counts.get("train")
    remark = f"and {wording.join(others)}" if others else ""
    facts = [Fact(name="Training images", value=train, text=wording.count(train), remark=remark)]
    if record.classes:
        sizes = record.data.get("sizes") or {}
        remark = (
            f"{sizes.get('width')} × {sizes.get('height')} pixels, "
            f"{'grey' if sizes.get('channels') == 1 else 'colour'}"
            if sizes
            else ""
        )
        n = len(record.classes)
        facts.append(Fact(name="Classes", value=n, text=wording.count(n), remark=remark))
    return facts


def _planned(record: RunRecord) -> int | None:
    """Return the epochs of the recipe, None where the clock ended the run."""
    recipe = record.recipe.get("recipe", {})
    planned = recipe.get("epochs")
    return planned if isinstance(planned, int) and not recipe.get("minutes") else None


def _length(record: RunRecord) -> Fact:
    planned, done = _planned(record), record.epochs
    short = planned is not None and done < planned
    best = (record.metrics or {}).get("best_epoch")
    remark = f"of {planned} planned" if short else ""
    if best:  # 0 where none ended
        remark += f"{', ' if remark else ''}best: epoch {best}"
    return Fact(name="Epochs", value=done, text=wording.count(done), remark=remark)


def _lost(record: RunRecord) -> list[str]:
    split = scored_split(record)
    lost = ((record.metrics or {}).get(split) or {}).get("not_finite")
    if not lost:
        return []
    what = "image has scores" if lost == 1 else "images have scores"
    return [f"{wording.count(lost)} {split} {what} that are not finite, so there is no loss."]


def _trust(record: RunRecord) -> list[str]:
    metrics = record.metrics or {}
    part = metrics.get(scored_split(record)) or {}
    ece = part.get("ece")
    if ece is None:
        return []
    bins = (metrics.get("calibration") or {}).get("bins") or []
    lean = sum(
        b["count"] * (b["confidence"] - b["accuracy"])
        for b in bins
        if b.get("count") and None not in (b.get("confidence"), b.get("accuracy"))
    )
    how = "too sure of itself" if lean > 0 else "not sure enough of itself"
    said = f"Its probabilities are off by {wording.points(ece)} on average ({how})"
    scaled = part.get("ece_scaled")
    if scaled is not None:
        said += f"; by {wording.points(scaled)} once scaled by temperature"
    return [said + "."]


def _findings(record: RunRecord) -> list[str]:
    doctor = record.data.get("doctor") or {}
    names = (
        ("broken", "broken file left out", "broken files left out"),
        ("leaks", "image that is in two splits", "images that are in two splits"),
        ("conflicts", "image that is in two classes", "images that are in two classes"),
    )
    found = [
        f"{len(doctor[k])} {one if len(doctor[k]) == 1 else more}"
        for k, one, more in names
        if doctor.get(k)
    ]
    return [f"The data: {wording.join(found)}."] if found else []
