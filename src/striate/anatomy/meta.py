"""Networks without values: copies on the meta device, and what they must do as the CPU does."""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["on_cpu", "on_meta"]


def on_meta(network: nn.Module) -> nn.Module:
    """Return a copy whose tensors have shapes but no values; nothing is allocated."""
    memo: dict[int, Any] = {}
    for module in network.modules():
        own = [*module._parameters.values(), *module._buffers.values(), *vars(module).values()]
        for value in own:
            if isinstance(value, Tensor) and id(value) not in memo:
                empty = value.detach().to("meta")
                is_weight = isinstance(value, nn.Parameter)
                memo[id(value)] = (
                    nn.Parameter(empty, requires_grad=value.requires_grad) if is_weight else empty
                )
    return copy.deepcopy(network, memo)


def on_cpu(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return `function(*args, **kwargs)`; attention takes the path that it takes on a CPU.

    There PyTorch has a kernel that never holds the table of all pairs; on the meta device it would
    choose the formula that does, and the memory would be another.
    """
    if function is F.multi_head_attention_forward and _is_meta(args, kwargs):
        return _multi_head()(*args, **kwargs)
    if function is not F.scaled_dot_product_attention or not _is_meta(args, kwargs):
        return function(*args, **kwargs)
    return _attention(*args, **kwargs)


def _is_meta(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    first = args[0] if args else kwargs.get("query")
    return isinstance(first, Tensor) and first.is_meta


@lru_cache(maxsize=1)
def _multi_head() -> Callable[..., Any]:
    """Return PyTorch's attention of many heads, with `_attention` for what it calls."""
    original = F.multi_head_attention_forward
    own = {**original.__globals__, "scaled_dot_product_attention": _attention}
    twin = FunctionType(original.__code__, own, original.__name__, original.__defaults__)
    twin.__kwdefaults__ = original.__kwdefaults__
    own[original.__name__] = twin  # it hands itself to the modes that are active
    return twin


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float | int = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    **more: Any,
) -> Tensor:
    given = (query, key, value, attn_mask, dropout_p, is_causal)
    if not more.get("enable_gqa"):
        twins = [None if t is None else _untouched(t) for t in (query, key, value, attn_mask)]
        choose: Any = torch.ops.aten._fused_sdp_choice
        # 1 is the fused kernel; the twins are never written, so no page of theirs is allocated.
        if choose(*twins, dropout_p, is_causal, scale=scale) == 1:
            if attn_mask is not None and attn_mask.dtype == torch.bool:
                attn_mask = attn_mask.new_empty(attn_mask.shape, dtype=query.dtype)
            fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
            options = {"attn_mask": attn_mask, "scale": scale}
            return fused(query, key, value, dropout_p, is_causal, **options)[0]
    return F.scaled_dot_product_attention(*given, scale=scale, **more)


def _untouched(tensor: Tensor) -> Tensor:
    twin = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
    return twin.requires_grad_(tensor.requires_grad)
