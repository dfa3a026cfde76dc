"""The sections with tables of facts: layers, data and its doctor, environment, recipe."""

from collections.abc import Mapping
from typing import Any

from striate._errors import RunError
from striate.anatomy import LayerRow, LayerTable
from striate.anatomy.plain_text import bytes_words, seen_words
from striate.report import wording
from striate.report.sections import Section, class_name
from striate.runs.record import RunRecord

__all__ = ["data", "environment", "flat", "layers", "recipe"]

_SPLITS = ("train", "validation", "test")
_LISTED = 50  # findings of one kind in the page at most; data.json has them all
_LAYER = {"name": "", "kind": "", "parameters": None, "multiply_adds": None, "shared": False}
_NAMES = {
    "striate": "Striate",
    "torch": "PyTorch",
    "python": "Python",
    "platform": "System",
    "processor": "Processor",
    "cpu_capability": "Vector instructions",
    "threads": "Threads",
    "device": "Device",
    "precision": "Precision",
    "precision_choice.why": "Why this precision",
    "precision_choice.float32_seconds": "Trial in float32",
    "precision_choice.bfloat16_seconds": "Trial in bfloat16",
    "started": "Started",
    "ended": "Ended",
    "decide_seconds": "Time of trials before it",
    "seconds": "Time in all",
    "fit_seconds": "Time in training",
    "finished": "Came to its end",
    "resumed": "Resumed",
    "peak_memory_mib": "Peak memory",
}


def layers(record: RunRecord) -> Section | None:
    """Return the layer table."""
    rows = [row for row in (record.layers or {}).get("rows") or [] if row is not None]
    if not rows:
        return None
    table = record.layers or {}
    most = max((row.get("parameters") or 0 for row in rows), default=0) or 1
    totals = table.get("totals") or {}
    seen = _seen(table)
    return Section(
        id="layers",
        title="The network, layer by layer",
        view={
            "rows": [
                {
                    **_LAYER,
                    **row,
                    "shape": " × ".join(str(n) for n in (row.get("output_shape") or [])[1:]),
                    "share": (row.get("parameters") or 0) / most,
                    "activation": bytes_words(row.get("activation_bytes")),
                    "field": field,
                }
                for row, field in zip(rows, seen or [""] * len(rows), strict=True)
            ],
            "fields": bool(seen),
            "totals": dict.fromkeys(("parameters", "trainable", "multiply_adds")) | totals,
            "convention": str(table.get("convention") or "").rstrip("."),
            "size": " × ".join(str(n) for n in table.get("size") or []),
            "fold": len(rows) > 36,
        },
    )


def _seen(table: Mapping[str, Any]) -> list[str]:
    """Return the receptive field of each row in words; nothing for a table that has none."""
    try:
        rows = LayerTable.from_json(table).rows
    except RunError:
        return []
    return [seen_words(row.receptive_field)[0] for row in rows] if _measured(rows) else []


def _measured(rows: tuple[LayerRow, ...]) -> bool:
    return any(row.activation_bytes is not None for row in rows)


def data(record: RunRecord) -> Section | None:
    """Return where the images came from, how they were split, and what the doctor found."""
    manifest = record.data
    if not manifest:
        return None
    splits = {
        name: part
        for name in _SPLITS
        if isinstance(part := (manifest.get("splits") or {}).get(name), dict)
    }
    doctor = manifest.get("doctor") or {}
    return Section(
        id="data",
        title="The data, examined",
        view={
            "rule": manifest.get("split_rule"),
            "source": manifest.get("source"),
            "fingerprint": manifest.get("fingerprint"),
            "splits": {name: part.get("count") for name, part in splits.items()},
            "classes": _class_counts(record, splits),
            "findings": _findings(doctor),
            "checked": doctor.get("checked"),
            "warnings": [str(line) for line in doctor.get("warnings") or []],
            "options": flat(manifest.get("options") or {}),
        },
    )


def environment(record: RunRecord) -> Section | None:
    """Return where and how the run was made, its time and its memory."""
    facts = record.environment
    if not facts:
        return None
    speeds = [v for v in record.timings.get("images_per_second", []) if v is not None]
    told = flat(facts)
    if told.get("precision_choice.precision") == told.get("precision"):
        told.pop("precision_choice.precision", None)
    if told.get("fit_seconds") == told.get("seconds"):
        told.pop("seconds", None)
    if told.pop("interrupted", False):
        told["finished"] = "no, it was stopped"
    rows = [(_NAMES.get(key) or _spelled(key), _fact(key, value)) for key, value in told.items()]
    if speeds:
        middle = sorted(speeds)[len(speeds) // 2]
        rows.append(("Training speed (median)", f"{wording.count(middle)} images a second"))
    return Section(id="environment", title="Where it ran", view={"rows": rows})


def recipe(record: RunRecord) -> Section | None:
    """Return every field that repeats the run."""
    parts = [
        (name, [(key, wording.plain(value)) for key, value in flat(fields).items()])
        for name, fields in record.recipe.items()
        if isinstance(fields, Mapping) and fields
    ]
    return Section(id="recipe", title="The recipe", view={"parts": parts}) if parts else None


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one, the keys joined by dots.

    >>> flat({"a": 1, "b": {"c": 2, "d": {"e": 3}}, "f": {}})
    {'a': 1, 'b.c': 2, 'b.d.e': 3, 'f': {}}
    """
    result: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            result |= flat(value, f"{prefix}{key}.")
        else:
            result[f"{prefix}{key}"] = value
    return result


def _spelled(key: str) -> str:
    return key.replace("_", " ").replace(".", ": ")


def _fact(key: str, value: Any) -> str:
    if key in ("started", "ended", "resumed"):
        return wording.date(value)
    if key.endswith("seconds") and isinstance(value, int | float):
        return wording.duration(value)
    if key == "peak_memory_mib":
        return wording.memory(value)
    return wording.plain(value)


def _class_counts(record: RunRecord, splits: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each class how many images each split holds."""
    counts = {name: part.get("class_counts") or [] for name, part in splits.items()}
    n = max([len(record.classes), *(len(c) for c in counts.values())], default=0)
    most = max([v for c in counts.values() for v in c], default=0) or 1
    return [
        {
            "name": class_name(record.classes, i),
            "counts": [c[i] if i < len(c) else None for c in counts.values()],
            "share": max([c[i] for c in counts.values() if i < len(c)], default=0) / most,
        }
        for i in range(n)
    ]


def _findings(doctor: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each kind of finding: how many, and the first of them in words."""
    told = (
        ("broken", "Broken files, left out", _broken),
        ("duplicates", "Identical images", _group),
        ("leaks", "Images that are in two splits", _leak),
        ("conflicts", "Identical images in two classes", _group),
    )
    return [
        {
            "title": title,
            "count": len(found),
            "lines": [say(item) for item in found[:_LISTED]],
            "more": max(0, len(found) - _LISTED),
        }
        for key, title, say in told
        if (found := doctor.get(key)) is not None
    ]


def _broken(item: Mapping[str, Any]) -> str:
    return f"{item.get('file')}: {item.get('reason')}"


def _leak(item: Mapping[str, Any]) -> str:
    return f"{item.get('file')} ({item.get('split')}) is {item.get('same_as')} ({item.get('in')})"


def _group(item: Any) -> str:
    if isinstance(item, Mapping):
        files, classes = item.get("files") or [], item.get("classes") or []
        return f"{' = '.join(map(str, files))} ({', '.join(map(str, classes))})"
    return " = ".join(map(str, item)) if isinstance(item, list | tuple) else str(item)
