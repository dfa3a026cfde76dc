"""What a run was made with: versions, processor, time."""

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import striate

__all__ = ["choose_device", "describe_environment", "now"]


def now() -> str:
    """Return the time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Return versions, processor and threads; nothing that names the machine or its user."""
    return {
        "striate": striate.__version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(device),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "device": device.type,
    }


def _processor(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def choose_device(name: str) -> torch.device:
    """Return the device called `name`; `auto` is CUDA, else Apple's MPS, else the CPU.

    Raises:
        RecipeError: There is no such device here.
    """
    from striate._errors import RecipeError

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    there = ["cpu"]
    there += ["cuda"] if torch.cuda.is_available() else []
    there += ["mps"] if torch.backends.mps.is_available() else []
    refusal = f"device is {name!r}, which is not there; there is auto, {', '.join(there)}"
    if name.partition(":")[0] not in there:  # torch knows many more, which no network runs on
        raise RecipeError(refusal)
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except RuntimeError as error:
        raise RecipeError(refusal) from error
    return device
