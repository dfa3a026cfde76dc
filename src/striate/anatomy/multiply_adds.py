"""Multiply-adds of PyTorch's lowest operations, in whatever call they happen.

The convention: one multiplication with its addition is one; biases are not counted. Products of
matrices are counted wherever they hide, in `einsum`, attention or a recurrent cell.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

__all__ = ["multiply_adds"]

Count = Callable[[Sequence[Any], Tensor], int]


def multiply_adds(op: Any, args: Sequence[Any], returned: Any) -> int:
    """Return the multiply-adds of one operation; 0 if it is no convolution or product."""
    count = _COUNTS.get(op._schema.name)
    if count is None:
        return 0
    output = returned if isinstance(returned, Tensor) else returned[0]
    return count(args, output)


def _convolution(args: Sequence[Any], output: Tensor) -> int:
    """Each output of a convolution is a sum over one filter.

    A transposed convolution is the matrix transpose of the convolution it turns round, so each
    *input* is multiplied by one filter.
    """
    images, weight, transposed = args[0], args[1], args[6]
    return (images if transposed else output).numel() * weight[0].numel()


def _product(one: int, shared: int) -> Count:
    """Return the count of a product: each output is a sum over the last axis of argument `one`."""

    def count(args: Sequence[Any], output: Tensor) -> int:
        return output.numel() * args[one].shape[shared]

    return count


def _trilinear(args: Sequence[Any], output: Tensor) -> int:
    """`bilinear`: each output is a sum over one filter, of the products of both inputs."""
    return output.numel() * args[1][0].numel()


def _attention(args: Sequence[Any], _output: Tensor) -> int:
    """Scores of all pairs of places, and the sum of values they weigh."""
    query, key, value = args[:3]
    pairs = query[..., 0].numel() * key.shape[-2]
    return pairs * (query.shape[-1] + value.shape[-1])


_COUNTS: dict[str, Count] = {
    "aten::convolution": _convolution,
    "aten::_convolution": _convolution,
    "aten::convolution_overrideable": _convolution,
    "aten::mm": _product(0, -1),
    "aten::bmm": _product(0, -1),
    "aten::mv": _product(0, -1),
    "aten::dot": _product(0, -1),
    "aten::vdot": _product(0, -1),
    "aten::linear": _product(0, -1),
    "aten::addmm": _product(1, -1),
    "aten::addmv": _product(1, -1),
    "aten::baddbmm": _product(1, -1),
    "aten::addbmm": lambda args, _output: args[1].numel() * args[2].shape[-1],
    "aten::_trilinear": _trilinear,
} | dict.fromkeys(
    (
        "aten::_scaled_dot_product_flash_attention_for_cpu",
        "aten::_scaled_dot_product_flash_attention",
        "aten::_scaled_dot_product_efficient_attention",
        "aten::_scaled_dot_product_cudnn_attention",
        "aten::_scaled_dot_product_fused_attention_overrideable",
    ),
    _attention,
)
