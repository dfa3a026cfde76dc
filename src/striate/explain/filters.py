"""The weights of a convolution as pictures: what its filters look for."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.anatomy.selection import select

__all__ = ["FilterRecord", "filters"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FilterRecord:
    """Filters of a layer, raw.

    Attributes:
        layer: Name of the layer.
        values: One filter a row, as the layer holds them; a copy, on the CPU.
    """

    layer: str
    values: Float[Tensor, "f c kh kw"]


def filters(network: nn.Module, layer: str | nn.Module | None = None) -> FilterRecord:
    """Return the weights of a convolution of two dimensions.

    Args:
        network: Any network.
        layer: Module of `network` or its name; None is the first convolution, or, if the network
            has no such module, the first weights of four axes.

    Raises:
        NetworkError: The layer is not there, or has no weights of four axes.

    >>> filters(nn.Sequential(nn.Conv2d(3, 8, 5))).values.shape
    torch.Size([8, 3, 5, 5])
    """
    if layer is None:
        return _first(network)
    for name, module in select(network, layer).modules.items():
        weight = getattr(module, "weight", None)
        if isinstance(weight, Tensor) and weight.ndim == 4:
            return _record(name, weight)
    known = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d)]
    raise NetworkError(
        f"layer {layer if isinstance(layer, str) else type(layer).__name__!r} has no filters "
        f"of two dimensions; {', '.join(known[:8]) or 'no layer'} has"
    )


def _first(network: nn.Module) -> FilterRecord:
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return _record(name, module.weight)
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            return _record(name.rpartition(".")[0], parameter)
    raise NetworkError("the network has no convolution of two dimensions, so no filters to show")


def _record(name: str, weight: Tensor) -> FilterRecord:
    return FilterRecord(layer=name, values=weight.detach().float().cpu().clone())
