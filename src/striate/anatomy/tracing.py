"""A layer inside a network, taken apart as `ops.trace` does: with what reaches it there."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from striate._errors import NetworkError, ShapeError
from striate.anatomy.call_operations import operation_of_call
from striate.anatomy.calls import Call, calls
from striate.anatomy.hooks import fed, hooked, preserved
from striate.anatomy.selection import Selection, select
from striate.ops import Convolution, OutputTrace, Pooling, operation_of, trace_output
from striate.ops.trace_binding import bind
from striate.ops.trace_maps import output_map

__all__ = ["LayerCall", "layer_call", "trace_layer"]

_CLOSE = {torch.float16: 1e-2, torch.bfloat16: 5e-2}  # share of the largest output; else 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerCall:
    """One call of a layer: what it does, what it read, what it put out.

    Attributes:
        name: The layer's name in the network.
        operation: As `ops.trace_output` and `ops.trace_input` take it.
        images: What reached the layer; a copy.
        outputs: What it put out; a copy.
    """

    name: str
    operation: Convolution | Pooling
    images: Float[Tensor, "..."]
    outputs: Float[Tensor, "..."]

    @property
    def axes(self) -> int:
        """Axes of its maps."""
        return self.images.ndim - 2


def trace_layer(
    network: nn.Module,
    layer: str | nn.Module,
    images: Shaped[Tensor, "n ..."],
    at: int | Sequence[int],
    *,
    channel: int = 0,
    image: int = 0,
    call: int = 0,
) -> OutputTrace:
    """Return how one output cell of a layer inside a network comes about.

    The network runs once, in evaluation mode, and comes back as it was.

    Args:
        network: Any network.
        layer: A convolution or pooling of it: the module, its name, or the name of a functional
            call, as `calls` gives it.
        images: What the network takes.
        at: Place of the output cell in the layer's own map, counted from 0.
        channel: Output channel of the layer.
        image: Which image of the batch.
        call: Which call, counted from 0, of a layer that is called several times.

    Raises:
        NetworkError: The layer is not there, is called less often, or is nothing to be traced.
        ShapeError: The cell is outside the layer's map.

    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
    >>> trace_layer(net, "2", torch.rand(1, 1, 6, 6), (1, 0)).positions
    ((2, 3), (0, 1))
    """
    seen = layer_call(network, layer, images, call=call)
    return trace_output(seen.images, seen.operation, at, channel=channel, image=image)


def layer_call(
    network: nn.Module,
    layer: str | nn.Module,
    images: Shaped[Tensor, "n ..."],
    *,
    call: int = 0,
) -> LayerCall:
    """Return what a layer does inside a network, with what reaches it there.

    What the layer is said to do is checked against what it put out, so a class of the user's that
    changes its weights or its input on the way is either traced as it really computes, by the
    function that it calls, or refused.

    Args and raises: as in `trace_layer`.

    >>> net = nn.Sequential(nn.ReLU(), nn.AvgPool2d(2))
    >>> seen = layer_call(net, "1", torch.tensor([[[[-4.0, 2.0], [2.0, 4.0]]]]))
    >>> seen.operation.kind, seen.images.tolist(), seen.outputs.tolist()
    ('average pooling', [[[[0.0, 2.0], [2.0, 4.0]]]], [[[[2.0]]]])
    """
    chosen = select(network, layer)
    names = [*chosen.modules, *chosen.calls, *chosen.kinds]
    if len(names) != 1 or chosen.kinds:
        raise NetworkError(f"{layer!r} means {', '.join(names)}; name one layer to trace")
    found = _run(network, chosen, names[0], images)
    if not 0 <= call < found.count:
        times = "once" if found.count == 1 else f"{found.count} times"
        raise NetworkError(
            f"layer {names[0]!r} is called {times if found.count else 'never'} for these images, "
            f"so there is no call {call}, counted from 0"
        )
    module = chosen.modules.get(names[0])
    candidates = _of_calls(found, call) if module is None else _of_module(module, found, call)
    for operation, read, put in candidates:
        if _agrees(operation, read, put):
            return LayerCall(name=names[0], operation=operation, images=read, outputs=put)
    if module is not None and not candidates:
        operation_of(module)  # says what it is, and what could be traced
    raise NetworkError(
        f"layer {names[0]!r} puts out something else than the "
        f"{candidates[0][0].kind if candidates else 'function'} that it looks like, so a trace "
        "of it would not be true; name a layer inside it"
    )


class _Found:
    """What went through a layer: (inputs, output) of the module, and functional calls."""

    def __init__(self) -> None:
        self.inputs: list[Tensor | None] = []
        self.outputs: list[Tensor | None] = []
        self.calls: list[tuple[Call, Tensor, Tensor]] = []
        self.within: list[int] = []  # for each of `calls`, which call of the module it is in

    @property
    def count(self) -> int:
        return len(self.outputs) if self.inputs else len(self.calls)


_Candidate = tuple[Convolution | Pooling, Tensor, Tensor]


def _run(network: nn.Module, chosen: Selection, name: str, images: Tensor) -> _Found:
    """Run the network once and return what went through the layer `name`."""
    found = _Found()

    def before(_name: str, _module: nn.Module, inputs: tuple[Any, ...]) -> None:
        found.inputs.append(_copy(inputs[0] if inputs else None))

    def after(_name: str, _module: nn.Module, output: Any) -> None:
        found.outputs.append(_copy(output[0] if isinstance(output, tuple) else output))

    def see(call: Call) -> None:
        if call.name == name or (chosen.modules and call.module == name):
            read = call.argument(0, "input")
            if isinstance(read, Tensor):
                found.calls.append((call, read.detach().clone(), call.output.detach().clone()))
                found.within.append(len(found.inputs) - 1)

    with ExitStack() as stack:
        for part in (preserved(network), torch.no_grad(), calls(network, see)):
            stack.enter_context(part)
        stack.enter_context(fed(chosen.modules, before))
        stack.enter_context(hooked(chosen.modules, after))
        network(images.clone())  # a layer in place would write to the caller's images
    return found


def _copy(value: Any) -> Tensor | None:
    return value.detach().clone() if isinstance(value, Tensor) else None


def _of_module(module: nn.Module, found: _Found, call: int) -> list[_Candidate]:
    """Return what a module does: by its attributes, and by the one function that it calls."""
    read, put = found.inputs[call], found.outputs[call]
    if read is None or put is None:
        return []
    inside = [entry for entry, at in zip(found.calls, found.within, strict=True) if at == call]
    same = [entry for entry in inside if entry[2].equal(put)]  # nothing comes after the function
    operations = [(operation_of_call(entry[0]), *entry[1:]) for entry in same[-1:]]
    with suppress(NetworkError):  # its own function may say it
        operations.insert(0, (operation_of(module), read, put))
    return [(op, read, put) for op, read, put in operations if op is not None]


def _of_calls(found: _Found, call: int) -> list[_Candidate]:
    """Return what a functional call does."""
    entry, read, put = found.calls[call]
    operation = operation_of_call(entry)
    return [] if operation is None else [(operation, read, put)]


def _agrees(operation: Convolution | Pooling, read: Tensor, put: Tensor) -> bool:
    """Whether the operation makes of `read` what the network did, by the first channel."""
    try:
        bound = bind(read, operation, read.ndim - 2)
        expected = output_map(bound, 0)
    except ShapeError:
        return False
    got = put[0, 0].double().cpu()
    if got.numel() != expected.numel() or (got.shape != expected.shape and got.ndim):
        return False
    got = got.view(expected.shape)
    largest = float(expected.abs().nan_to_num(posinf=0).max())
    close = _CLOSE.get(put.dtype, 1e-3) * max(largest, 1e-30)
    return torch.allclose(got, expected, rtol=1e-3, atol=close, equal_nan=True)
