"""A run folder read back as plain values: what reports and other readers draw from."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate._errors import RunError
from striate.runs.parts import (
    Arrays,
    Columns,
    check,
    read_arrays,
    read_bytes,
    read_columns,
    read_object,
)

__all__ = ["FORMAT", "PARTS", "Arrays", "Columns", "RunRecord", "read_recipe", "read_record"]

FORMAT = 1
"""The number in `recipe.toml` that this package reads and writes."""

PARTS = (
    "data.json",
    "history.csv",
    "steps.csv",
    "timings.csv",
    "environment.json",
    "metrics.json",
    "layers.json",
    "activations.npz",
    "predictions.npz",
    "pictures.npz",
)
"""Files of a finished run besides `recipe.toml`, which every run has."""

_NUMBER = (int, float)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RunRecord:
    """The parsed contents of a run folder; docs/run-folder.md says what each part holds.

    A part that the folder lacks, as that of an interrupted run may, is None, or empty where it is
    a table.

    Attributes:
        folder: Where the run lies.
        name: The folder's own name.
        missing: Files of a finished run that are not there, in the order of `PARTS`.
    """

    folder: Path
    name: str
    recipe: dict[str, Any]
    data: dict[str, Any]
    history: Columns
    steps: Columns
    timings: Columns
    metrics: dict[str, Any] | None
    environment: dict[str, Any]
    layers: dict[str, Any] | None
    activations: Arrays | None
    predictions: Arrays | None
    pictures: Arrays | None
    missing: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"RunRecord({str(self.folder)!r})"

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names as the data tells them, else as the metrics do."""
        named = self.data.get("classes")
        if named is None:
            named = [row.get("name", "") for row in (self.metrics or {}).get("classes") or []]
        return tuple(str(name) for name in named)

    @property
    def epochs(self) -> int:
        """Epochs that ended."""
        return len(self.history.get("epoch", []))

    @property
    def interrupted(self) -> bool:
        """Whether training stopped before its end, or what comes after it did not happen."""
        finished = self.environment.get("finished", True)
        return self.metrics is None or not finished or bool(self.environment.get("interrupted"))


def read_record(folder: Path | str) -> RunRecord:
    """Return the contents of the run `folder`; nothing but arrays, numbers and text is read.

    Raises:
        RunError: It is no run folder, one of its files is damaged, or another version wrote it.
        StorageError: A file is there but cannot be read.
    """
    folder = Path(folder)
    recipe = _recipe(folder)
    tables = {
        part: read_columns(folder / part) for part in ("history.csv", "steps.csv", "timings.csv")
    }
    objects = {part: read_object(folder / part, _OBJECTS[part]) for part in _OBJECTS}
    arrays = {
        part: read_arrays(folder / part, _SHAPES[part], optional=part == "pictures.npz")
        for part in _SHAPES
    }
    return RunRecord(
        folder=folder,
        name=folder.resolve().name,
        recipe=recipe,
        data=objects["data.json"] or {},
        history=tables["history.csv"],
        steps=tables["steps.csv"],
        timings=tables["timings.csv"],
        metrics=objects["metrics.json"],
        environment=objects["environment.json"] or {},
        layers=objects["layers.json"],
        activations=arrays["activations.npz"],
        predictions=arrays["predictions.npz"],
        pictures=arrays["pictures.npz"],
        missing=tuple(part for part in PARTS if not (folder / part).is_file()),
    )


_SCORES = {"accuracy": _NUMBER, "loss": _NUMBER, "ece": _NUMBER, "images": int}
_OBJECTS: dict[str, dict[str, Any]] = {
    "data.json": {
        "name": str,
        "classes": [str],
        "splits": dict,
        "doctor": {
            "checked": int,
            "broken": [dict],
            "duplicates": list,
            "leaks": [dict],
            "conflicts": list,
            "warnings": [str],
        },
    },
    "environment.json": {"seconds": _NUMBER, "peak_memory_mib": _NUMBER, "started": str},
    "metrics.json": {
        "validation": _SCORES,
        "test": _SCORES,
        "temperature": _NUMBER,
        "classes": [{"precision": _NUMBER, "recall": _NUMBER, "f1": _NUMBER, "support": _NUMBER}],
        "confusion": [[_NUMBER]],
        "calibration": {
            "bins": [
                {
                    "low": _NUMBER,
                    "high": _NUMBER,
                    "count": int,
                    "confidence": _NUMBER,
                    "accuracy": _NUMBER,
                }
            ]
        },
    },
    "layers.json": {
        "rows": [{"name": str, "kind": str, "output_shape": list, "parameters": int}],
        "totals": {"parameters": int},
    },
}
"""What is checked of each JSON file: the kinds of the values that are there."""

_SHAPES: dict[str, dict[str, str]] = {
    "activations.npz": {
        "steps": "iu t",
        "names": "U l",
        "kinds": "U l",
        "mean": "f t l",
        "deviation": "f t l",
        "near_zero": "f t l",
        "limit": "f l",
        "histogram": "f t l bins",
    },
    "predictions.npz": {"labels": "iu n", "scores": "f n k", "names": "U n"},
    "pictures.npz": {
        "sample_images": "u s h w c",
        "sample_labels": "iu s",
        "augmented_images": "u a h w c",
        "augmented_labels": "iu a",
        "mistake_images": "u m h w c",
        "mistake_labels": "iu m",
        "mistake_predictions": "iu m",
        "mistake_losses": "f m",
        "mistake_probabilities": "f m",
        "mistake_names": "U m",
        "mistake_maps": "f m h w",
        "filters": "f f d kh kw",
        "filters_fold": "iu",
        "filters_layer": "U",
    },
}
"""Kinds and axes of each array; an axis has one length throughout a file."""


def _recipe(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise RunError(f"{folder} {what}; a run is a folder that `striate train` made")
    if not (folder / "recipe.toml").exists():
        raise RunError(f"{folder} is no run: it has no recipe.toml")
    return read_recipe(folder / "recipe.toml")


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the tables of a `recipe.toml`, which may lie anywhere.

    Raises:
        RunError: There is no such file, it is damaged, or another version wrote it.
        StorageError: It is there but cannot be read.
    """
    raw = read_bytes(path)
    if raw is None:
        raise RunError(f"there is no recipe {path}")
    try:
        recipe = tomllib.loads(raw.decode())
        check(recipe, {"striate": dict, "data": dict, "network": dict, "recipe": dict}, "recipe")
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error})") from error
    found = recipe.get("striate", {}).get("format")
    if found != FORMAT:
        raise RunError(
            f"{path} has format {found!r}, but this version reads {FORMAT}; "
            "read it with the version of striate that wrote it"
        )
    return recipe
