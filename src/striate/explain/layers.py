"""Which layer a map is read from when the caller names none."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.anatomy import Call, calls, preserved

__all__ = ["feature_layer"]

_POOLS = (
    *(nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd),
    *(nn.modules.pooling._AdaptiveMaxPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd),
    *(nn.modules.pooling._LPPoolNd, nn.FractionalMaxPool2d, nn.modules.dropout._DropoutNd),
)


def feature_layer(network: nn.Module, images: Float[Tensor, "n c h w"]) -> str:
    """Return the name of the layer that puts out the last feature map, as `capture` takes it.

    That is the last output of shape (n, channels, height, width) with more than one pixel, of a
    module or of a functional call; a pooling's or a dropout's does not count, for the map before
    it is finer or the same. If no map has more than one pixel, it is the last one of a pixel.

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
    watching = calls(network, search.see, after=search.after)
    with preserved(network), torch.no_grad(), watching:
        network(images[:1])
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
        self.known: list[Tensor] = []  # outputs that are spoken for, the last few

    def see(self, call: Call) -> None:
        if call.kind == "pooling":
            self.known = [call.output]
        elif call.kind != "linear":  # a linear layer's channels stand last
            self.offer(call.name, call.output)

    def after(self, name: str, module: nn.Module, output: Any) -> None:
        if isinstance(module, _POOLS):
            self.known.append(output)
        elif name and not any(output is known for known in self.known):
            self.offer(name, output)  # else it hands on what a layer inside has put out

    def offer(self, name: str, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim != 4 or not output.is_floating_point():
            return
        self.known = [output]
        self.last = name
        if output.shape[2] * output.shape[3] > 1:
            self.wide = name
