"""All that a network carries from step to step: weights, and buffers whether saved with it or not.

A module may register a buffer with `persistent=False`, and `state_dict` leaves it out. If training
writes to it, a run that is resumed needs it all the same.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["load_state", "network_state"]


def network_state(network: nn.Module) -> dict[str, Tensor]:
    """Return weights and buffers by name; they are the network's own tensors, no copies.

    >>> network = nn.Linear(1, 1)
    >>> network.register_buffer("seen", torch.zeros(()), persistent=False)
    >>> sorted(network_state(network))
    ['bias', 'seen', 'weight']
    """
    listed = network.state_dict()
    return listed | {name: b for name, b in network.named_buffers() if name not in listed}


@torch.no_grad()
def load_state(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put what `network_state` returned back into the network, or into another one like it.

    Raises:
        RuntimeError: Names or shapes are not the network's.
    """
    listed = network.state_dict().keys()
    absent = [n for n, _ in network.named_buffers() if n not in listed and n not in state]
    if absent:
        raise RuntimeError(f"the key of the buffer {absent[0]} is missing")
    modules = dict(network.named_modules())
    rest = dict(state)
    for name in [name for name in state if name not in listed]:
        above, _, own = name.rpartition(".")
        if above in modules and own in modules[above]._buffers:
            _set_buffer(modules[above], own, rest.pop(name))
    network.load_state_dict(rest)  # names what is left over


def _set_buffer(module: nn.Module, name: str, value: Tensor) -> None:
    held = module._buffers[name]
    if held is not None and (held.shape, held.dtype) == (value.shape, value.dtype):
        held.copy_(value)  # in place: whoever holds this very tensor, such as an average, sees it
    else:  # a buffer that the module makes, or makes anew, while it runs
        setattr(module, name, value.clone() if held is None else value.to(held.device, copy=True))
