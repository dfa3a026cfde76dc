"""The one place in the package that hangs hooks on a network, and what is kept around a look."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["hooked", "preserved"]

Before = Callable[[str, nn.Module], None]
After = Callable[[str, nn.Module, Any], Any]


@contextmanager
def hooked(
    modules: Mapping[str, nn.Module], after: After, *, before: Before | None = None
) -> Generator[None, None, None]:
    """Call `before(name, module)` and `after(name, module, output)` around every forward.

    What `after` returns takes the place of the output; None leaves the output. Every hook is gone
    when the block ends, also by an error.
    """
    handles: list[Any] = []

    def enter(name: str, module: nn.Module, _inputs: Any) -> None:
        if before is not None:
            before(name, module)

    def leave(name: str, module: nn.Module, _inputs: Any, output: Any) -> Any:
        return after(name, module, output)

    try:
        for name, module in modules.items():
            if before is not None:
                handles.append(module.register_forward_pre_hook(partial(enter, name)))
            handles.append(module.register_forward_hook(partial(leave, name)))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def preserved(network: nn.Module) -> Generator[None, None, None]:
    """Put `network` into evaluation mode; on exit all is as before, also after an error.

    Kept: every module's mode, the buffers (those that are replaced and those that are written to),
    torch's random state on the CPU and on the network's devices, and grad mode.
    """
    modes = [(module, module.training) for module in network.modules()]
    buffers = [
        (module, name, buffer, buffer.detach().clone(), buffer._version)
        for module in network.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None and not buffer.is_inference()
    ]
    gradients = torch.is_grad_enabled()
    devices = {t.device for t in [*network.parameters(), *network.buffers()] if t.is_cuda}
    with torch.random.fork_rng(devices=[d.index for d in devices]):
        try:
            network.eval()
            yield
        finally:
            for module, training in modes:
                module.training = training
            for module, name, buffer, values, version in buffers:
                module._buffers[name] = buffer
                if buffer._version != version:
                    _write_back(buffer, values)
            torch.set_grad_enabled(gradients)


def _write_back(buffer: Tensor, values: Tensor) -> None:
    with torch.no_grad():
        buffer.copy_(values)
