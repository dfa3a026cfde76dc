"""Weights as safetensors: written without dates, read without running code or trusting sizes."""

import json
import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from striate._errors import DataError, WeightsError
from striate.data import Preprocessing
from striate.files import printable, write_bytes
from striate.runs.code import names_code
from striate.runs.quoting import quoted

__all__ = ["WeightsCard", "load_weights", "read_card", "save_weights"]


@dataclass(frozen=True, kw_only=True)
class WeightsCard:
    """What travels with weights: the network they are of and what it reads.

    Attributes:
        name: Zoo name, or `file.py:function` as the user named it.
        code: Whether `name` names code of the user's.
        options: Options of the zoo's builder besides in_channels, classes and size.
        classes: Class names in the order of the scores.
        preprocessing: How a file becomes the network's input.
        kept: `ema`, `best` or `last`.
    """

    name: str
    code: bool
    options: dict[str, Any]
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    kept: str

    def to_json(self) -> str:
        """Return the card as JSON with sorted keys."""
        card = {
            "architecture": {"name": self.name, "code": self.code, "options": self.options},
            "classes": list(self.classes),
            "preprocessing": self.preprocessing.to_json(),
            "weights": self.kept,
        }
        return json.dumps(card, sort_keys=True)


def save_weights(path: Path, network: nn.Module, card: WeightsCard) -> None:
    """Write the weights and buffers of `network`; equal weights give equal bytes."""
    tensors = {
        # A tensor shared by two names is written twice: the format has no aliases.
        name: value.detach().cpu().contiguous().clone()
        for name, value in network.state_dict().items()
    }
    write_bytes(path, safetensors.torch.save(tensors, {"striate": card.to_json()}))


def read_card(path: Path) -> WeightsCard:
    """Return the card in a weights file.

    Raises:
        WeightsError: It is no safetensors file, or has no card of ours, or a damaged one.
    """
    with _opened(path) as file:
        metadata = file.metadata() or {}
    if "striate" not in metadata:
        raise WeightsError(f"{printable(path)} does not say what network it is of")
    try:
        card = json.loads(metadata["striate"])
        architecture, classes = card["architecture"], tuple(str(c) for c in card["classes"])
        name = str(architecture["name"])
        return WeightsCard(
            name=name,
            # The name decides: a file that says otherwise must not have its code imported.
            code=bool(architecture["code"]) or names_code(name),
            options=dict(architecture["options"]),
            classes=classes,
            preprocessing=Preprocessing.from_json(card["preprocessing"]),
            kept=str(card["weights"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError, DataError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else error
        raise WeightsError(f"the card in {printable(path)} is damaged ({said})") from error


def load_weights(path: Path, network: nn.Module) -> None:
    """Load the file's weights into `network`, whose every tensor must be there in its shape.

    Names and shapes are compared in the file's header before a tensor is read.

    Raises:
        WeightsError: It is no safetensors file, or of another architecture.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    with _opened(path) as file:
        found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
        if found != wanted:
            raise WeightsError(
                f"{printable(path)} is of another network: {_difference(wanted, found)}"
            )
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in found}
    network.load_state_dict(tensors)


@contextmanager
def _opened(path: Path) -> Generator[Any, None, None]:
    with ExitStack() as stack:
        try:
            name = str(path)
            if quoted(name) != name:  # the library takes UTF-8 only, but a path is any bytes
                handle = os.open(path, os.O_RDONLY)
                stack.callback(os.close, handle)
                name = f"/dev/fd/{handle}"
            file = safetensors.safe_open(name, framework="pt")
        except FileNotFoundError:
            raise WeightsError(f"there is no weights file {printable(path)}") from None
        except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise WeightsError(f"{printable(path)} is no safetensors file ({error})") from error
        yield stack.enter_context(file)


def _difference(wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]) -> str:
    """Say the first thing that differs between what a network needs and what a file has."""
    for name, shape in wanted.items():
        if name not in found:
            return f"{name} is missing"
        if found[name] != shape:
            return f"{name} has shape {found[name]}, but the network needs {shape}"
    return f"it has {min(found.keys() - wanted.keys())}, which the network has not"
