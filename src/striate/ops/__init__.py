"""Functions on plain numbers and tensors: arithmetic, padding, convolution, pooling, kernels."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.ops.arithmetic import Window as Window
    from striate.ops.arithmetic import axis_padding as axis_padding
    from striate.ops.arithmetic import chain_output_size as chain_output_size
    from striate.ops.arithmetic import least_size as least_size
    from striate.ops.arithmetic import output_size as output_size
    from striate.ops.arithmetic import padding_same as padding_same
    from striate.ops.arithmetic import transposed_output_size as transposed_output_size
    from striate.ops.padding import padding_pairs as padding_pairs
    from striate.ops.padding import per_axis as per_axis

# Loaded when first touched (PEP 562), so that the arithmetic does not wait for torch. A name here
# must not be that of a module of this room: importing the module would put it in the name's place.
_HOMES = {
    "arithmetic": (
        "Window axis_padding chain_output_size least_size output_size padding_same "
        "transposed_output_size"
    ),
    "padding": "padding_pairs per_axis",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [*_HOME_OF]  # noqa: PLE0604 - names of strings


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'striate.ops' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"striate.ops.{_HOME_OF[name]}"), name)
    globals()[name] = value  # next time without this function
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
