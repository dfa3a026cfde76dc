"""Precision of arithmetic: what the processor is fast at, decided by a measurement."""

import copy
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["autocast", "bfloat16_is_native", "choose_precision"]

ADVANTAGE = 1.1  # bfloat16 must be so many times as fast, or float32 is kept


def bfloat16_is_native(device: torch.device) -> bool:
    """Return whether `device` multiplies bfloat16 numbers in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return bool(
        torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


@contextmanager
def autocast(device: torch.device, precision: str) -> Generator[None, None, None]:
    """Run the block in bfloat16 where that is safe, if `precision` is `bfloat16`."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        yield


def choose_precision(
    network: nn.Module, images: Tensor, loss: Callable[[Any], Tensor], *, repeats: int = 3
) -> dict[str, Any]:
    """Return the faster precision for training `network` on batches like `images`.

    Forward and backward are timed on a copy of the network, so nothing of the network changes.
    bfloat16 is tried only where the processor has it, and chosen only when it is at least 1.1
    times as fast: on small strided networks it often is not.

    Args:
        network: Network on the device of `images`.
        images: Normalised batch.
        loss: Turns the network's outputs into a scalar.
        repeats: Timed steps of each precision, after one that warms up; the quickest counts.

    Returns:
        `precision` and `why`; with a measurement also seconds a step of each.
    """
    if not bfloat16_is_native(images.device):
        return {"precision": "float32", "why": "no bfloat16 arithmetic in this processor"}
    if any(p.is_complex() for p in network.parameters()):
        return {"precision": "float32", "why": "the network has complex weights"}
    try:
        trial = copy.deepcopy(network).train()
    except (TypeError, RuntimeError) as error:
        said = f"the network cannot be copied to be measured ({error})"
        return {"precision": "float32", "why": said}
    devices = [images.device] if images.device.type == "cuda" else []
    seconds: dict[str, float] = {}
    with torch.random.fork_rng(devices=devices):  # dropout draws from it
        seconds["float32"] = _seconds_a_step(trial, images, loss, "float32", repeats)
        try:
            seconds["bfloat16"] = _seconds_a_step(trial, images, loss, "bfloat16", repeats)
        except (RuntimeError, TypeError) as error:  # an operation that bfloat16 has not
            return {"precision": "float32", "why": f"the network fails in bfloat16 ({error})"}
    ratio = seconds["float32"] / seconds["bfloat16"]
    return {
        "precision": "bfloat16" if ratio >= ADVANTAGE else "float32",
        "why": f"bfloat16 measured {ratio:.2f} times as fast as float32",
        "float32_seconds": seconds["float32"],
        "bfloat16_seconds": seconds["bfloat16"],
    }


def _seconds_a_step(
    network: nn.Module,
    images: Tensor,
    loss: Callable[[Any], Tensor],
    precision: str,
    repeats: int,
) -> float:
    """Return the least time of one forward and backward pass."""
    weights = [p for p in network.parameters() if p.requires_grad]
    times: list[float] = []
    for _ in range(1 + repeats):
        started = time.perf_counter()
        with autocast(images.device, precision):
            outputs = network(images)
        torch.autograd.grad(loss(outputs), weights, allow_unused=True)
        if images.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times[1:])  # whatever else the machine does only adds time
