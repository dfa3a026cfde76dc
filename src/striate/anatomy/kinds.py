"""Which function of PyTorch's is what kind of layer, however it is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "KINDS",
    "OTHER_KINDS",
    "function_names",
    "is_function_name",
    "kind_of",
    "other_kind",
    "other_names",
    "word_kind",
]

KINDS = (
    "convolution", "linear", "matmul", "attention", "norm", "activation", "pooling", "dropout",
)  # fmt: skip

_AXES = ("1d", "2d", "3d")
_NAMES: dict[str, tuple[str, ...]] = {
    "convolution": (
        "convolution",
        *(f"{name}{axes}" for name in ("conv", "conv_transpose") for axes in _AXES),
    ),
    "linear": ("linear", "bilinear"),
    "matmul": (
        *("matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "einsum", "addmm"),
        *("baddbmm", "addbmm", "addmv", "tensordot", "inner", "chain_matmul"),
    ),
    "attention": ("scaled_dot_product_attention", "multi_head_attention_forward"),
    "dropout": (
        *("dropout", "dropout_", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"),
        *("alpha_dropout_", "feature_dropout", "feature_alpha_dropout"),
    ),
    "norm": (
        *("batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm"),
        "local_response_norm",
    ),
    "activation": (
        *("relu", "relu_", "relu6", "elu", "elu_", "selu", "selu_", "celu", "celu_"),
        *("leaky_relu", "leaky_relu_", "prelu", "rrelu", "rrelu_", "gelu", "silu", "mish"),
        *("hardtanh", "hardtanh_", "hardswish", "hardsigmoid", "hardshrink", "softshrink"),
        *("tanhshrink", "softplus", "softsign", "threshold", "threshold_", "glu", "sigmoid"),
        *("sigmoid_", "tanh", "tanh_", "logsigmoid", "softmax", "log_softmax", "softmin"),
        *("gumbel_softmax",),
    ),
    "pooling": (
        *(f"{name}_pool{axes}" for name in ("max", "avg", "lp") for axes in _AXES),
        *(f"adaptive_{name}_pool{axes}" for name in ("max", "avg") for axes in _AXES),
        *(f"adaptive_max_pool{axes}_with_indices" for axes in _AXES),
        *(f"max_pool{axes}_with_indices" for axes in _AXES),
        *("fractional_max_pool2d", "fractional_max_pool3d"),
        *("fractional_max_pool2d_with_indices", "fractional_max_pool3d_with_indices"),
    ),
}
_HOMES: tuple[Any, ...] = (F, torch, Tensor)


def _functions(names: Sequence[str]) -> Iterator[Callable[..., Any]]:
    for name in names:
        for home in _HOMES:
            if (function := getattr(home, name, None)) is not None:
                yield function


_KIND: dict[Callable[..., Any], str] = {
    function: kind for kind, names in _NAMES.items() for function in _functions(names)
}
_OTHERS = {
    "arithmetic": (
        *("add", "iadd", "radd", "sub", "isub", "rsub", "mul", "imul", "rmul", "div", "idiv"),
        *("truediv", "itruediv", "rtruediv", "pow", "ipow", "rpow", "exp", "log", "sqrt", "rsqrt"),
        *("neg", "abs", "square", "maximum", "minimum", "lerp", "addcmul", "addcdiv", "sin", "cos"),
        *("gt", "lt", "ge", "le", "eq", "ne", "where", "masked_fill"),
    ),
    "join": ("cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack"),
    "reduction": ("sum", "mean", "amax", "amin", "max", "min", "prod", "var", "std", "logsumexp"),
    "resize": ("interpolate", "upsample", "pixel_shuffle", "pixel_unshuffle", "grid_sample"),
    "embedding": ("embedding", "embedding_bag"),
    "shape": (
        *("pad", "reshape", "flatten", "contiguous", "clone", "roll", "flip", "repeat", "fold"),
        *("unfold", "getitem", "setitem", "index_select", "gather", "permute", "to", "copy"),
    ),
}
OTHER_KINDS = tuple(_OTHERS)
"""Kinds of calls that are no layers; what is of none of them either is `other`."""

_OTHER_KIND = {word: kind for kind, words in _OTHERS.items() for word in words}
_CLAMP_NAMES = ("clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_")
_MEAN_NAMES = ("mean", "amax")
_WORDS = frozenset(
    name.strip("_") for names in (*_NAMES.values(), _CLAMP_NAMES, _MEAN_NAMES) for name in names
)
# One look-up settles most functions; those of these two depend on their arguments.
_KIND |= dict.fromkeys(_functions(_CLAMP_NAMES), "clamp")
_KIND |= dict.fromkeys(_functions(_MEAN_NAMES), "mean")


def kind_of(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str | None:
    """Return the kind of layer that a call of `function` is, or None if it is none.

    A clamp is an activation if its lower bound is a number, at most 0 (`x.clamp(min=0)`; but not
    `x.clamp(min=1e-6)`, which keeps a division safe). A mean or a maximum over all axes behind
    the channels is a pooling.

    >>> kind_of(torch.Tensor.relu_, (), {})
    'activation'
    >>> kind_of(torch.add, (), {}) is None
    True
    """
    kind = _KIND.get(function)
    if kind == "clamp":
        low = args[1] if len(args) > 1 else kwargs.get("min")
        return "activation" if isinstance(low, int | float) and low <= 0 else None
    if kind == "mean":
        axes = args[1] if len(args) > 1 else kwargs.get("dim")
        values = args[0] if args else kwargs.get("input")
        return "pooling" if isinstance(values, Tensor) and _spatial(values.ndim, axes) else None
    return kind


def other_kind(word: str) -> str:
    """Return a word for a call that is none of `KINDS`, from its function's name.

    >>> other_kind("iadd"), other_kind("cat"), other_kind("fft")
    ('arithmetic', 'join', 'other')
    """
    return _OTHER_KIND.get(word, "other")


def word_kind(word: str) -> str:
    """Return the kind of a function that only its name is known of, as of one in scripted code.

    >>> word_kind("relu"), word_kind("add")
    ('activation', 'arithmetic')
    """
    for kind, names in _NAMES.items():
        if any(word == name.strip("_") for name in names):
            return kind
    return other_kind(word)


def is_function_name(word: str) -> bool:
    """Whether `word` names a function that `kind_of` may know, without underscores around it.

    >>> is_function_name("relu"), is_function_name("add")
    (True, False)
    """
    return word in _WORDS


def function_names() -> frozenset[str]:
    """Return the words that `is_function_name` knows."""
    return _WORDS


def other_names() -> frozenset[str]:
    """Return the words of calls of `OTHER_KINDS`.

    >>> "cat" in other_names(), "relu" in other_names()
    (True, False)
    """
    return frozenset(_OTHER_KIND)


def _spatial(ndim: int, axes: Any) -> bool:
    """Whether `axes` are all those behind (n, channels)."""
    if isinstance(axes, int):
        axes = (axes,)
    if ndim < 3 or not isinstance(axes, Sequence) or not all(isinstance(a, int) for a in axes):
        return False
    return sorted(a % ndim for a in axes) == list(range(2, ndim))
