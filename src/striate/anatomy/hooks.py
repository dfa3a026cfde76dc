"""The one place in the package that hangs hooks on a network, and what is kept around a look."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

__all__ = ["fed", "hooked", "preserved", "walked"]

After = Callable[[str, nn.Module, Any], Any]
Before = Callable[[str, nn.Module, tuple[Any, ...]], None]


@contextmanager
def hooked(modules: Mapping[str, nn.Module], after: After) -> Generator[None, None, None]:
    """Call `after(name, module, output)` at the end of each forward of `modules`.

    What `after` returns takes the place of the output; None leaves the output. Every hook is gone
    when the block ends, also by an error.
    """
    handles: list[Any] = []

    def leave(name: str, module: nn.Module, _inputs: Any, output: Any) -> Any:
        return after(name, module, output)

    try:
        for name, module in modules.items():
            handles.append(module.register_forward_hook(partial(leave, name)))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def fed(modules: Mapping[str, nn.Module], before: Before) -> Generator[None, None, None]:
    """Call `before(name, module, inputs)` at the beginning of each forward of `modules`.

    Every hook is gone when the block ends, also by an error.
    """
    handles: list[Any] = []

    def enter(name: str, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        before(name, module, inputs)

    try:
        for name, module in modules.items():
            handles.append(module.register_forward_pre_hook(partial(enter, name)))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def walked(
    network: nn.Module, after: After | None = None
) -> Generator[list[tuple[str, nn.Module]], None, None]:
    """Give the path from the network down to the module whose forward runs right now.

    Two hooks on all modules of the process are cheaper than two on each module of a network; they
    heed the modules of `network` in this thread alone, and go when the block ends. `after` is
    called as in `hooked`, but what it returns is left aside.
    """
    names = {id(module): name for name, module in network.named_modules()}
    path: list[tuple[str, nn.Module]] = []
    thread = get_ident()

    def enter(module: nn.Module, _inputs: Any) -> None:
        name = names.get(id(module))
        if name is not None and get_ident() == thread:
            path.append((name, module))

    def leave(module: nn.Module, _inputs: Any, output: Any) -> None:
        name = names.get(id(module))
        if name is not None and get_ident() == thread:
            path.pop()
            if after is not None and output is not None:
                after(name, module, output)

    handles = [register_module_forward_pre_hook(enter)]
    try:
        # Also called, with no output, where a forward raises: its parent may catch that.
        handles.append(register_module_forward_hook(leave, always_call=True))
        yield path
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
                if buffer._version != version or _differs(buffer, values):
                    _write_back(buffer, values)
            torch.set_grad_enabled(gradients)


def _differs(buffer: Tensor, values: Tensor) -> bool:
    """Whether the values changed: a batch norm in training writes its statistics uncounted."""
    return buffer.layout == torch.strided and not buffer.is_meta and not buffer.equal(values)


def _write_back(buffer: Tensor, values: Tensor) -> None:
    with torch.no_grad():
        buffer.copy_(values)
