"""Every call of a network's forward pass, of modules and of plain functions alike.

A module says what it is by its class; `F.relu(x)`, `x.relu()` and `torch.relu(x)` say nothing.
A `TorchFunctionMode` sees them all; hooks tell in which module each happens.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from striate.anatomy.hooks import After, walked
from striate.anatomy.kinds import is_function_name, kind_of, other_kind

__all__ = ["Call", "calls", "name_of"]


class Call(NamedTuple):
    """One call of a function that is of one of `KINDS`, or of any other if those are asked for.

    Attributes:
        name: Unique within the forward pass. The module's dotted name if one of PyTorch's layers
            calls it, else that name and the function's: `stages.0.relu`. From the second such
            call on, with its number: `stages.0.relu#2`.
        kind: One of `KINDS`; of any other call a word such as `arithmetic`, `join` or `other`.
        function: Name of the function, such as `conv2d`; `relu_` is `relu`.
        module: Dotted name of the module in whose forward it happens; `""` is the network.
        args: What the function was given by place.
        kwargs: What the function was given by name.
        output: What it returned; of several tensors the first.
    """

    name: str
    kind: str
    function: str
    module: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    output: Tensor

    def argument(self, place: int, name: str) -> Any:
        """Return the argument `name`, which stands at `place`; None if it was not given."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name)


See = Callable[[Call], Tensor | None]
Run = Callable[[Callable[..., Any], Sequence[Any], Mapping[str, Any]], Any]


@contextmanager
def calls(
    network: nn.Module,
    see: See,
    *,
    kinds: Iterable[str] | None = None,
    after: After | None = None,
    others: bool = False,
    run: Run | None = None,
) -> Generator[list[tuple[str, nn.Module]], None, None]:
    """Call `see(call)` at each call inside `network`'s forward, in order.

    The block is given the path of names and modules down to the one whose forward runs right now.

    The tensor that `see` returns, if any, goes on in place of the call's output. What a function
    does inside is not seen again: a batch norm is one call. Code that was scripted or compiled is
    not seen.

    Args:
        network: Network whose forward runs in the block.
        see: Receives each call right after it was made, before anything overwrites its output.
        kinds: Kinds to be seen; None is all of `KINDS`.
        after: Called with `(name, module, output)` when a module's forward ends, in one order
            with `see`.
        others: Whether calls are seen that are of none of `KINDS`. The names of those that are do
            not depend on it.
        run: Makes each call of the network's in its stead: `run(function, args, kwargs)`.
    """
    chosen = None if kinds is None else frozenset(kinds)
    with walked(network, after) as path, _Seer(path, see, chosen, others=others, run=run):
        yield path


class _Seer(TorchFunctionMode):
    def __init__(
        self,
        path: list[tuple[str, nn.Module]],
        see: See,
        kinds: frozenset[str] | None,
        *,
        others: bool,
        run: Run | None,
    ) -> None:
        super().__init__()
        self.path, self.see, self.kinds = path, see, kinds
        self.others, self.run = others, run
        self.named: dict[str, int] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if not self.path:
            return func(*args, **kwargs)  # outside the network: the loss, say
        returned = func(*args, **kwargs) if self.run is None else self.run(func, args, kwargs)
        kind = kind_of(func, args, kwargs)
        output = _first_tensor(returned)
        if output is None or (kind is None and not self.others):
            return returned
        word = getattr(func, "__name__", "call").strip("_")
        path, module = self.path[-1]
        name = name_of(path, module, word, of_kind=kind is not None)
        number = self.named[name] = self.named.get(name, 0) + 1
        kind = kind or other_kind(word)
        if self.kinds is not None and kind not in self.kinds:
            return returned
        if number > 1:
            name = f"{name}#{number}"
        call = Call(
            name=name,
            kind=kind,
            function=word,
            module=path,
            args=args,
            kwargs=kwargs,
            output=output,
        )
        instead = self.see(call)
        return returned if instead is None else _with_first(returned, instead)


def name_of(path: str, module: nn.Module, word: str, *, of_kind: bool) -> str:
    """Return what a call is named for: its module if it is the call of one of PyTorch's layers."""
    leaf = bool(path) and _is_layer(type(module)) and not module._modules
    if leaf and (of_kind or type(module).__name__.lower() == word.replace("_", "")):
        return path
    if not of_kind and is_function_name(word):
        word = f"{word}.other"  # a mean over the channels must not renumber those that pool
    return f"{path}.{word}" if path else word


def _first_tensor(returned: Any) -> Tensor | None:
    """Return `returned`, or the first tensor of it if it is a tuple, as pooling with indices is."""
    if isinstance(returned, Tensor):
        return returned
    if isinstance(returned, tuple | list) and returned and isinstance(returned[0], Tensor):
        return returned[0]
    return None


def _with_first(returned: Any, instead: Tensor) -> Any:
    return instead if isinstance(returned, Tensor) else (instead, *returned[1:])


@lru_cache(maxsize=1024)
def _is_layer(kind: type[nn.Module]) -> bool:
    """Whether `kind` is a class of PyTorch's layers, or derived from one."""
    bases = kind.__mro__
    return any(b is not nn.Module and b.__module__.startswith("torch.nn.modules") for b in bases)
