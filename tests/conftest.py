"""Fixtures and guards shared by the suite."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import hypothesis
import jaxtyping
import pytest
import torch
from torch import Tensor, nn

hypothesis.settings.register_profile("striate", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("striate")

# Tests are many small operations, and pytest-xdist runs them side by side: more threads a process
# would only wait for one another.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def unannotated() -> Generator[None, None, None]:
    """Call functions as users do: annotations are not checked, so the functions must do it."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


def _hooks(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return every kind of hook a module carries, by the identity of the functions."""
    kept = {name: value for name, value in vars(module).items() if "hooks" in name}
    return {
        name: tuple(id(hook) for hook in value.values())
        for name, value in kept.items()
        if hasattr(value, "values")
    }


def _global_state() -> dict[str, Any]:
    own = vars(torch.nn.modules.module)
    return {
        "random state": torch.get_rng_state().tolist(),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "function modes": torch.overrides._get_current_function_mode_stack(),
        "global hooks": {
            name: len(value)
            for name, value in own.items()
            if name.startswith("_global") and hasattr(value, "__len__")
        },
    }


def _traits(model: nn.Module) -> dict[str, Any]:
    modules = list(model.named_modules(remove_duplicate=False))
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {
        "modules": [(name, id(m), type(m)) for name, m in modules],
        "modes": [(name, m.training) for name, m in modules],
        "hooks": [(name, _hooks(m)) for name, m in modules],
        "attributes": [(name, sorted(vars(m))) for name, m in modules],
        "tensors": [(name, id(t)) for name, t in tensors],
        "tensor hooks": [(name, len(t._backward_hooks or ())) for name, t in tensors],
        "requires_grad": [(name, t.requires_grad) for name, t in tensors],
    }


def _values(model: nn.Module) -> dict[str, Tensor | None]:
    """Return copies of all weights, buffers and gradients."""
    parameters = dict(model.named_parameters())
    weights = {name: p.detach().clone() for name, p in parameters.items()}
    buffers = {f"buffer {name}": b.detach().clone() for name, b in model.named_buffers()}
    gradients = {
        f"grad {name}": None if p.grad is None else p.grad.detach().clone()
        for name, p in parameters.items()
    }
    return {**weights, **buffers, **gradients}


@contextmanager
def unchanged(model: nn.Module) -> Generator[None, None, None]:
    """Fail unless the block leaves the model, and torch's global state, as they were.

    Modes, hooks of every kind, attributes, identity of modules and tensors, `requires_grad`,
    `.grad`, weights, buffers, the CPU's random state, grad mode; also if the block raises.
    """
    state, traits, values = _global_state(), _traits(model), _values(model)
    try:
        yield
    finally:
        for name, now in {**_global_state(), **_traits(model)}.items():
            assert now == {**state, **traits}[name], f"{name} changed"
        now_values = _values(model)
        assert list(now_values) == list(values)
        for name, before in values.items():
            after = now_values[name]
            assert (before is None) == (after is None), f"{name} appeared or vanished"
            if before is not None and after is not None:
                torch.testing.assert_close(
                    after, before, rtol=0, atol=0, equal_nan=True, msg=f"{name} changed"
                )
