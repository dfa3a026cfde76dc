"""Which layer a map is read from when the caller names none."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.anatomy import Call, calls, preserved

__all__ = ["feature_layer"]

_KINDS = ("convolution", "linear", "norm", "activation", "pooling")


def feature_layer(network: nn.Module, images: Float[Tensor, "n c h w"]) -> str:
    """Return the name of the layer that puts out the last feature map, as `capture` takes it.

    That is the last output of shape (n, channels, height, width) with more than one pixel, of a
    module or of a functional call; a pooling's does not count, for the map before it is finer, nor
    a linear layer's, whose channels stand last. If no map has more than one pixel, it is the last
    one of a pixel.

    Args:
        network: Network that takes `images`; it comes back as it was.
        images: One image is enough.

    Raises:
        NetworkError: Nothing in the network puts out such a map.

    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    >>> feature_layer(net, torch.zeros(1, 1, 6, 6))
    '1'
    """
    search = _Search()
    watching = calls(network, search.see, kinds=_KINDS, after=search.after)
    with preserved(network), torch.no_grad(), watching:
        network(images[:1].clone())  # a layer in place would write to the caller's images
    if (name := search.wide or search.last) is None:
        raise NetworkError(
            "no layer of the network puts out a map (n, channels, height, width); "
            "maps such as Grad-CAM need one"
        )
    return name


class _Search:
    def __init__(self) -> None:
        self.wide: str | None = None  # the last map of more than one pixel
        self.last: str | None = None  # the last map
        self.known: Tensor | None = None  # the last output that is spoken for

    def see(self, call: Call) -> None:
        if call.kind in ("pooling", "linear"):
            self.known = call.output
        else:
            self.offer(call.name, call.output)

    def after(self, name: str, _module: nn.Module, output: Any) -> None:
        if name and output is not self.known:
            self.offer(name, output)  # else it hands on what a layer inside has put out

    def offer(self, name: str, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4 or not output.is_floating_point():
            return
        self.known = output
        self.last = name
        if output.shape[2] * output.shape[3] > 1:
            self.wide = name
