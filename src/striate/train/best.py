"""The weights worth keeping: those of the epoch that validates best."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from striate.train.state import load_state, network_state
from striate.train.validate import Validation

__all__ = ["Best"]


@dataclass(kw_only=True)
class Best:
    """Weights of the best epoch so far, and when it was.

    Higher accuracy is better; of equal accuracies, the lower loss; of equal losses, the earlier.
    Without validation images the last epoch is kept.
    """

    epoch: int = 0
    accuracy: float = -1.0
    loss: float = float("inf")
    weights: dict[str, Tensor] = field(default_factory=dict)

    def offer(self, network: nn.Module, epoch: int, found: Validation | None) -> bool:
        """Keep a copy of the weights of `network` if `found` is better; return whether it was."""
        if found is not None:
            if (found.accuracy, -found.loss) <= (self.accuracy, -self.loss):
                return False
            self.accuracy, self.loss = found.accuracy, found.loss
        self.epoch = epoch
        # Copies: training goes on with the tensors themselves.
        self.weights = {name: value.clone() for name, value in network_state(network).items()}
        return True

    @torch.no_grad()
    def restore(self, network: nn.Module) -> None:
        """Load the kept weights into `network`; without any it stays as it is."""
        if self.weights:
            load_state(network, self.weights)

    def to_state(self) -> dict[str, Any]:
        """Return plain values and tensors, for a checkpoint."""
        return {
            "epoch": self.epoch,
            "accuracy": self.accuracy,
            "loss": self.loss,
            "weights": self.weights,
        }
