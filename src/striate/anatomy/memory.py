"""Which memory lives at a moment: storages that a pass makes, until they are freed."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode

from striate.anatomy.shortcuts import answered

__all__ = ["LiveMemory", "Operations", "bytes_of", "storage_of", "tensors_in"]

Step = Callable[[Any, Sequence[Any], Mapping[str, Any], Any], object]


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Return the tensors anywhere inside tuples, lists and dictionaries."""
    return (leaf for leaf in _pytree.tree_leaves(values) if isinstance(leaf, Tensor))


def storage_of(tensor: Tensor) -> tuple[int, int]:
    """Return what tells a tensor's memory from any other that lives, and its bytes.

    Views of one memory agree. A tensor without memory of its own kind (a sparse one) has 0 bytes.
    """
    try:
        storage = tensor.untyped_storage()
    except (NotImplementedError, RuntimeError):  # sparse, or in another library's memory
        return id(tensor), 0
    return storage._cdata, storage.nbytes()


class LiveMemory:
    """Bytes that live now, and the most that lived at once.

    Args:
        given: Tensors that live from the beginning: weights, buffers, inputs.
    """

    def __init__(self, given: Iterable[Tensor]) -> None:
        self._live: dict[int, int] = {}
        self.now = self.peak = 0
        for tensor in given:
            self.add(tensor)

    def add(self, tensor: Tensor) -> int | None:
        """Count the memory of a tensor; return what tells it, or None if it was known."""
        key, size = storage_of(tensor)
        if key in self._live or not size:
            return None
        self._live[key] = size
        self.now += size
        self.peak = max(self.peak, self.now)
        end = weakref.finalize(tensor.untyped_storage(), self._free, key)
        end.atexit = False
        return key

    def _free(self, key: int) -> None:
        self.now -= self._live.pop(key, 0)


class Operations(TorchDispatchMode):
    """Tells `step(operation, args, kwargs, returned)` of each of PyTorch's lowest operations."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self._step = step

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep the class from loading the compiler: it costs 3 s, and nothing here is compiled."""
        return False

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():  # what is done here is none of the network's calls
            returned = answered(func, args, kwargs)
            if returned is NotImplemented:
                returned = func(*args, **kwargs)
            self._step(func, args, kwargs, returned)
        return returned


def bytes_of(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of the distinct memories behind the tensors.

    >>> import torch
    >>> values = torch.zeros(4)
    >>> bytes_of([values, values[1:], torch.zeros(1)])
    20
    """
    return sum(dict(storage_of(tensor) for tensor in tensors).values())
