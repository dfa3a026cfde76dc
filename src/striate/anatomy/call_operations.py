"""What a functional call of a convolution or a pooling does, from what it was given."""

from typing import Any

from torch import Tensor

from striate.anatomy.calls import Call
from striate.ops import Convolution, Pooling

__all__ = ["operation_of_call"]

_CONVOLUTION = {"bias": 2, "stride": 3, "padding": 4, "dilation": 5, "groups": 6}
_TRANSPOSED = {"bias": 2, "stride": 3, "padding": 4, "output_padding": 5, "groups": 6,
               "dilation": 7}  # fmt: skip
_LARGEST = {"stride": 2, "padding": 3, "dilation": 4, "ceil_mode": 5}
_MEAN = {"stride": 2, "padding": 3, "ceil_mode": 4, "count_include_pad": 5, "divisor_override": 6}
_OURS = {"ceil_mode": "ceil", "count_include_pad": "count_padding", "divisor_override": "divisor"}


def operation_of_call(call: Call) -> Convolution | Pooling | None:
    """Return what a call does as `ops.trace_output` takes it; None if it is nothing to be traced.

    Known are `conv1d` to `conv3d`, `conv_transpose…`, `max_pool…`, `avg_pool…`, `adaptive_…` and
    a mean or a maximum over all axes behind the channels, which is a global pooling.
    """
    name = call.function.removesuffix("_with_indices")
    stem = name[:-2] if name[-2:] in ("1d", "2d", "3d") else name
    if stem in ("conv", "conv_transpose"):
        return _convolution(call, transposed=stem == "conv_transpose")
    if stem == "max_pool":
        return Pooling("max", call.argument(1, "kernel_size"), **_given(call, _LARGEST))
    if stem == "avg_pool":
        given = {"count_padding": True} | _given(call, _MEAN)
        return Pooling("average", call.argument(1, "kernel_size"), **given)
    if stem in ("adaptive_max_pool", "adaptive_avg_pool"):
        size = call.argument(1, "output_size")
        return Pooling("max" if "max" in stem else "average", output_size=size)
    if call.kind == "pooling" and name in ("mean", "amax"):
        return Pooling("average" if name == "mean" else "max", output_size=1)
    return None


def _convolution(call: Call, *, transposed: bool) -> Convolution | None:
    weight = call.argument(1, "weight")
    if not isinstance(weight, Tensor):
        return None
    given = _given(call, _TRANSPOSED if transposed else _CONVOLUTION)
    return Convolution(weight.detach().clone(), transposed=transposed, **given)


def _given(call: Call, places: dict[str, int]) -> dict[str, Any]:
    """Return the settings that were given, by our names; what was left out keeps its default."""
    found = {name: call.argument(place, name) for name, place in places.items()}
    return {
        _OURS.get(name, name): value
        for name, value in found.items()
        if value is not None and value != []  # torch's own wrappers say "no stride" so
    }
