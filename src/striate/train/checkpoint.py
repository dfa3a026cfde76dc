"""Checkpoints: all that the next step reads, so that a run goes on as if never stopped."""

import copy
from collections.abc import Mapping
from typing import Any

import torch

from striate._errors import RunError
from striate.train.log import TrainingLog
from striate.train.loop import Trainer
from striate.train.state import load_state, network_state

__all__ = ["CHECKPOINT_FORMAT", "differences", "pack", "surroundings", "unpack"]

CHECKPOINT_FORMAT = 1
EXACT = ("torch", "device", "capability", "precision", "threads")


def surroundings(device: torch.device, precision: str) -> dict[str, Any]:
    """Return what decides the last bit of a result besides seed and data."""
    return {
        "torch": str(torch.__version__),
        "device": device.type,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "precision": precision,
        "threads": torch.get_num_threads(),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return, in words, what differs between two `surroundings`.

    >>> differences({"threads": 2}, {"threads": 4})
    ['threads 2, now 4']
    """
    return [
        f"{name} {before.get(name)}, now {now.get(name)}"
        for name in EXACT
        if before.get(name) != now.get(name)
    ]


def pack(trainer: Trainer, *, fingerprint: str) -> dict[str, Any]:
    """Return a checkpoint of `trainer` between two steps: tensors, numbers, text, and no code."""
    average, statistics = trainer.average, trainer.statistics
    return {
        "format": CHECKPOINT_FORMAT,
        "fingerprint": fingerprint,
        "recipe": trainer.recipe.to_toml(),
        "surroundings": surroundings(trainer.device, trainer.recipe.precision),
        "network": network_state(trainer.network),
        "optimizer": trainer.optimizer.state_dict(),
        "average": network_state(average.network) if average is not None else None,
        "statistics": statistics.state_dict() if statistics is not None else None,
        "marked": trainer.marked,
        "best": trainer.best.to_state(),
        "log": trainer.log.to_state(),
        "clock": trainer.clock.to_state(),
    }


def unpack(state: Mapping[str, Any], trainer: Trainer) -> None:
    """Put `trainer`, freshly made for the same run, where the checkpoint was taken.

    Raises:
        RunError: The checkpoint is of another recipe, network or version, or is damaged.
    """
    if state.get("format") != CHECKPOINT_FORMAT:
        raise RunError(
            f"the checkpoint has format {state.get('format')!r}, "
            f"but this version reads {CHECKPOINT_FORMAT}"
        )
    if state.get("recipe") != trainer.recipe.to_toml():
        raise RunError("the checkpoint is of another recipe than recipe.toml; restore that file")
    try:
        load_state(trainer.network, state["network"])
        # An optimiser goes on in the tensors it is given; those of the caller stay as they are.
        trainer.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        if trainer.average is not None:
            load_state(trainer.average.network, state["average"])
        if trainer.statistics is not None:
            trainer.statistics.load_state_dict(state["statistics"])
        _set(trainer, {"marked": trainer.marked}, {"marked": state["marked"]})
        _set(trainer.best, trainer.best.to_state(), state["best"])
        _set(trainer.clock, trainer.clock.to_state(), state["clock"])
        trainer.log = TrainingLog.from_state(state["log"])
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        said = " ".join(str(error).split())  # torch lists every tensor, a line each
        raise RunError(f"the checkpoint does not fit this run ({said[:200]})") from error


def _set(target: object, fresh: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Set the fields of `fresh` to `values`, of the same names and types."""
    if fresh.keys() != values.keys():
        raise ValueError(f"it has {', '.join(values)}, not {', '.join(fresh)}")
    for name, value in values.items():
        if type(value) is not type(fresh[name]):
            raise TypeError(f"{name} is {value!r}")
        setattr(target, name, value)
