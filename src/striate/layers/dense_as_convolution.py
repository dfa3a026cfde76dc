"""Dense layers as convolutions that compute the same: a classifier then runs over larger images."""

from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import nn

from striate._errors import NetworkError, ShapeError
from striate.ops.padding import per_axis

__all__ = ["head_as_convolution", "linear_as_convolution"]

_POINTWISE = (
    nn.Identity, nn.Dropout, nn.AlphaDropout,
    nn.Threshold, nn.ReLU, nn.RReLU, nn.Hardtanh, nn.ReLU6, nn.Sigmoid, nn.Hardsigmoid, nn.Tanh,
    nn.SiLU, nn.Mish, nn.Hardswish, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.Hardshrink, nn.LeakyReLU,
    nn.LogSigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanhshrink,
)  # fmt: skip
"""Modules that do the same to each number, wherever it stands."""


def linear_as_convolution(linear: nn.Linear, shape: Sequence[int]) -> nn.Conv2d:
    """Return the convolution that computes what `linear` does to flattened maps of `shape`.

    On maps of that size it gives one place, with the numbers of `linear`. On larger ones it gives
    a map: at each place what `linear` says of the window there.

    Args:
        linear: Dense layer; it stays as it is, its weights are copied.
        shape: (channels, height, width) of the maps, before they were flattened; (features, 1, 1)
            for a layer behind another dense layer.

    Raises:
        ShapeError: `linear` does not read that many numbers.

    Source:
        Sermanet et al., "OverFeat", arXiv:1312.6229, section 3.5; Long et al., arXiv:1411.4038,
        section 3.1.

    >>> linear = nn.Linear(16 * 5 * 5, 120)
    >>> linear_as_convolution(linear, (16, 5, 5))
    Conv2d(16, 120, kernel_size=(5, 5), stride=(1, 1))
    """
    channels, height, width = per_axis(shape, 3, "shape")
    if channels * height * width != linear.in_features:
        raise ShapeError(
            f"shape {tuple(shape)} has {channels * height * width} numbers, but the dense layer "
            f"reads {linear.in_features}{_fitting(linear.in_features, height, width)}"
        )
    weight, bias = linear.weight, linear.bias
    convolution = nn.Conv2d(
        channels, linear.out_features, (height, width),
        bias=bias is not None, device="meta", dtype=weight.dtype,
    )  # fmt: skip
    like = weight.detach().clone().reshape(linear.out_features, channels, height, width)
    convolution.weight = nn.Parameter(like, requires_grad=weight.requires_grad)
    if bias is not None:
        convolution.bias = nn.Parameter(bias.detach().clone(), requires_grad=bias.requires_grad)
    return convolution.train(linear.training)


def _fitting(features: int, height: int, width: int) -> str:
    if features % (height * width):
        return ""
    return f"; ({features // (height * width)}, {height}, {width}) would fit"


def head_as_convolution(network: nn.Sequential, shape: Sequence[int]) -> nn.Sequential:
    """Return `network` with its dense layers as convolutions, to run over larger images.

    Each place of the result's map is what `network` says of the crop there: the crop at row r and
    column c of the map begins at r * stride and c * stride of the image, where stride is that of
    all the layers before. Without padding inside, the numbers are those of the crops one by one;
    layers that pad see the image around the crop where they saw their border.

    Flattening falls away, dense layers become convolutions, a batch norm behind them one of two
    axes, and global pooling a pooling over windows of the size it had. What comes before the
    flattening stays. Sequences within sequences are walked through; their names stay.

    Args:
        network: A sequence in which the maps are flattened; `nn.Sequential(net.stages, net.head)`
            for a network in two parts. It stays as it is, weights are copied.
        shape: (channels, height, width) of one input that `network` was made for.

    Returns:
        A sequence from images (n, c, h, w) to maps of scores (n, classes, rows, columns).

    Raises:
        NetworkError: It is no plain sequence, nothing is flattened in it, or a layer behind mixes
            places or features; the text names it.
        ShapeError: A dense layer does not read as many numbers as there are.

    >>> head = nn.Sequential(nn.Flatten(), nn.Linear(16 * 5 * 5, 84), nn.ReLU(), nn.Linear(84, 10))
    >>> head_as_convolution(head, (16, 5, 5))(torch.zeros(1, 16, 7, 8)).shape
    torch.Size([1, 10, 3, 4])
    """
    if not isinstance(network, nn.Sequential) or type(network).forward is not nn.Sequential.forward:
        raise NetworkError(
            f"{type(network).__name__} has a forward of its own; it must be an nn.Sequential whose "
            "maps an nn.Flatten flattens: nn.Sequential(features, nn.AdaptiveAvgPool2d(1), "
            "nn.Flatten(), dense layers)"
        )
    walk = _Walk(per_axis(shape, 3, "shape"))
    result = walk.sequence(network, "")
    if not walk.flat:
        raise NetworkError(
            "no nn.Flatten in the sequence: there is nothing to turn into a convolution"
        )
    return result


class _Walk:
    """The way through a sequence, with the shape at each step."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.flat = False  # behind the flattening

    def sequence(self, sequence: nn.Sequential, name: str) -> nn.Sequential:
        children = OrderedDict()
        for key, child in sequence.named_children():
            path = f"{name}.{key}" if name else key
            if type(child) is nn.Sequential:
                children[key] = self.sequence(child, path)
            else:
                children[key] = self.after(child, path) if self.flat else self.before(child, path)
        result = nn.Sequential(children)
        result.training = sequence.training  # not `train`, which would set the children's too
        return result

    def before(self, module: nn.Module, path: str) -> nn.Module:
        """Return what stands for a module before the flattening."""
        if isinstance(module, nn.Flatten):
            if (module.start_dim, module.end_dim) not in {(1, -1), (1, 3)}:
                raise NetworkError(f"layer {path} is {module}; it must flatten all but the batch")
            self.flat = True
            return nn.Identity()
        if isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
            return self.pooling(module, path)
        copy = deepcopy(module)
        with torch.no_grad():
            example = torch.empty(1, *self.shape, device="meta")
            out = deepcopy(module).to(device="meta", dtype=example.dtype).eval()(example)
        if out.ndim != 4:
            raise NetworkError(
                f"layer {path}, {type(module).__name__}, gives shape {tuple(out.shape[1:])} an "
                "image; up to the flattening it must be (channels, height, width)"
            )
        self.shape = tuple(out.shape[1:])
        return copy

    def pooling(self, module: nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d, path: str) -> nn.Module:
        """Return the pooling over windows that does to the crop what the adaptive one did."""
        wanted = module.output_size
        pair = tuple(wanted) if isinstance(wanted, tuple | list) else (wanted, wanted)
        channels, *size = self.shape
        out = [n if given is None else given for given, n in zip(pair, size, strict=True)]
        windows = []
        for n, m in zip(size, out, strict=True):
            if m not in (1, n):
                raise NetworkError(
                    f"layer {path} pools {size[0]} x {size[1]} to {out[0]} x {out[1]}; over larger "
                    "images that can only be done for 1 or all of the rows and columns"
                )
            windows.append(n if m == 1 else 1)
        self.shape = (channels, *out)
        kind = nn.AvgPool2d if isinstance(module, nn.AdaptiveAvgPool2d) else nn.MaxPool2d
        return kind((windows[0], windows[1]), stride=1)

    def after(self, module: nn.Module, path: str) -> nn.Module:
        """Return what stands for a module behind the flattening."""
        if isinstance(module, nn.Linear):
            convolution = linear_as_convolution(module, self.shape)
            self.shape = (module.out_features, 1, 1)
            return convolution
        if isinstance(module, _POINTWISE):
            return deepcopy(module)
        if self.shape[1:] == (
            1,
            1,
        ):  # one number a channel: what is said of features is of channels
            if isinstance(module, nn.PReLU):
                return deepcopy(module)
            if isinstance(module, nn.BatchNorm1d):
                return _norm_of_maps(module)
            if isinstance(module, nn.Softmax | nn.LogSoftmax) and module.dim in (1, -1):
                return type(module)(dim=1)
        raise NetworkError(
            f"layer {path}, {type(module).__name__}, has no equal among convolutions here; "
            "dense layers, batch norm behind them, activations and dropout have"
        )


def _norm_of_maps(norm: nn.BatchNorm1d) -> nn.BatchNorm2d:
    """Return the batch norm of maps with the same numbers a feature."""
    maps = nn.BatchNorm2d(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
    )
    for name, tensor in [*norm.named_parameters(), *norm.named_buffers()]:
        setattr(maps, name, deepcopy(tensor))
    return maps.train(norm.training)
