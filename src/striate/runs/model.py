"""MODEL: a path, code of the user's, or a zoo name, turned into a network that is ready to use."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from striate import zoo
from striate._errors import NetworkError, RunError
from striate.data import Preprocessing
from striate.files import printable
from striate.runs.code import build_from_code, names_code
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

    def build(self, *, in_channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
        """Return the network; its weights come from torch's global random state.

        Raises:
            NetworkError: An unknown name or option, or code that fails.
            ShapeError: Images of `size` are too small for it.
        """
        if self.code:
            return build_from_code(
                self.name, in_channels=in_channels, classes=classes, size=size,
                options=self.options,
            )  # fmt: skip
        if Path(self.name).exists():
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
    folder = Path(model)
    if not folder.exists():
        if names_code(str(model)) or str(model) in zoo.CARDS:
            raise NetworkError(
                f"{printable(str(model))} has no trained weights; name a run folder "
                "that `striate train` made"
            )
        known = f"there is no run folder {printable(str(model))}"
        raise RunError(f"{known}, and no network of that name")
    if folder.name == "model.safetensors" and folder.is_file():
        folder = folder.parent
    if not folder.is_dir() or not (is_run(folder) or (folder / "model.safetensors").is_file()):
        raise RunError(f"{printable(folder)} is no run folder of striate")
    path = folder / "model.safetensors"
    if not path.exists():
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
    if code is None:
        raise RunError(
            f"{printable(folder)} needs code, {printable(card.name)}, which is not run unasked; "
            f"if you trust it: --code {printable(card.name)}"
        )
    if not names_code(code):
        raise NetworkError(f"code is {code!r}, but must be file.py:function")
    return NetworkSpec(name=code, options=card.options)
