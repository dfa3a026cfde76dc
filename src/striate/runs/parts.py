"""One file of a run folder, parsed and checked: tables, objects, arrays."""

import csv
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from striate._errors import RunError, StorageError

__all__ = ["Arrays", "Columns", "check", "read_arrays", "read_bytes", "read_columns", "read_object"]

Columns: TypeAlias = dict[str, list[float | None]]
"""A CSV file of numbers, a list a column; None where a cell is empty or no finite number."""

Arrays: TypeAlias = dict[str, np.ndarray]
"""The arrays of an npz file by name."""

_LARGEST = 2 << 30  # bytes that the arrays of one npz file may take in memory


def read_bytes(path: Path) -> bytes | None:
    """Return what the file holds, or None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error


def _damaged(path: Path, why: object) -> RunError:
    return RunError(f"{path} is damaged ({why}); delete it and the report is drawn without it")


def read_columns(path: Path) -> Columns:
    """Return a CSV file of numbers, a list a column; nothing where there is no file."""
    raw = read_bytes(path)
    if not raw:
        return {}
    try:
        header, *rows = csv.reader(raw.decode().splitlines())
        table: Columns = {name: [] for name in header}
        for line, row in enumerate(rows, start=2):
            if len(row) != len(header):
                raise ValueError(f"line {line} has {len(row)} cells, not {len(header)}")
            for name, cell in zip(header, row, strict=True):
                table[name].append(_cell(cell))
    except (csv.Error, ValueError) as error:
        raise _damaged(path, error) from error
    return table


def _cell(text: str) -> float | None:
    value = float(text) if text.strip() else float("nan")
    return value if abs(value) < float("inf") else None


def read_object(path: Path, shape: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a JSON object whose values have the kinds of `shape` (see `check`), or None.

    NaN and infinities are None in it.
    """
    raw = read_bytes(path)
    if raw is None:
        return None
    try:
        value = json.loads(raw, parse_constant=lambda _: None)
        check(value, dict(shape), path.stem)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    return value


def check(value: Any, shape: Any, where: str) -> None:
    """Raise ValueError unless `value` has the kinds of `shape`; keys may be missing, or None."""
    if value is None:
        return
    kinds = {dict: dict, list: list}.get(type(shape), shape)
    if not isinstance(value, kinds):
        wanted = kinds if isinstance(kinds, tuple) else (kinds,)
        names = " or ".join(kind.__name__ for kind in wanted)
        raise ValueError(f"{where} is {type(value).__name__}, not {names}")
    if isinstance(shape, dict):
        for key, inner in shape.items():
            check(value.get(key), inner, f"{where}.{key}")
    elif isinstance(shape, list):
        for i, item in enumerate(value):
            check(item, shape[0], f"{where}[{i}]")


def read_arrays(path: Path, shapes: Mapping[str, str], *, optional: bool = False) -> Arrays | None:
    """Return the arrays of an npz file, or None where there is none; nothing is unpickled.

    Args:
        path: The file.
        shapes: For each array its NumPy kinds and its axes, as in `{"mean": "f t l"}`.
        optional: Whether the arrays of `shapes` may be lacking.
    """
    if not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _LARGEST:
            raise ValueError(f"its arrays would take {size} bytes, over {_LARGEST}")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        _agree(arrays, shapes, optional=optional)
    except (ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
    return arrays


def _agree(arrays: Arrays, shapes: Mapping[str, str], *, optional: bool) -> None:
    """Raise ValueError unless the arrays have the kinds and axes of `shapes`."""
    lengths: dict[str, int] = {}
    for name, shape in shapes.items():
        if name not in arrays:
            if optional:
                continue
            raise ValueError(f"the array {name} is not there")
        kinds, *axes = shape.split()
        array = arrays[name]
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name} is no array")
        if array.dtype.kind not in kinds or array.ndim != len(axes):
            raise ValueError(f"{name} is {array.dtype} of {array.shape}")
        for axis, length in zip(axes, array.shape, strict=True):
            if lengths.setdefault(axis, length) != length:
                raise ValueError(f"{name} is {array.shape}, but others say {axis}={lengths[axis]}")
