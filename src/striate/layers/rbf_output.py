"""LeNet-5's output: the squared distance to a code of each class."""

from collections.abc import Sequence
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import ShapeError

__all__ = ["RBFOutput"]


class RBFOutput(nn.Module):
    """Squared Euclidean distances from the features to one code a class: the smallest one wins.

        y[i] = sum over j of (x[j] - codes[i, j])^2

    In the paper the codes are pictures of the characters, 7 x 12 pixels of -1 and +1, fixed; an
    example at a distance of 0 is as far inside a class as can be. They are saved with the weights.

    Args:
        in_features: Numbers of a feature vector (84 in the paper).
        classes: How many there are.
        codes: (classes, in_features); None draws -1 and +1 at random.
        trainable: Whether the codes are parameters, trained with the rest, or fixed.

    Raises:
        ShapeError: Codes of another shape.

    Source:
        LeCun et al., "Gradient-based learning applied to document recognition", 1998, section
        II.B, equation 7.

    >>> layer = RBFOutput(2, 2, codes=torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
    >>> layer(torch.tensor([[1.0, 0.5]])).tolist()
    [[0.25, 2.25]]
    """

    layer_kind = "linear"  # in a layer table, which asks `multiply_adds`
    codes: Tensor

    def __init__(
        self,
        in_features: int,
        classes: int,
        *,
        codes: Float[Tensor, "classes features"] | None = None,
        trainable: bool = False,
    ) -> None:
        super().__init__()
        self.in_features, self.classes = in_features, classes
        if codes is None:
            codes = torch.randint(0, 2, (classes, in_features)) * 2.0 - 1.0
        if tuple(codes.shape) != (classes, in_features):
            raise ShapeError(
                f"codes have shape {tuple(codes.shape)}; they must be one row a class, "
                f"({classes}, {in_features})"
            )
        codes = codes.detach().clone()
        if trainable:
            self.codes = nn.Parameter(codes)
        else:
            self.register_buffer("codes", codes)

    def forward(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n classes"]:
        """Return the squared distance of each row to the code of each class."""
        if features.ndim != 2 or features.shape[1] != self.in_features:
            raise ShapeError(
                f"features have shape {tuple(features.shape)}; they must be (n, {self.in_features})"
            )
        # Differences and squares, not |x|^2 - 2 x c + |c|^2: that loses the small distances.
        return (features[:, None] - self.codes).square().sum(-1)

    def multiply_adds(self, shape: Sequence[int]) -> int:
        """Return the multiply-adds for an output of `shape`: one square, added up, a difference."""
        return prod(shape) * self.in_features

    def extra_repr(self) -> str:
        """Return the settings, as printing the module shows them."""
        trainable = isinstance(self.codes, nn.Parameter)
        return f"{self.in_features}, {self.classes}, trainable={trainable}"
