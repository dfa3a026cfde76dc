"""LeNet-5's pooling: the sum of a window times a trained coefficient, plus a trained bias."""

from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from striate.ops.padding import per_axis
from striate.ops.shape_checks import check_fit, check_tensor

__all__ = ["TrainablePool2d"]


class TrainablePool2d(nn.Module):
    """The sum of each window, times one coefficient a map, plus one bias a map.

    The squashing that follows in the paper is a layer of its own. At first it is the mean: the
    coefficient is 1 / cells of the window, the bias 0.

    Args:
        channels: Maps, before and after.
        kernel_size: Cells of the window; one number, or (height, width).
        stride: Cells between two neighbouring windows; None is `kernel_size`.

    Raises:
        ShapeError: A number below 1.

    Source:
        LeCun et al., "Gradient-based learning applied to document recognition", 1998, section
        II.B, layer S2: 12 trainable parameters for 6 maps.

    >>> sum(p.numel() for p in TrainablePool2d(6).parameters())
    12
    >>> TrainablePool2d(1)(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])).item()
    3.0
    """

    layer_kind = "pooling"  # in a layer table, which asks `multiply_adds`

    def __init__(
        self,
        channels: int,
        kernel_size: int | Sequence[int] = 2,
        *,
        stride: int | Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.kernel_size = per_axis(kernel_size, 2, "kernel_size")
        self.stride = self.kernel_size if stride is None else per_axis(stride, 2, "stride")
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Make it the mean of each window."""
        nn.init.constant_(self.weight, 1 / prod(self.kernel_size))
        nn.init.zeros_(self.bias)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c rows columns"]:
        """Return the pooled maps; cells left over at the far ends are not read."""
        check_tensor(images, 2)
        check_fit(images.shape[2:], self.kernel_size, stride=1, padding=0, dilation=1)
        sums = F.avg_pool2d(images, self.kernel_size, self.stride, divisor_override=1)
        return sums * self.weight[:, None, None] + self.bias[:, None, None]

    def multiply_adds(self, shape: Sequence[int]) -> int:
        """Return the multiply-adds for an output of `shape`: one product a cell.

        The bias is not counted, nor are the additions within the window.
        """
        return prod(shape)

    def extra_repr(self) -> str:
        """Return the settings, as printing the module shows them."""
        return f"{self.channels}, kernel_size={self.kernel_size}, stride={self.stride}"
