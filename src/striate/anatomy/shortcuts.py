"""Outputs of the commonest operations on the meta device, without PyTorch's own way to them.

PyTorch works out such outputs in Python and loads a symbolic algebra and its compiler for it, 100
MB and seconds. Here the plain cases are answered directly, as on a CPU; whatever is not plain, or
wrong, is left to PyTorch, which also says what is wrong. Tests hold both answers together.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["answered"]

Answer = Callable[[Sequence[Any]], Any]


def answered(op: Any, args: Sequence[Any], kwargs: Any) -> Any:
    """Return what the operation returns on the meta device, or `NotImplemented`."""
    answer = _ANSWERS.get(op)
    if answer is None or not all(
        key == "generator" or value in _PLAIN for key, value in kwargs.items()
    ):
        return NotImplemented
    for value in args:
        if isinstance(value, Tensor) and not value.is_meta:
            return NotImplemented
        if isinstance(value, Tensor) and op not in _ANY_ORDER and not value.is_contiguous():
            return NotImplemented
    return answer(args)


def _convolution(args: Sequence[Any]) -> Any:
    images, weight, bias, stride, padding, dilation, transposed, added, groups = args
    axes = images.ndim - 2
    in_channels = weight.shape[0] if transposed else weight.shape[1] * groups
    if (
        (weight.ndim, images.shape[1]) != (images.ndim, in_channels)
        or images.dtype != weight.dtype
        or (bias is not None and bias.dtype != images.dtype)
        or {len(stride), len(padding), len(dilation)} != {axes}
        or images.numel() == 0
        or weight.shape[0] % groups
    ):
        return NotImplemented
    if transposed:
        sizes = [
            (images.shape[i + 2] - 1) * stride[i] - 2 * padding[i]
            + dilation[i] * (weight.shape[i + 2] - 1) + added[i] + 1
            for i in range(axes)
        ]  # fmt: skip
    else:
        sizes = [
            (images.shape[i + 2] + 2 * padding[i] - dilation[i] * (weight.shape[i + 2] - 1) - 1)
            // stride[i] + 1
            for i in range(axes)
        ]  # fmt: skip
    if min(sizes, default=0) < 1 or (
        transposed and any(a >= s for a, s in zip(added, stride, strict=True))
    ):
        return NotImplemented
    channels = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and tuple(bias.shape) != (channels,):
        return NotImplemented
    return images.new_empty((images.shape[0], channels, *sizes))


def _convolution_backward(args: Sequence[Any]) -> Any:
    gradient, images, weight, bias_sizes = args[:4]
    wanted = args[-1]
    return (
        _blank(images) if wanted[0] else None,
        _blank(weight) if wanted[1] else None,
        gradient.new_empty(bias_sizes) if wanted[2] else None,
    )


def _batch_norm(args: Sequence[Any]) -> Any:
    images, training = args[0], args[5]
    channels = images.shape[1] if training else 0
    kinds = {t.dtype for t in args[:5] if t is not None}
    sizes = {tuple(t.shape) for t in args[1:5] if t is not None}
    if len(kinds) > 1 or sizes - {(images.shape[1],)} or (not training and args[3] is None):
        return NotImplemented
    statistics = [images.new_empty((channels,)) for _ in range(2)]
    return _blank(images), *statistics


def _batch_norm_backward(args: Sequence[Any]) -> Any:
    gradient, images, weight, wanted = args[0], args[1], args[2], args[-1]
    if weight is None or gradient.dtype != weight.dtype:
        return NotImplemented
    return (
        _blank(images) if wanted[0] else None,
        _blank(weight) if wanted[1] else None,
        _blank(weight) if wanted[2] else None,
    )


def _max_pool(args: Sequence[Any]) -> Any:
    images, kernel = args[0], _pair(args[1])
    stride = _pair(args[2]) if len(args) > 2 and args[2] else kernel
    padding = _pair(args[3]) if len(args) > 3 else (0, 0)
    dilation = _pair(args[4]) if len(args) > 4 else (1, 1)
    up = bool(args[5]) if len(args) > 5 else False
    sizes: list[int] = []
    for i, length in enumerate(images.shape[-2:]):
        room = length + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1
        count = (-(-room // stride[i]) if up else room // stride[i]) + 1
        sizes.append(count - (up and (count - 1) * stride[i] >= length + padding[i]))
    if (
        images.ndim not in (3, 4)
        or min(sizes) < 1
        or any(2 * p > k for p, k in zip(padding, kernel, strict=True))
    ):
        return NotImplemented
    shape = (*images.shape[:-2], *sizes)
    return images.new_empty(shape), images.new_empty(shape, dtype=torch.int64)


def _adaptive(args: Sequence[Any]) -> Any:
    images, sizes = args
    return images.new_empty((*images.shape[: -len(sizes)], *sizes))


def _like(place: int) -> Answer:
    return lambda args: _blank(args[place])


def _unary(args: Sequence[Any]) -> Any:
    return _blank(args[0]) if args[0].is_floating_point() else NotImplemented


def _in_place(args: Sequence[Any]) -> Any:
    return args[0]


def _in_place_alike(args: Sequence[Any]) -> Any:
    one, other = args[0], args[1]
    if isinstance(other, int) and not isinstance(other, bool):
        return one
    alike = isinstance(other, Tensor) and (other.shape, other.dtype) == (one.shape, one.dtype)
    return one if alike else NotImplemented


def _sum(args: Sequence[Any]) -> Any:
    values, axes = args[0], args[1]
    keep = bool(args[2]) if len(args) > 2 else False
    if not axes or not values.is_floating_point():
        return NotImplemented
    gone = {axis % values.ndim for axis in axes}
    shape = [1 if i in gone else n for i, n in enumerate(values.shape) if keep or i not in gone]
    return values.new_empty(shape)


def _mm(args: Sequence[Any]) -> Any:
    one, other = args[-2:]
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[0]:
        return NotImplemented
    if one.dtype != other.dtype or args[0].dtype != one.dtype:
        return NotImplemented
    if len(args) == 3 and tuple(args[0].shape) != (other.shape[1],):
        return NotImplemented
    return one.new_empty((one.shape[0], other.shape[1]))


def _blank(tensor: Tensor) -> Tensor:
    return tensor.new_empty(tensor.shape)


def _pointwise(args: Sequence[Any]) -> Any:
    """Two tensors alike, or one and a number: the output is as the first."""
    one, other = args[0], args[1]
    if not one.is_floating_point() or isinstance(other, complex):
        return NotImplemented
    if isinstance(other, Tensor) and (other.shape != one.shape or other.dtype != one.dtype):
        return NotImplemented
    return _blank(one)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return values[0], values[-1]


_ATEN = torch.ops.aten
_ANSWERS: dict[Any, Answer] = {
    _ATEN.convolution.default: _convolution,
    _ATEN.convolution_backward.default: _convolution_backward,
    _ATEN.native_batch_norm.default: _batch_norm,
    _ATEN.native_batch_norm_backward.default: _batch_norm_backward,
    _ATEN.max_pool2d_with_indices.default: _max_pool,
    _ATEN.max_pool2d_with_indices_backward.default: _like(1),
    _ATEN._adaptive_avg_pool2d.default: _adaptive,
    _ATEN._adaptive_avg_pool2d_backward.default: _like(1),
    _ATEN.relu.default: _unary,
    _ATEN.relu_.default: _in_place,
    _ATEN.threshold_backward.default: _like(1),
    _ATEN.mm.default: _mm,
    _ATEN.addmm.default: _mm,
    _ATEN.bernoulli_.float: _in_place,
    _ATEN.div_.Scalar: _in_place,
    _ATEN.sum.dim_IntList: _sum,
    _ATEN.mean.dim: _sum,
    _ATEN.add_.Tensor: _in_place_alike,
    **dict.fromkeys((_ATEN.add.Tensor, _ATEN.mul.Tensor, _ATEN.div.Scalar), _pointwise),
    _ATEN.empty_like.default: _unary,
}
_PLAIN = (None, torch.preserve_format, torch.contiguous_format)
_ANY_ORDER = frozenset({_ATEN.mm.default, _ATEN.addmm.default})  # their output is in plain order
