"""The Run: one training run as a folder, whose every file is written whole or not at all."""

import io
import json
import pickle
import re
import tomllib
import warnings
import webbrowser
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import filelock
import numpy as np
import tomli_w
import torch

from striate._errors import RunError
from striate.files import atomic_file, make_folder, printable, write_bytes, write_text
from striate.files.atomic import storage_error
from striate.runs.quoting import quoted
from striate.runs.record import FORMAT, PARTS, RunRecord, read_record

__all__ = ["FILES", "Run", "is_run"]

FILES = (
    "recipe.toml", "model.safetensors", "checkpoint.pt", "report.html", ".lock", *PARTS,
)  # fmt: skip
"""Every file that a run may hold; nothing else is ever deleted."""

_RESULTS = ("model.safetensors", "history.csv", "metrics.json", "report.html")
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.part")  # as `files.atomic_file` names what it writes into


def is_run(folder: Path) -> bool:
    """Return whether `folder` holds a recipe that a run of ours begins with."""
    try:
        return "striate" in tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


class Run:
    """A run folder. `Run(folder)` opens one; `Run.create` makes one.

    Attributes:
        folder: Where it lies.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        """Show the run's summary in a notebook, drawn by the report room."""
        from importlib import import_module

        # By name: report stands above runs, and only a notebook asks for this.
        return import_module("striate.report").summary_html(self.record)

    @classmethod
    def create(cls, folder: Path | str, *, force: bool = False) -> "Run":
        """Return a new run in `folder`, which must not exist or be empty.

        With `force` a run that lies there is deleted first: its own files, and no others.

        Raises:
            RunError: Something else lies there, or a run does and `force` is not given.
            StorageError: The folder cannot be made.
        """
        run = cls(folder)
        if run.replaces(force=force):
            with run.locked():
                run.remove_files()
        make_folder(run.folder)
        return run

    def replaces(self, *, force: bool = False) -> bool:
        """Return whether a run lies here that a new one would replace; nothing is changed.

        Raises:
            RunError: Something else lies here, or a run does and `force` is not given.
            StorageError: The folder cannot be read.
        """
        shown = printable(self.folder)
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise RunError(f"{shown} is a file; a run needs a folder of its own")
            lies = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        except OSError as error:
            raise storage_error("read", self.folder, error) from error
        held = [path.name for path in lies if not _leftover(path)]
        if not held:
            return False
        if not is_run(self.folder):
            raise RunError(
                f"{shown} exists and is no run (it holds {printable(held[0])}); "
                "choose another folder with --out"
            )
        if not force:
            raise RunError(
                f"{shown} is a run already; choose another folder with --out, "
                "go on with --resume, or replace it with --force"
            )
        return True

    def remove_files(self) -> None:
        """Delete the files of a run; others stay, the lock too. recipe.toml goes last."""
        for name in reversed(FILES):
            if name != ".lock":  # held: without it another process could begin in here
                self._remove(self.folder / name)
        self.sweep()

    def sweep(self) -> None:
        """Delete what a killed process left half written."""
        for path in self.folder.glob(".*.part"):
            if _TEMPORARY.fullmatch(path.name):
                self._remove(path)

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error("delete", path, error) from error

    @contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Hold the run for this process.

        Raises:
            RunError: Another process holds it.
            StorageError: The folder cannot be written.
        """
        make_folder(self.folder)
        lock = filelock.FileLock(self.folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunError(
                f"another process is working on {printable(self.folder)}; wait until it ends"
            ) from None
        except OSError as error:
            raise storage_error("lock", self.folder, error) from error
        try:
            yield
        finally:
            lock.release()

    @property
    def record(self) -> RunRecord:
        """All parts of the run as they lie in the folder now."""
        return read_record(self.folder)

    @property
    def metrics(self) -> dict[str, Any]:
        """Contents of metrics.json; RunError while there is none."""
        return self.read_json("metrics.json")

    @property
    def environment(self) -> dict[str, Any]:
        """Contents of environment.json; RunError while there is none."""
        return self.read_json("environment.json")

    @property
    def report(self) -> Path:
        """Where the report lies, or will."""
        return self.folder / "report.html"

    @property
    def finished(self) -> bool:
        """Whether training has ended and all files are written."""
        if not all((self.folder / name).is_file() for name in _RESULTS):
            return False
        try:
            return bool(self.environment.get("finished"))
        except RunError:
            return False

    def show(self) -> None:
        """Open the report in the browser."""
        if not self.report.is_file():
            raise RunError(f"{printable(self.folder)} has no report yet; make it: striate report")
        webbrowser.open(self.report.resolve().as_uri())

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the object in the run's file `name`; RunError if it is missing or damaged."""
        path = self.folder / name
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{printable(self.folder)} has no {name}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(_damaged(path, error)) from error
        if not isinstance(value, dict):
            raise RunError(_damaged(path, "no JSON object"))
        return value

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write an object to the run's file `name`."""
        write_text(self.folder / name, json.dumps(value, indent=1, allow_nan=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write text to the run's file `name`."""
        write_text(self.folder / name, text)

    def write_recipe(self, tables: Mapping[str, Any]) -> None:
        """Write recipe.toml; with it the folder is a run."""
        head = {"striate": {"format": FORMAT, **tables.get("striate", {})}}
        write_text(self.folder / "recipe.toml", tomli_w.dumps(quoted({**tables, **head})))

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write arrays to the run's npz file `name`, compressed; none may need pickling."""
        held = io.BytesIO()
        np.savez_compressed(held, allow_pickle=False, **arrays)
        write_bytes(self.folder / name, held.getvalue())

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Write checkpoint.pt.

        Raises:
            StorageError: No room, no permission, or another refusal of the disk.
        """
        with atomic_file(self.folder / "checkpoint.pt") as file:
            noting = _Noting(file)
            try:
                torch.save(dict(state), cast("IO[bytes]", noting))
            except RuntimeError:
                if noting.refusal is not None:
                    raise noting.refusal from None
                raise

    def load_checkpoint(self) -> dict[str, Any] | None:
        """Return the last checkpoint, or None if there is none yet; no code in it is ever run.

        Raises:
            RunError: It is damaged, or no checkpoint of ours.
        """
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return None
        try:
            with path.open("rb") as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about pickles that we would not have written
                if file.read(4) != b"PK\3\4":  # torch would try older formats
                    raise ValueError("it is no zip archive")
                if not zipfile.is_zipfile(file):
                    raise ValueError("it is cut short")
                file.seek(0)
                state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as e:
            said = (str(e).strip().splitlines() or [type(e).__name__])[0]
            if isinstance(e, pickle.UnpicklingError):  # torch's own text advises to trust it
                said = "it holds more than tensors and numbers"
            raise RunError(
                f"{printable(path)} is damaged ({printable(said[:200])}); "
                "delete it to train this run again from its start"
            ) from e
        if not isinstance(state, dict):
            raise RunError(f"{printable(path)} is no checkpoint of striate")
        return state


class _Noting:
    """A file that remembers why it could not be written: torch tells only that it could not."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.refusal: OSError | None = None

    def write(self, data: bytes | memoryview) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.refusal = error
            raise

    def flush(self) -> None:
        self.file.flush()


def _damaged(path: Path, why: object) -> str:
    return f"{printable(path)} is damaged ({why}); delete it, and --resume writes it anew"


def _leftover(path: Path) -> bool:
    """Return whether a file is what a run killed before its first line may leave."""
    return path.name == ".lock" or _TEMPORARY.fullmatch(path.name) is not None
