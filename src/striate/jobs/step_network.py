"""A layer of a network that a user names, with what reaches it for one image."""

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from striate import zoo
from striate._errors import NetworkError
from striate.anatomy import LayerCall, layer_call
from striate.data import Preprocessing
from striate.data.decoding import decode, read_image
from striate.infer import blamed
from striate.jobs.step_images import example_board
from striate.ops import operation_of
from striate.runs import NetworkSpec, open_network
from striate.runs.code import names_code

__all__ = ["called_layer"]

_SIDE, _CHANNELS, _CLASSES = 224, 3, 10  # of code that says nothing of itself


def called_layer(
    model: str,
    layer: str | None,
    image: str | os.PathLike[str] | None = None,
    *,
    size: int | None = None,
    code: str | None = None,
) -> tuple[LayerCall, str]:
    """Return what a layer of `model` does to an image, and what was opened, in a line.

    Args:
        model: A run folder; or a zoo name or `file.py:function`, with fresh weights of seed 0.
        layer: Its name in the network; None says which there are.
        image: An image file, prepared as the run's own were, or, where there is no run, scaled to
            0..1. None is an example.
        size: Height and width of the image, where there is no run. Default: the card's, or 224.
        code: The run's own `file.py:function`.

    Raises:
        StriateError: No such model, layer or image, or the network fails.
    """
    if _is_run(model):
        opened = open_network(model, code=code)
        network, images = opened.network, _prepared(image, opened.card.preprocessing)
        what = "trained weights"
    else:
        if code is not None:
            raise NetworkError("--code goes with a run folder; name the code itself as the model")
        network, images = _fresh(model, image, size)
        what = "fresh weights"
    if layer is None:
        raise NetworkError(f"name a layer to step through: {_layers(network)}")
    with blamed("the network failed"):
        call = layer_call(network, layer, images)
    shape = " x ".join(map(str, call.images.shape[1:]))
    return call, f"layer {call.name} of {model} ({what}), which reads {shape}"


def _is_run(model: str) -> bool:
    if names_code(model):
        return False
    try:
        return Path(model).exists() or model not in zoo.CARDS
    except (OSError, ValueError):  # a name that no file can have
        return True  # open_network says that there is no such run


def _prepared(image: str | os.PathLike[str] | None, preprocessing: Preprocessing) -> Tensor:
    if image is None:
        size = (preprocessing.channels, preprocessing.height, preprocessing.width)
        return preprocessing.normalize(_example(*size)[None])
    return preprocessing.normalize(read_image(image, preprocessing)[None])


def _fresh(
    model: str, image: str | os.PathLike[str] | None, size: int | None
) -> tuple[nn.Module, Tensor]:
    """Return a network with fresh weights, the same each time, and an image for it."""
    card: Any = zoo.CARDS.get(model)
    side = size if size is not None else _SIDE if card is None else card.side
    channels = _CHANNELS if card is None else card.in_channels
    classes = _CLASSES if card is None else card.classes
    if side < 1:
        raise NetworkError(f"size is {side}; it must be at least 1")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = NetworkSpec(name=model).build(
            in_channels=channels, classes=classes, size=(side, side)
        )
    pixels = (
        _example(channels, side, side)
        if image is None
        else decode(image, channels=channels, height=side, width=side)
    )
    return network.eval(), pixels[None].float() / 255


def _example(channels: int, height: int, width: int) -> Tensor:
    """Return the example board as an image of 0 to 255."""
    board = example_board(7) * (255 / 9)
    rows = torch.arange(height) * 7 // height
    columns = torch.arange(width) * 7 // width
    return board[rows][:, columns].to(torch.uint8).expand(channels, -1, -1).contiguous()


def _layers(network: nn.Module) -> str:
    """Return the names of the layers that can be traced."""
    names: list[str] = []
    for name, module in network.named_modules():
        try:
            operation_of(module)
        except NetworkError:
            continue
        names.append(name)
    shown = ", ".join(f"--layer {name}" for name in names[:6])
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{shown}{more}" if names else "it has no convolution and no pooling"
