"""The moving average of a network's weights."""

import copy

import torch
from torch import Tensor, nn

from striate._errors import NetworkError

__all__ = ["Average"]


class Average:
    """A copy of the network whose weights are the moving average of the trained one's.

    After each step `average += (1 - decay) * (weights - average)`, batch-norm statistics included.
    Early on the decay is `(1 + step) / (10 + step)` if that is smaller, so that the first, random
    weights are soon forgotten.

    Source:
        Polyak and Juditsky 1992; the warm-up is TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        try:
            self.network = copy.deepcopy(network)
        except (TypeError, RuntimeError) as error:
            raise NetworkError(
                f"ema needs a copy of the network, which cannot be copied ({error}); set ema=0"
            ) from error
        self.network.requires_grad_(False)
        self.decay = decay
        pairs = list(
            zip(
                [*self.network.parameters(), *self.network.buffers()],
                [*network.parameters(), *network.buffers()],
                strict=True,
            )
        )
        self._moving = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the weights after optimiser step `step` (from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages: list[Tensor] = [average for average, _ in self._moving]
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage] - no public spelling
            averages, [weight.detach() for _, weight in self._moving], 1 - decay
        )
        for average, weight in self._copied:
            average.copy_(weight)
