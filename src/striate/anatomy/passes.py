"""One forward pass, written down call by call: what each makes, keeps, multiplies and sees."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from striate._errors import NetworkError
from striate.anatomy.calls import Call, calls, name_of
from striate.anatomy.kinds import KINDS, kind_of, word_kind
from striate.anatomy.memory import LiveMemory, Operations, bytes_of, storage_of, tensors_in
from striate.anatomy.meta import on_cpu
from striate.anatomy.multiply_adds import multiply_adds
from striate.anatomy.receptive import ReceptiveFields
from striate.anatomy.seen import SeenAxis

__all__ = ["CalledRow", "ForwardPass"]


@dataclass(kw_only=True)
class CalledRow:
    """What one call did; see `LayerRow`. `used` are the parameters it was given, in order."""

    name: str
    kind: str
    function: str
    module: str
    shape: tuple[int, ...]
    used: list[nn.Parameter] = field(default_factory=list)
    multiply_adds: int = 0
    activation_bytes: int = 0
    kept_bytes: int = 0
    receptive_field: tuple[SeenAxis, ...] = ()

    @property
    def sign(self) -> tuple[object, ...]:
        """What this call has in common with the same call in another pass."""
        return self.module, self.function, self.kind, self.shape


@dataclass
class _Doing:
    """What happened since a call began."""

    computed: bool = False
    multiply_adds: int = 0
    kept: int = 0
    made: set[int] = field(default_factory=set)
    used: dict[int, nn.Parameter] = field(default_factory=dict)

    def add(self, more: "_Doing") -> None:
        self.computed = self.computed or more.computed
        self.kept += more.kept
        self.made |= more.made
        self.used |= more.used


class _Open:
    """The row of a module that counts for itself, until its forward ends."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.doing = _Doing()


class ForwardPass:
    """Rows and memory of one pass of a network; no tensor outlives its call because of it.

    Args:
        network: The network, in the mode it is to run in.
        inputs: What its forward takes.
        fields: Whether receptive fields are followed.
    """

    def __init__(self, network: nn.Module, inputs: Sequence[Tensor], *, fields: bool) -> None:
        self.network, self.inputs = network, inputs
        self.rows: list[CalledRow] = []
        self.ended: dict[str, tuple[int, int, tuple[int, ...]]] = {}  # see `_after`
        self.kept_bytes = 0
        self.failed = ""
        self._weights = {storage_of(p)[0]: p for p in network.parameters()}
        self._given = {storage_of(t)[0] for t in (*network.parameters(), *network.buffers())}
        self._kept: set[int] = set()
        self.memory = LiveMemory([*network.parameters(), *network.buffers(), *inputs])
        self._ghostly = any(tensor.is_meta for tensor in inputs)
        self._fields = ReceptiveFields() if fields else None
        for number, images in enumerate(inputs if fields else ()):
            self._fields.begin(images, number)  # pyright: ignore[reportOptionalMemberAccess]
        self._now = _Doing()
        self._running = False
        self._path: list[tuple[str, nn.Module]] = []
        self._open: dict[str, _Open] = {}
        self._bare_names: dict[str, int] = {}

    def run(self, *, gradients: bool = False) -> Any:
        """Return what the network puts out; with `gradients`, graph and kept memory come along."""
        with torch.set_grad_enabled(gradients), self._watching(gradients):
            return self.network(*self.inputs)

    def backward(self, output: Any) -> None:
        """Go back from the outputs to the weights; `memory` goes on counting."""
        starts = [t for t in tensors_in(output) if t.requires_grad]
        ends = [p for p in self.network.parameters() if p.requires_grad]
        if not starts or not ends:
            return
        with Operations(lambda _op, _args, _kwargs, returned: self._count(returned)):
            torch.autograd.grad(
                starts, ends, [t.new_empty(t.shape) for t in starts], allow_unused=True
            )

    @contextmanager
    def _watching(self, gradients: bool) -> Iterator[None]:
        with ExitStack() as stack:
            if gradients:
                stack.enter_context(saved_tensors_hooks(self._keep, lambda tensor: tensor))
            stack.enter_context(Operations(self._step))
            self._path = stack.enter_context(
                calls(self.network, self._see, after=self._after, others=True, run=self._run)
            )
            yield

    def _run(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Make one call, with what happens meanwhile put down to it."""
        # What was kept between two calls (by checkpointing, say) goes with the next.
        self._now, self._running = _Doing(kept=self._now.kept), True
        try:
            if self._ghostly and any(torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda")):
                raise NetworkError("autocast does nothing without values")
            returned = on_cpu(function, args, kwargs)
        except Exception:
            word = getattr(function, "__name__", "call").strip("_")
            of_kind = kind_of(function, args, kwargs) is not None
            self.failed = self.failed or name_of(*self._path[-1], word, of_kind=of_kind)
            raise
        finally:
            self._running = False
        if self._fields is not None:
            _circular(self._fields, function, args, kwargs, returned)
        return returned

    def _see(self, call: Call) -> None:
        now, self._now = self._now, _Doing()
        for tensor in tensors_in((tuple(call.args), dict(call.kwargs))):
            self._use(now, tensor)
        own = storage_of(call.output)[0] in self._given
        if (owner := self._owner()) is not None:
            owner.doing.add(now)
        elif call.kind in KINDS or ((now.computed or now.kept) and not own):
            self._add(call.name, call.kind, call.function, call.module, now, call.output)

    def _step(self, op: Any, args: Sequence[Any], kwargs: Mapping[str, Any], returned: Any) -> None:
        now = self._now
        made = self._count(returned)
        now.computed = now.computed or bool(made) or op._schema.is_mutable
        now.made |= made
        now.multiply_adds += multiply_adds(op, args, returned)
        if self._fields is not None:
            self._fields.step(op, args, dict(kwargs), returned)
        if not self._running and self._path and (made or now.multiply_adds):
            self._bare(op, args, returned)

    def _bare(self, op: Any, args: Sequence[Any], returned: Any) -> None:
        """Write down an operation outside all calls, as in scripted code."""
        now, self._now = self._now, _Doing()
        for tensor in tensors_in(args):
            self._use(now, tensor)
        if (owner := self._owner()) is not None:
            owner.doing.add(now)
            return
        word, path = op._schema.name.partition("::")[2].strip("_"), self._path[-1][0]
        name = f"{path}.{word}" if path else word
        number = self._bare_names[name] = self._bare_names.get(name, 0) + 1
        name = f"{name}@{number}"  # no name that a call has
        output = next(tensors_in(returned))
        self._add(name, word_kind(word), word, path, now, output)

    def _count(self, returned: Any) -> set[int]:
        keys = (self.memory.add(tensor) for tensor in tensors_in(returned))
        return {key for key in keys if key is not None}

    def _keep(self, tensor: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():  # none of the network's calls
            key, size = storage_of(tensor)
        if key not in self._weights and key not in self._kept:
            self._kept.add(key)
            self.kept_bytes += size
            if self._running or not self.rows or self._owner() is not None:
                self._now.kept += size
            else:
                self.rows[-1].kept_bytes += size  # scripted code: nothing says whose it is
        return tensor

    def _use(self, now: "_Doing", tensor: Tensor) -> None:
        weight = self._weights.get(storage_of(tensor)[0])
        if weight is not None:
            now.used[id(weight)] = weight

    def _owner(self) -> "_Open | None":
        """Return the open row of a module that counts for itself and whose forward runs, if any."""
        for name, module in self._path:
            if hasattr(module, "multiply_adds") and hasattr(module, "layer_kind"):
                return self._open.setdefault(name, _Open(module))
        return None

    def _add(
        self, name: str, kind: str, function: str, module: str, now: "_Doing", output: Tensor
    ) -> None:
        if kind not in KINDS:  # those that are no rows are not counted either
            name = name.partition("#")[0]
            number = self._bare_names[name] = self._bare_names.get(name, 0) + 1
            name = name if number == 1 else f"{name}#{number}"
        made = [output] if storage_of(output)[0] in now.made else []
        row = CalledRow(
            name=name,
            kind=kind,
            function=function,
            module=module,
            shape=tuple(output.shape),
            used=list(now.used.values()),
            multiply_adds=now.multiply_adds,
            activation_bytes=bytes_of(made),
            kept_bytes=now.kept,
            receptive_field=() if self._fields is None else self._fields.seen(output),
        )
        self.rows.append(row)

    def _after(self, name: str, module: nn.Module, output: Any) -> None:
        tensors = list(tensors_in(output))
        shape = tuple(tensors[0].shape) if tensors else ()
        # How many rows stand before the module's end, which end it is, and the output's shape.
        self.ended.setdefault(name, (len(self.rows), len(self.ended), shape))
        owner = self._open.pop(name, None)
        if owner is not None and owner.module is module and tensors:
            now = owner.doing
            now.multiply_adds = owner.module.multiply_adds(shape)
            number = self._bare_names[name] = self._bare_names.get(name, 0) + 1
            called = name or type(module).__name__
            called = called if number == 1 else f"{called}#{number}"
            word = type(module).__name__
            self._add(called, owner.module.layer_kind, word, name, now, tensors[0])


def _circular(
    fields: ReceptiveFields,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    returned: Any,
) -> None:
    """Let circular padding, which copies piece by piece, count as padding: nothing is clipped."""
    if function is not torch.nn.functional.pad:
        return
    given = {**dict(zip(("input", "pad", "mode"), args, strict=False)), **kwargs}
    if given.get("mode") == "circular":
        images, pads = given["input"], given["pad"]
        starts = [0] * images.ndim
        for i in range(len(pads) // 2):
            starts[images.ndim - 1 - i] = pads[2 * i]
        fields.shifted(returned, images, starts)
