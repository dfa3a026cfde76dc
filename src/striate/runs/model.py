"""MODEL: a path, code of the user's, or a zoo name, turned into a network that is ready to use."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from striate import zoo
from striate._errors import NetworkError, RunError
from striate.files import printable
from striate.runs.code import build_from_code, find_file, names_code
from striate.runs.lazy import shaped
from striate.runs.run import is_run
from striate.runs.weights import WeightsCard, load_weights, read_card

__all__ = ["NetworkSpec", "OpenNetwork", "open_network"]


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """How to build a network with fresh weights.

    Attributes:
        name: Zoo name, or `file.py:function`.
        options: What its builder takes besides in_channels, classes and size.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> bool:
        """Whether the name is code of the user's."""
        return names_code(self.name)

    def check(self) -> None:
        """Raise NetworkError if there is no such network; nothing is built or imported."""
        if self.code:
            find_file(self.name)
        elif self.name not in zoo.CARDS:
            self.build(in_channels=1, classes=2, size=(28, 28))  # raises, with the nearest names

    def build(self, *, in_channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
        """Return the network; its weights come from torch's global random state.

        Raises:
            NetworkError: An unknown name or option, or code that fails.
            ShapeError: Images of `size` are too small for it.
        """
        for given in ("name", "in_channels", "classes", "size"):
            if given in self.options:
                raise NetworkError(f"{given} is no option of a network; it comes from the data")
        if self.code:
            network = build_from_code(
                self.name, in_channels=in_channels, classes=classes, size=size,
                options=self.options,
            )  # fmt: skip
            return shaped(network, in_channels, size)
        if self.name and _exists(Path(self.name)):
            raise NetworkError(
                f"{printable(self.name)} is a path, but a network to train is a zoo name "
                "or file.py:function"
            )
        return zoo.build(
            self.name, in_channels=in_channels, classes=classes, size=size, **self.options
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenNetwork:
    """A trained network with what it reads and answers.

    Attributes:
        network: In evaluation mode, on its device.
        card: Classes, preprocessing and architecture, as in the weights file.
        folder: The run it comes from.
    """

    network: nn.Module
    card: WeightsCard
    folder: Path


def open_network(
    model: str | Path, *, code: str | None = None, device: torch.device | str = "cpu"
) -> OpenNetwork:
    """Return the trained network in the run folder `model`.

    Code is never imported because a folder names it: if the run's network is the user's code, it
    must be named again in `code`.

    Raises:
        RunError: No run folder, or one that names code that `code` does not.
        WeightsError: The weights are damaged, no safetensors, or of another architecture.
        NetworkError: The model is a name without trained weights, or the code fails.
    """
    if not str(model):
        raise RunError("the name of the model is empty; name a run that `striate train` made")
    folder = Path(model)
    if not _exists(folder):
        if names_code(str(model)) or str(model) in zoo.CARDS:
            raise NetworkError(
                f"{printable(str(model))} has no trained weights; name a run folder "
                "that `striate train` made"
            )
        raise RunError(
            f"there is no run folder {printable(str(model))}; name one that `striate train` made"
        )
    if folder.name == "model.safetensors" and folder.is_file():
        folder = folder.parent
    if not folder.is_dir() or not (is_run(folder) or (folder / "model.safetensors").is_file()):
        raise RunError(f"{printable(folder)} is no run folder of striate")
    path = folder / "model.safetensors"
    if not _exists(path):
        raise RunError(
            f"{printable(folder)} has no weights yet; finish it: "
            f"striate train --resume {printable(folder)}"
        )
    card = read_card(path)
    network = _spec(card, code, folder).build(
        in_channels=card.preprocessing.channels,
        classes=len(card.classes),
        size=(card.preprocessing.height, card.preprocessing.width),
    )
    load_weights(path, network)
    return OpenNetwork(network=network.to(device).eval(), card=card, folder=folder)


def _spec(card: WeightsCard, code: str | None, folder: Path) -> NetworkSpec:
    """Return how to build the card's network; refuse code that was not named again."""
    if not card.code:
        if code is not None:
            raise RunError(f"{printable(folder)} is of the network {card.name}, and needs no code")
        return NetworkSpec(name=card.name, options=card.options)
    return NetworkSpec(name=trusted(code, card.name, folder), options=card.options)


def trusted(code: str | None, name: str, folder: Path) -> str:
    """Return `code` if it names code; the run in `folder` is of the code `name`.

    Raises:
        RunError: No code is given, and that which a folder names is not imported unasked.
        NetworkError: `code` has not the form `file.py:function`.
    """
    if code is None and not names_code(name):
        raise RunError(
            f"{printable(folder)} is of a {printable(name)} that was built in Python; "
            "name code that builds it: --code file.py:function"
        )
    if code is None:
        raise RunError(
            f"{printable(folder)} needs code, {printable(name)}, which is not run unasked; "
            f"if you trust it: --code {printable(name)}"
        )
    if not names_code(code):
        raise NetworkError(f"code is {printable(code)!r}, but must be file.py:function")
    return code


def _exists(path: Path) -> bool:
    """Return whether `path` is there; a name that no file can have is not."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, a zero byte, or a folder above it is closed
        return False
