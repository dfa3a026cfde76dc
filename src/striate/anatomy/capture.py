"""What passes through chosen layers, copied at the moment it passes."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from striate._errors import NetworkError
from striate.anatomy.calls import Call, calls
from striate.anatomy.hooks import hooked
from striate.anatomy.selection import Layer, Selection, select

__all__ = ["Captured", "capture"]


class Captured:
    """The outputs of layers, by name; each name has one output a call, in order.

    Names are those of `named_modules` for modules and of `Call` for functional calls. `order`
    holds the name of every output seen, in the order of the calls.
    """

    def __init__(self, network: nn.Module) -> None:
        self.order: list[str] = []
        self._network = network
        self._outputs: dict[str, list[Any]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)

    def __contains__(self, layer: object) -> bool:
        return isinstance(layer, str | nn.Module) and self._name(layer) in self._outputs

    def __getitem__(self, layer: str | nn.Module) -> list[Any]:
        """Return the outputs of one layer, in the order of its calls.

        Raises:
            NetworkError: The layer was not captured, or its forward was not called.
        """
        name = self._name(layer)
        if name not in self._outputs:
            seen = ", ".join(self._outputs) or "none was"
            raise NetworkError(f"layer {name!r} was not called while capturing; called: {seen}")
        return self._outputs[name]

    def _name(self, layer: str | nn.Module) -> str:
        """Return the name under which a module is kept: a shared one has several."""
        if isinstance(layer, str):
            modules = dict(self._network.named_modules(remove_duplicate=False))
            if layer not in modules:
                return layer
            layer = modules[layer]
        names = (name for name, module in self._network.named_modules() if module is layer)
        return next(names, type(layer).__name__)

    def _add(self, name: str, output: Any) -> None:
        self.order.append(name)
        self._outputs.setdefault(name, []).append(output)


@contextmanager
def capture(
    network: nn.Module, layers: Layer | Iterable[Layer], *, gradients: bool = False
) -> Generator[Captured, None, None]:
    """Copy what the layers put out, in every forward pass of the block.

    A copy is made because a `ReLU(inplace=True)` behind a layer would overwrite what was seen.
    Several calls of a shared module are all kept, in order. On exit, also by an error, every
    hook is gone and grad mode is as before.

    Args:
        network: Network whose forward runs in the block.
        layers: One layer or several: modules, classes, names, patterns, kinds; see `select`.
        gradients: If True, the copies are in the autograd graph, between the layer and what
            follows it, so that `torch.autograd.grad(score, seen[layer])` works. Where nothing
            before the layer asks for a gradient, or grad mode is off, the graph starts at the
            layer and grad mode is on from there; what runs before it then keeps no memory.

    Raises:
        NetworkError: A layer is not in the network; the nearest names are given.

    >>> net = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU(inplace=True))
    >>> net[0].weight.data = torch.tensor([[1.0, -3.0]])
    >>> with capture(net, "0") as seen:
    ...     _ = net(torch.ones(1, 2))
    >>> seen["0"]
    [tensor([[-2.]])]
    """
    chosen = select(network, layers, others=True)
    captured = Captured(network)
    keep = _link if gradients else _copy
    was_on = torch.is_grad_enabled()

    def after(name: str, _module: nn.Module, output: Any) -> Any:
        leaves, form = _pytree.tree_flatten(output)
        pairs = [keep(leaf) for leaf in leaves]
        captured._add(name, _pytree.tree_unflatten([kept for kept, _ in pairs], form))
        return _pytree.tree_unflatten([on for _, on in pairs], form) if gradients else None

    def see(call: Call) -> Tensor | None:
        if not _wanted(chosen, call):
            return None
        kept, on = keep(call.output)
        captured._add(call.name, kept)
        return on if gradients else None

    try:
        with ExitStack() as stack:
            # Entered first, the hooks of `calls` run before those of the modules.
            if chosen.kinds or chosen.calls or chosen.patterns:
                stack.enter_context(calls(network, see, others=True))
            stack.enter_context(hooked(chosen.modules, after))
            yield captured
    finally:
        torch.set_grad_enabled(was_on)


def _wanted(chosen: Selection, call: Call) -> bool:
    if call.name in chosen.calls or any(p.fullmatch(call.name) for p in chosen.patterns):
        return True
    twice = call.name.partition("#")[0] == call.module and call.module in chosen.modules
    return call.kind in chosen.kinds and not twice


def _copy(value: Any) -> tuple[Any, Any]:
    """Return a copy to keep, and what goes on through the network."""
    return (value.detach().clone() if isinstance(value, Tensor) else value), value


def _link(value: Any) -> tuple[Any, Any]:
    """Return a tensor to keep and one that goes on, the second made from the first in the graph."""
    if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
        return _copy(value)
    torch.set_grad_enabled(True)
    kept = value.clone() if value.requires_grad else value.detach().clone().requires_grad_()
    return kept, kept.clone()
