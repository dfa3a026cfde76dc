"""Answers without PyTorch's own way are those that PyTorch gives, on the meta device and a CPU."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.anatomy.shortcuts import answered

ATEN: Any = torch.ops.aten


def shapes(values: Any) -> list[tuple[Any, ...]]:
    """Return shape, strides and type of each output; nothing for None."""
    found = [values] if isinstance(values, Tensor) else list(values)
    return [
        (tuple(t.shape), t.stride(), t.dtype) if isinstance(t, Tensor) and t.numel() else ()
        for t in found
    ]


def assert_agree(op: Any, args: Sequence[Any], *, taken: bool = True) -> None:
    """Hold the answer against a real run and, on the meta device, PyTorch's own."""
    ghosts = [a.to("meta") if isinstance(a, Tensor) else a for a in args]
    answer = answered(op, ghosts, {})
    assert (answer is not NotImplemented) == taken
    if taken:
        assert shapes(answer) == shapes(op(*args))
        if op is not ATEN.native_batch_norm.default:  # its own statistics are empty on a CPU alone
            assert shapes(answer) == shapes(op(*ghosts))


@given(
    size=st.tuples(st.integers(1, 3), st.integers(5, 9), st.integers(5, 9)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    turned=st.booleans(),
)
def test_convolutions(
    size: tuple[int, int, int], kernel: tuple[int, int], stride: int, padding: int, dilation: int,
    groups: int, turned: bool,
) -> None:  # fmt: skip
    images = torch.zeros(size[0], 4, *size[1:])
    channels = (4, 6 // groups) if turned else (6, 4 // groups)
    numbers = [[stride] * 2, [padding] * 2, [dilation] * 2]
    added = [0, 0]
    weight, bias = torch.zeros(*channels, *kernel), torch.zeros(6)
    args = [images, weight, bias, *numbers, turned, added, groups]
    output = [
        (n - 1) * stride - 2 * padding + dilation * (k - 1) + 1
        for n, k in zip(size[1:], kernel, strict=True)
    ]
    assert_agree(ATEN.convolution.default, args, taken=not turned or min(output) > 0)


@given(
    size=st.tuples(st.integers(4, 11), st.integers(4, 11)),
    kernel=st.integers(2, 3),
    stride=st.integers(1, 4),
    padding=st.integers(0, 1),
    up=st.booleans(),
)
def test_max_pools(size: tuple[int, int], kernel: int, stride: int, padding: int, up: bool) -> None:
    args = [torch.zeros(2, 3, *size), [kernel] * 2, [stride] * 2, [padding] * 2, [1, 1], up]
    assert_agree(ATEN.max_pool2d_with_indices.default, args)


def norm(training: bool) -> list[Any]:
    four = [torch.zeros(4) for _ in range(4)]
    return [torch.zeros(2, 4, 3, 3), *four, training, 0.1, 1e-5]


PLAIN = [
    (ATEN.native_batch_norm.default, norm(False)),
    (ATEN.native_batch_norm.default, norm(True)),
    (ATEN._adaptive_avg_pool2d.default, [torch.zeros(2, 3, 8, 8), [3, 2]]),
    (ATEN.relu.default, [torch.zeros(2, 3)]),
    (ATEN.mm.default, [torch.zeros(2, 3), torch.zeros(3, 4)]),
    (ATEN.addmm.default, [torch.zeros(4), torch.zeros(2, 3), torch.zeros(4, 3).t()]),
    (ATEN.sum.dim_IntList, [torch.zeros(2, 3, 4), [0, -1], True]),
    (ATEN.mean.dim, [torch.zeros(2, 3, 4), [1]]),
    (ATEN.add.Tensor, [torch.zeros(2, 3), torch.zeros(2, 3)]),
    (ATEN.mul.Tensor, [torch.zeros(2, 3), torch.zeros(2, 3)]),
    (ATEN.threshold_backward.default, [torch.zeros(2, 3), torch.zeros(2, 3), 0]),
]


@pytest.mark.parametrize(("op", "args"), PLAIN, ids=lambda v: str(v)[:40])
def test_plain_cases(op: Any, args: list[Any]) -> None:
    assert_agree(op, args)


WRONG = [
    (ATEN.mm.default, [torch.zeros(2, 3), torch.zeros(2, 4)]),
    (ATEN.addmm.default, [torch.zeros(5), torch.zeros(2, 3), torch.zeros(3, 4)]),
    (
        ATEN.convolution.default,
        [torch.zeros(1, 3, 8, 8), torch.zeros(4, 2, 3, 3), None, [1, 1], [0, 0], [1, 1], False,
         [0, 0], 1],
    ),
    (
        ATEN.convolution.default,
        [torch.zeros(1, 2, 2, 2), torch.zeros(4, 2, 3, 3), None, [1, 1], [0, 0], [1, 1], False,
         [0, 0], 1],
    ),
    (ATEN.add.Tensor, [torch.zeros(2, 3), torch.zeros(2, 4)]),
    (ATEN.max_pool2d_with_indices.default, [torch.zeros(1, 1, 2, 2), [5, 5]]),
]  # fmt: skip


@pytest.mark.parametrize(("op", "args"), WRONG, ids=lambda v: str(v)[:40])
def test_what_is_wrong_is_left_to_pytorch(op: Any, args: list[Any]) -> None:
    assert_agree(op, args, taken=False)
    with pytest.raises(RuntimeError):
        op(*[a.to("meta") if isinstance(a, Tensor) else a for a in args])


def test_real_tensors_and_other_orders_are_left_to_pytorch() -> None:
    assert answered(ATEN.relu.default, [torch.zeros(2)], {}) is NotImplemented
    last = torch.zeros(1, 2, 3, 3, device="meta").to(memory_format=torch.channels_last)
    assert answered(ATEN.relu.default, [last], {}) is NotImplemented
    assert answered(ATEN.cos.default, [torch.zeros(2, device="meta")], {}) is NotImplemented
