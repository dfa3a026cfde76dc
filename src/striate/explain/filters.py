"""The weights of a convolution as pictures: what its filters look for."""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.anatomy.selection import select
from striate.zoo.papers.small_resnet import Fold

__all__ = ["FilterRecord", "filters"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FilterRecord:
    """Filters of a layer, raw.

    Attributes:
        layer: Name of the layer.
        values: One filter a row, as the layer holds them; a copy, on the CPU.
        fold: Side of the squares of pixels that the layer before has folded into channels; 1 if
            there is no such layer.
    """

    layer: str
    values: Float[Tensor, "f c kh kw"]
    fold: int = 1

    @property
    def unfolded(self) -> Float[Tensor, "f d h w"]:
        """The filters as they lie on the image: `d = c / fold^2, h = fold kh, w = fold kw`.

        A convolution over folded pixels is one over the image with these weights, and `fold` times
        the stride.
        """
        return F.pixel_shuffle(self.values, self.fold)


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
            return _record(name, weight, _fold(network, module))
    known = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d)]
    raise NetworkError(
        f"layer {layer if isinstance(layer, str) else type(layer).__name__!r} has no filters "
        f"of two dimensions; {', '.join(known[:8]) or 'no layer'} has"
    )


def _first(network: nn.Module) -> FilterRecord:
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return _record(name, module.weight, _fold(network, module))
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            return _record(name.rpartition(".")[0], parameter)
    raise NetworkError("the network has no convolution of two dimensions, so no filters to show")


def _fold(network: nn.Module, layer: nn.Module) -> int:
    """Return how far the module right in front of `layer` folds the pixels that it reads."""
    if not isinstance(layer, nn.Conv2d) or layer.groups > 1 or set(layer.dilation) != {1}:
        return 1
    leaves = [module for module in network.modules() if next(module.children(), None) is None]
    place = next(i for i, module in enumerate(leaves) if module is layer)
    before = leaves[place - 1] if place else None
    if isinstance(before, Fold):
        return 2
    return before.downscale_factor if isinstance(before, nn.PixelUnshuffle) else 1


def _record(name: str, weight: Tensor, fold: int = 1) -> FilterRecord:
    return FilterRecord(layer=name, values=weight.detach().float().cpu().clone(), fold=fold)
