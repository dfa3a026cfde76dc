"""Convolution, normalisation and activation as one layer, in either order."""

from collections import OrderedDict
from collections.abc import Callable

from torch import nn

from striate._errors import NetworkError

__all__ = ["NORMS", "ORDERS", "ConvBlock"]

NORMS = ("batch", "group", "instance", "none")
ORDERS = ("norm-act", "act-norm")


class ConvBlock(nn.Sequential):
    """A convolution, a norm and an activation, as children `conv`, `norm` and `act`.

    What is switched off is no child. The children stand in the order in which they run.

    Args:
        in_channels: Channels before.
        out_channels: Channels after.
        kernel_size: Taps along height and width.
        stride: Pixels between two neighbouring places.
        padding: Zeros around; None is `kernel_size // 2`, which keeps the size at stride 1 if
            the kernel is odd.
        norm: `batch`, `group`, `instance`, each with a trained scale and shift a channel, or
            `none`. Groups: the largest divisor of `out_channels` up to 32 that leaves two or more
            channels in a group (with one, group norm would be instance norm).
        order: `norm-act` (Ioffe and Szegedy 2015) or `act-norm`.
        act: Makes the activation; None leaves it out.
        bias: Whether the convolution has one; None is yes, unless the norm comes right behind and
            would take it out again.

    Raises:
        NetworkError: An unknown norm or order.

    >>> [name for name, _ in ConvBlock(1, 8, 5, stride=2, order="act-norm").named_children()]
    ['conv', 'act', 'norm']
    """

    conv: nn.Conv2d

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        norm: str = "batch",
        order: str = "norm-act",
        act: Callable[[], nn.Module] | None = nn.ReLU,
        bias: bool | None = None,
    ) -> None:
        if order not in ORDERS:
            raise NetworkError(f"order is {order!r}; it must be {' or '.join(ORDERS)}")
        after: list[tuple[str, nn.Module]] = []
        if (made := _norm(norm, out_channels)) is not None:
            after.append(("norm", made))
        if act is not None:
            after.insert(len(after) if order == "norm-act" else 0, ("act", act()))
        if bias is None:
            bias = not after or after[0][0] != "norm"
        conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2 if padding is None else padding,
            bias=bias,
        )
        super().__init__(OrderedDict([("conv", conv), *after]))


def _norm(norm: str, channels: int) -> nn.Module | None:
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "group":
        most = max(min(32, channels // 2), 1)
        return nn.GroupNorm(max(g for g in range(1, most + 1) if channels % g == 0), channels)
    if norm == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    if norm == "none":
        return None
    raise NetworkError(f"norm is {norm!r}; it must be one of {', '.join(NORMS)}")
