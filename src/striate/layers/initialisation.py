"""First weights of a network. Drawn from torch's global generator, so `torch.manual_seed` rules."""

from collections.abc import Iterator
from typing import Literal

from torch import Tensor, nn

__all__ = ["initialise_glorot", "initialise_he"]


def initialise_he(network: nn.Module, *, mode: Literal["fan_in", "fan_out"] = "fan_in") -> None:
    """Draw the weights for a network of rectifiers: normal, deviation sqrt(2 / fan).

    The last layer gives the scores and has no rectifier behind it, so it gets sqrt(1 / fan_in).
    Biases become 0; norms scale by 1 and shift by 0.

    Args:
        network: Changed in place.
        mode: `fan_in` keeps the spread of the activations, `fan_out` that of the gradients.

    Source:
        He et al., "Delving deep into rectifiers", arXiv:1502.01852, equations 10 and 14.
    """
    *hidden, last = _weights(network)
    for weight in hidden:
        nn.init.kaiming_normal_(weight, mode=mode, nonlinearity="relu")
    nn.init.kaiming_normal_(last, nonlinearity="linear")


def initialise_glorot(network: nn.Module) -> None:
    """Draw the weights for a network of tanh units: uniform, +- sqrt(6 / (fan_in + fan_out)).

    Biases become 0; norms scale by 1 and shift by 0.

    Source:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
        networks", AISTATS 2010, equation 16.
    """
    for weight in _weights(network):
        nn.init.xavier_uniform_(weight)


def _weights(network: nn.Module) -> Iterator[Tensor]:
    """Yield the weights of convolutions and linear layers; reset biases and norms on the way."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            yield module.weight
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.InstanceNorm2d):
            module.reset_parameters()
