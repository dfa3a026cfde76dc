"""Peak memory of the process."""

import sys

import torch

__all__ = ["peak_memory"]


def peak_memory(device: torch.device) -> float | None:
    """Return the most memory held so far, in MiB: of the GPU, or of the process on the CPU.

    None where the system does not say (Windows).
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
