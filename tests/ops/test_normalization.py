"""Local response normalisation: by hand, its three conventions, and its errors."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import local_response_norm
from tests.ops.test_convolution import random


def test_by_hand():
    # channel 1 of 1 2 3 with size 3: 2 / (1 + .5 * (1 + 4 + 9)) ^ 1 = 2 / 8; ends see two channels
    x = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1)
    y = local_response_norm(x, size=3, alpha=0.5, beta=1.0, k=1.0)
    assert y.flatten().tolist() == pytest.approx([1 / 3.5, 2 / 8, 3 / 7.5])


def test_the_courses_convention():
    x = random(2, 8, 3, 4) * 40
    ours = local_response_norm(x, size=2 * 2 + 1, alpha=2e-5, beta=0.75, k=1.0)
    torch.testing.assert_close(ours, F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0))
    assert (ours - x).abs().max() > 1e-3


def test_the_convention_of_the_2012_paper_is_the_default():
    x = random(2, 8, 3, 4) * 40
    ours = local_response_norm(x)
    torch.testing.assert_close(ours, F.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0))
    module = torch.nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    torch.testing.assert_close(ours, module(x))


def test_torch_s_convention():
    x = random(2, 8, 3, 4) * 40
    ours = local_response_norm(x, size=5, alpha=1e-4, k=1.0, mean=True)
    torch.testing.assert_close(ours, F.local_response_norm(x, 5))


@given(size=st.integers(1, 7), channels=st.integers(1, 6), mean=st.booleans())
def test_equals_the_formula(size, channels, mean):
    x = random(1, channels, 2)
    y = local_response_norm(x, size=size, alpha=0.3, beta=0.6, k=1.5, mean=mean)
    for c in range(channels):
        around = x[:, max(c - size // 2, 0) : c + (size - 1) // 2 + 1].square().sum(1)
        strength = 1.5 + 0.3 * around / (size if mean else 1)
        torch.testing.assert_close(y[:, c], x[:, c] / strength**0.6)


def test_gradients_and_mistakes(unannotated):
    x = random(1, 4, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: local_response_norm(x, alpha=0.5), x)
    with pytest.raises(ShapeError, match="size is 0; it must be at least 1"):
        local_response_norm(x, size=0)
    with pytest.raises(ShapeError, match="images: int64 numbers"):
        local_response_norm(x.long())
