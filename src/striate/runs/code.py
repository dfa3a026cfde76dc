"""Networks of the user's own, named as `file.py:function`."""

import difflib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from striate._errors import NetworkError
from striate.files import printable

__all__ = ["build_from_code", "find_file", "names_code"]


def names_code(model: str) -> bool:
    """Return whether `model` has the form `file.py:function` (split at the last colon).

    >>> names_code("nets/mine.py:small"), names_code("resnet18")
    (True, False)
    """
    file, colon, function = model.rpartition(":")
    return bool(colon) and file.endswith(".py") and function.isidentifier()


def build_from_code(
    model: str, *, in_channels: int, classes: int, size: tuple[int, int], options: dict[str, Any]
) -> nn.Module:
    """Import `file.py`, call `function`, and return the network it makes.

    The function is given those of `in_channels`, `classes`, `size` (height, width) and the options
    that it names as parameters.

    Raises:
        NetworkError: No such file or function, it fails, or what it returns is no nn.Module.
    """
    file, name = find_file(model), model.rpartition(":")[2]
    function = _function(file, name)
    offered = {"in_channels": in_channels, "classes": classes, "size": size, **options}
    try:
        taken = _arguments(function, offered, options)
        network = function(**taken)
    except NetworkError:
        raise
    except (Exception, SystemExit) as error:
        raise NetworkError(f"{printable(model)} failed: {_where(error, file)}") from error
    if not isinstance(network, nn.Module):
        raise NetworkError(
            f"{printable(model)} returns {type(network).__name__}, "
            "but must return a torch.nn.Module"
        )
    return network


def find_file(model: str) -> Path:
    """Return the file in `file.py:function`.

    Raises:
        NetworkError: There is no such file.
    """
    file = Path(model.rpartition(":")[0])
    try:
        file = file.expanduser()
        there = file.is_file()
    except (OSError, RuntimeError, ValueError):  # a name that no file can have; `~nobody`
        there = False
    if not there:
        raise NetworkError(f"there is no file {printable(file)}")
    return file


def _arguments(
    function: Callable[..., Any], offered: dict[str, Any], options: dict[str, Any]
) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return offered
    if unknown := [name for name in options if name not in parameters]:
        raise NetworkError(
            f"{unknown[0]!r} is no field of the recipe, and the network's function takes "
            + (", ".join(parameters) or "nothing")
        )
    return {name: value for name, value in offered.items() if name in parameters}


def _function(file: Path, name: str) -> Callable[..., Any]:
    unique = f"striate_code_{abs(hash(file.resolve()))}"
    spec = importlib.util.spec_from_file_location(unique, file)
    if spec is None or spec.loader is None:
        raise NetworkError(f"{printable(file)} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module  # dataclasses and pickling look a class's module up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[unique]
        raise NetworkError(
            f"{printable(file)} cannot be imported: {_where(error, file)}"
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value)]
        near = difflib.get_close_matches(name, known, n=3)
        advice = f"; did you mean {' or '.join(near)}?" if near else ""
        raise NetworkError(f"{printable(file)} has no function {name!r}{advice}")
    return function


def _where(error: BaseException, file: Path) -> str:
    """Say what was raised, and at which line of the user's file."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    said = (text.strip().splitlines() or [""])[0]
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == file.name
    ]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    place = f" (line {line})" if line else ""
    return printable(f"{type(error).__name__}: {said}{place}")
