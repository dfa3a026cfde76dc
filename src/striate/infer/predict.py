"""Scores of many images, batch by batch."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from striate._events import Moved, Progress, silent
from striate.data import Preprocessing
from striate.infer.blame import blamed
from striate.infer.outputs import scores_of
from striate.infer.precision import autocast

__all__ = ["evaluating", "kept_modes", "predict_scores", "run_batches"]


@contextmanager
def kept_modes(network: nn.Module) -> Generator[None, None, None]:
    """Give every module of `network` back in the mode, training or evaluation, it had on entry."""
    modes = [(module, module.training) for module in network.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluating(network: nn.Module) -> Generator[None, None, None]:
    """Put `network` into evaluation mode; every module's mode is as before on exit."""
    with kept_modes(network):
        network.eval()
        yield


def run_batches(
    network: nn.Module,
    images: UInt8[Tensor, "n c h w"],
    preprocessing: Preprocessing,
    *,
    precision: str = "float32",
    batch_size: int = 500,
) -> Generator[tuple[slice, Any], None, None]:
    """Yield the place of each batch and the network's outputs for it, without gradients.

    The network is in evaluation mode until the generator ends or is closed; one that may be left
    before its end belongs in `contextlib.closing`. A batch holds at most about 16 million input
    values, so that large photos do not fill the memory.
    """
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    values = max(1, images.shape[1:].numel())
    batch_size = max(1, min(batch_size, 16_000_000 // values))
    with evaluating(network):
        for start in range(0, len(images), batch_size):
            place = slice(start, min(start + batch_size, len(images)))
            # The settings hold for the forward pass only: the caller's own code runs in between.
            with torch.inference_mode(), autocast(device, precision):
                batch = preprocessing.normalize(images[place], device=device)
                with blamed("the network failed"):
                    outputs = network(batch)
            yield place, outputs


def predict_scores(
    network: nn.Module,
    images: UInt8[Tensor, "n c h w"],
    preprocessing: Preprocessing,
    *,
    classes: int,
    precision: str = "float32",
    batch_size: int = 500,
    progress: Progress = silent,
    task: str = "predict",
) -> Float[Tensor, "n k"]:
    """Return the scores of every image, float32 on the CPU; `k` is 1 for a binary network.

    Raises:
        NetworkError: The outputs do not fit `classes`.
    """
    parts: list[Tensor] = []
    total = len(images)
    batches = run_batches(
        network, images, preprocessing, precision=precision, batch_size=batch_size
    )
    with closing(batches):
        for place, outputs in batches:
            progress(Moved(task=task, done=place.start, total=total, unit="images"))
            with torch.inference_mode():
                parts.append(scores_of(network, outputs, classes).float().cpu())
    progress(Moved(task=task, done=total, total=total, unit="images"))
    return torch.cat(parts) if parts else torch.zeros(0, classes)
