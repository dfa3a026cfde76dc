"""Receptive fields of tensors, followed through the operations of a forward pass."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree
from torch.utils.weak import WeakTensorKeyDictionary

from striate.anatomy.field_rules import RULES
from striate.anatomy.fields import blurred, joined, read
from striate.anatomy.forms import NOTHING, Axis, Field, Form, reduced
from striate.anatomy.seen import SeenAxis, summed
from striate.anatomy.spans import EVERY, Run
from striate.anatomy.windows import shift

__all__ = ["ReceptiveFields"]


class ReceptiveFields:
    """The fields of all tensors that live; `step` follows one operation."""

    def __init__(self) -> None:
        self._fields: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def begin(self, images: Tensor, number: int) -> None:
        """Let the tensor be input `number`: each cell sees itself along the axes from 2 on."""
        shape = images.shape
        axes = [Axis(number, axis, shape[axis]) for axis in range(2, images.ndim)]
        nothing: tuple[tuple[Run, ...], ...] = tuple((Run(0, ((0, 0),)),) for _ in shape)
        forms = {
            key: (Form((*nothing[: key.axis], (EVERY,), *nothing[key.axis + 1 :])),) for key in axes
        }
        self._fields[images] = Field(tuple((length,) for length in shape), forms)

    def of(self, tensor: Any) -> Field:
        """Return what the cells of a tensor see."""
        if not isinstance(tensor, Tensor):
            return NOTHING
        return self._fields.get(tensor) or NOTHING

    def seen(self, tensor: Tensor) -> tuple[SeenAxis, ...]:
        """Return what a cell of the tensor sees, an entry an input axis that it sees of."""
        return summed(self.of(tensor))

    def shifted(self, tensor: Tensor, before: Tensor, starts: Sequence[int]) -> None:
        """Let cells of `tensor` see what those of `before` do, `starts` cells earlier an axis."""
        field = self.of(before)
        for axis, start in enumerate(starts):
            if start or tensor.shape[axis] != before.shape[axis]:
                field = read(field, axis, tensor.shape[axis], shift(-start))
        self._fields[tensor] = field

    def step(self, op: Any, args: Sequence[Any], kwargs: dict[str, Any], returned: Any) -> None:
        """Follow one operation of PyTorch's lowest level, just made."""
        given = [t for t in _tensors((args, kwargs)) if self.of(t).forms]
        outputs = list(_tensors(returned))
        if not given:
            for output in outputs:
                if output not in self._fields:
                    self._fields[output] = NOTHING  # known, so that writing into it is seen
            return
        arguments = _bound(op, args, kwargs)
        changed = [
            tensor
            for argument, schema in zip(args, op._schema.arguments, strict=False)
            if schema.alias_info is not None and schema.alias_info.is_write
            for tensor in _tensors(argument)
        ]
        for place, output in enumerate(outputs):
            self._fields[output] = self._field(op, arguments, given, output, place)
        for tensor in changed:
            self._written(tensor)

    def _field(
        self, op: Any, arguments: dict[str, Any], given: list[Tensor], output: Tensor, place: int
    ) -> Field:
        name = arguments["op"]
        if name in ("split", "split_with_sizes", "unbind", "chunk"):
            return self._part(name, arguments, output, place)
        rule = RULES.get(name) or RULES.get(name.rstrip("_"))
        if rule is not None:
            if place and output.shape != _first(arguments, output):
                return self.of(output) if output in self._fields else NOTHING
            found = rule(arguments, self.of, output)
        elif torch.Tag.pointwise in op.tags:
            found = joined([self.of(t) for t in given], output.shape)
        else:
            found = blurred([self.of(t) for t in given], output.shape)
        return found

    def _part(self, name: str, arguments: dict[str, Any], output: Tensor, place: int) -> Field:
        """Return the field of one of the pieces a tensor was cut into."""
        before = arguments["self"]
        axis = arguments["dim"] % before.ndim
        if name == "unbind":
            seen = read(self.of(before), axis, 1, shift(place))
            return reduced(seen, [axis], keep=False)
        sizes: Any = arguments.get("split_sizes", arguments.get("split_size"))
        start = sum(sizes[:place]) if isinstance(sizes, list | tuple) else place * sizes
        return read(self.of(before), axis, output.shape[axis], shift(start))

    def _written(self, tensor: Tensor) -> None:
        """Let all views of the memory that `tensor` was written into see it too."""
        storage = tensor.untyped_storage()._cdata
        now = self.of(tensor)
        for other in list(self._fields):
            if other is tensor or not other.numel() or other.untyped_storage()._cdata != storage:
                continue
            self._fields[other] = _seen_through(other, self.of(other), tensor, now)


def _seen_through(other: Tensor, own: Field, tensor: Tensor, now: Field) -> Field:
    """Return the field of `other`, into whose memory `tensor`, a view with field `now`, wrote."""
    shape = other.shape
    if other.ndim != tensor.ndim or other.stride() != tensor.stride():
        return joined([own, blurred([now], shape)], shape)
    left, moved = int(tensor.storage_offset() - other.storage_offset()), now
    for axis in sorted(range(other.ndim), key=lambda a: -other.stride(a)):
        stride = int(other.stride(axis))
        start = left // stride if stride and left >= 0 else 0
        left -= start * stride
        if start or tensor.shape[axis] != shape[axis]:
            moved = read(moved, axis, shape[axis], shift(-start))
    if left:
        return joined([own, blurred([now], shape)], shape)
    return joined([moved] if tensor.shape == shape else [own, moved], shape)


def _bound(op: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return an operation's arguments by name, with defaults, and its own name as `op`."""
    schema = op._schema
    bound = {"op": schema.name.partition("::")[2]}
    for place, argument in enumerate(schema.arguments):
        default = argument.default_value if argument.has_default_value() else None
        value = args[place] if place < len(args) else kwargs.get(argument.name, default)
        bound[argument.name] = value
    return bound


def _first(arguments: dict[str, Any], output: Tensor) -> torch.Size:
    tensor = arguments.get("self", arguments.get("input", output))
    return tensor.shape if isinstance(tensor, Tensor) else output.shape


def _tensors(values: Any) -> Iterator[Tensor]:
    return (leaf for leaf in _pytree.tree_leaves(values) if isinstance(leaf, Tensor))
