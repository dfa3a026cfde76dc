"""Layers that learn their shape from their first input."""

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from striate._errors import NetworkError
from striate.files import printable

__all__ = ["shaped"]


def shaped(network: nn.Module, in_channels: int, size: tuple[int, int]) -> nn.Module:
    """Return `network` with every weight in its shape; its modes are as before.

    Lazy layers draw their weights in one pass of images of zeros, from the global random state: now
    they are a function of the seed like all others, and can be loaded and counted.

    Raises:
        NetworkError: The pass fails.

    >>> shaped(nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), 1, (3, 3))[1].weight.shape
    torch.Size([2, 9])
    """
    if not any(map(is_lazy, [*network.parameters(), *network.buffers()])):
        return network
    modes = [(module, module.training) for module in network.modules()]
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(2, in_channels, *size))
    except Exception as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise NetworkError(
            f"the network cannot take images of shape {(in_channels, *size)}: {printable(said)}"
        ) from error
    for module, training in modes:
        module.training = training
    return network
