"""The layer table of any network: what each call puts out, holds and computes."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils import _pytree

from striate._errors import NetworkError, ShapeError
from striate.anatomy.calls import Call, calls
from striate.anatomy.hooks import preserved
from striate.anatomy.layer_table import LayerRow, LayerTable

__all__ = ["table"]

# What a forward pass raises that cannot run without values: it branches on them, or mixes devices.
_NO_META = (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError)


def table(
    network: nn.Module,
    size: int | Sequence[int],
    *,
    in_channels: int | None = None,
    batch: int = 1,
) -> LayerTable:
    """Return one row for each call of `network`'s forward pass in evaluation mode.

    Rows are calls of convolution, linear, norm, activation and pooling functions, a module's or
    not, and modules with parameters that no such call uses; no parameter is lost. The pass runs on
    the meta device, on a copy without values, and takes neither memory nor arithmetic. A network
    that cannot (it branches on values, say) is run once on zeros, as it is.

    The network comes back as it was.

    Args:
        network: Network that takes images.
        size: Height and width of the images, in pixels; an int stands for both. A network of
            another dimension takes as many lengths as it has axes behind the channels.
        in_channels: Channels of the images; None is what the first convolution or linear layer
            takes, or a quarter of it (where 2 x 2 pixels are folded into channels first), 3, or 1:
            the first with which the network runs.
        batch: Images in the batch.

    Raises:
        NetworkError: The forward pass fails.

    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(), nn.Flatten())
    >>> print(table(net, 5))
    name   kind         output         parameters  multiply-adds
    ------------------------------------------------------------
    0      convolution  1 x 4 x 3 x 3          36            324
    1      activation   1 x 4 x 3 x 3
    ------------------------------------------------------------
    total                                      36            324
    input 5 x 5; one row a call; multiply-adds of convolution and linear calls for the whole \
batch, biases not counted; shared parameters counted once, in the first row that uses them
    """
    lengths = (size, size) if isinstance(size, int) else tuple(int(length) for length in size)
    if not lengths or min(*lengths, batch, in_channels or 1) < 1:
        raise ShapeError(f"size {lengths}, batch {batch}, in_channels {in_channels} must be > 0")
    lazy = [name for name, p in network.named_parameters() if is_lazy(p)]
    if lazy:
        raise NetworkError(f"{lazy[0]} has no shape yet; run the network on images once, then ask")
    guesses = [in_channels] if in_channels else _guesses(network, lengths)
    shapes = [(batch, channels, *lengths) for channels in guesses]
    failed: NetworkError | None = None
    with preserved(network):
        for run in (_ghostly, _really):
            failed = None  # what a real pass says is better to read
            for shape in shapes:
                try:
                    return LayerTable(rows=tuple(run(network, shape)), size=lengths)
                except NetworkError as error:
                    failed = failed or error
    advice = "" if in_channels else "; say in_channels= if the images have other channels"
    raise NetworkError(f"{failed}{advice}") from failed


class _Rows:
    """Rows of one forward pass, written down as it goes: no tensor outlives its call."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.rows: list[tuple[str, LayerRow]] = []  # the module's name, the row
        self.counted: set[int] = set()
        self.ended: dict[str, tuple[int, int, tuple[int, ...]]] = {}  # see `_after`

    def of(self, images: Tensor) -> list[LayerRow]:
        """Return the rows of a forward pass of `images`."""
        with torch.no_grad(), calls(self.network, self._see, after=self._after):
            self.network(images)
        return self._with_leftovers()

    def _see(self, call: Call) -> None:
        arguments = _pytree.tree_leaves((tuple(call.args), dict(call.kwargs)))
        used = [a for a in arguments if isinstance(a, nn.Parameter)]
        new = [p for p in used if id(p) not in self.counted]
        self.counted.update(id(p) for p in new)
        parameters, trainable = _numbers(new)
        row = LayerRow(
            name=call.name,
            kind=call.kind,
            output_shape=tuple(call.output.shape),
            parameters=parameters,
            trainable=trainable,
            shared=len(new) < len(used),
            multiply_adds=_multiply_adds(call),
        )
        self.rows.append((call.module, row))

    def _after(self, name: str, _module: nn.Module, output: Any) -> None:
        tensors = [leaf for leaf in _pytree.tree_leaves(output) if isinstance(leaf, Tensor)]
        shape = tuple(tensors[0].shape) if tensors else ()
        # How many rows stand before the module's end, which end it is, and the output's shape.
        self.ended.setdefault(name, (len(self.rows), len(self.ended), shape))

    def _with_leftovers(self) -> list[LayerRow]:
        """Return the rows, each parameter that no call took given to its module's first row.

        A module without a call of its own gets a row where its forward ended, or at the end.
        """
        added: list[tuple[int, int, LayerRow]] = []
        for name, module in self.network.named_modules():
            own = [p for p in module._parameters.values() if p is not None]
            left = [p for p in own if id(p) not in self.counted]
            self.counted.update(id(p) for p in left)
            parameters, trainable = _numbers(left)
            if not parameters:
                continue
            at = next((i for i, (path, _) in enumerate(self.rows) if path == name), None)
            if at is None:
                never = (len(self.rows), len(self.ended), ())
                place, order, shape = self.ended.get(name, never)
                row = _other(name or type(module).__name__, shape, parameters, trainable)
                added.append((place, order, row))
            else:
                row = self.rows[at][1]
                parameters, trainable = row.parameters + parameters, row.trainable + trainable
                row = replace(row, parameters=parameters, trainable=trainable)
                self.rows[at] = (name, row)
        rows = [row for _, row in self.rows]
        added.sort(key=lambda entry: entry[:2])
        for place, _, row in reversed(added):
            rows.insert(place, row)
        return rows


def _ghostly(network: nn.Module, shape: tuple[int, ...]) -> list[LayerRow]:
    """Return the rows of a pass on the meta device, of a copy without values."""
    try:
        with torch.device("meta"):
            return _Rows(_on_meta(network)).of(torch.empty(shape, dtype=_dtype(network)))
    except _NO_META as error:
        raise NetworkError("the network does not run without values") from error


def _really(network: nn.Module, shape: tuple[int, ...]) -> list[LayerRow]:
    """Return the rows of a real forward pass, of zeros."""
    at = next((p.device for p in network.parameters()), torch.device("cpu"))
    rows = _Rows(network)
    try:
        return rows.of(torch.zeros(shape, dtype=_dtype(network), device=at))
    except _NO_META as error:
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        after = f" after {rows.rows[-1][1].name!r}" if rows.rows else ""
        text = f"the network fails{after} on images of shape {shape}: {line}"
        raise NetworkError(text) from error


def _on_meta(network: nn.Module) -> nn.Module:
    """Return a copy whose tensors have shapes but no values; nothing is allocated."""
    memo: dict[int, Any] = {}
    for module in network.modules():
        own = [*module._parameters.values(), *module._buffers.values(), *vars(module).values()]
        for value in own:
            if isinstance(value, Tensor) and id(value) not in memo:
                empty = value.detach().to("meta")
                is_weight = isinstance(value, nn.Parameter)
                memo[id(value)] = (
                    nn.Parameter(empty, requires_grad=value.requires_grad) if is_weight else empty
                )
    return copy.deepcopy(network, memo)


def _dtype(network: nn.Module) -> torch.dtype:
    return next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)


def _guesses(network: nn.Module, lengths: tuple[int, ...]) -> list[int]:
    """Return how many channels the images may have, the likeliest first."""
    pixels = torch.Size(lengths).numel()
    convolutions = [m for m in network.modules() if isinstance(m, nn.modules.conv._ConvNd)]
    linears = [m for m in network.modules() if isinstance(m, nn.Linear)]
    likely: list[int] = []
    if convolutions:
        first = convolutions[0].in_channels
        likely = [first, *([first // 4] if first % 4 == 0 else [])]
    elif linears and linears[0].in_features % pixels == 0:
        likely = [linears[0].in_features // pixels]
    return list(dict.fromkeys([*likely, 3, 1]))


def _numbers(parameters: list[nn.Parameter]) -> tuple[int, int]:
    """Return how many numbers there are, and how many are trained; each parameter once."""
    distinct = {id(p): p for p in parameters}.values()
    trained = sum(p.numel() for p in distinct if p.requires_grad)
    return sum(p.numel() for p in distinct), trained


def _other(name: str, shape: tuple[int, ...], parameters: int, trainable: int) -> LayerRow:
    return LayerRow(
        name=name,
        kind="other",
        output_shape=shape,
        parameters=parameters,
        trainable=trainable,
        shared=False,
        multiply_adds=0,
    )


def _multiply_adds(call: Call) -> int:
    """Return the multiply-adds of a call, biases not counted.

    Each output of a convolution is a sum over one filter. A transposed convolution is the matrix
    transpose of the convolution it turns round, so each *input* is multiplied by one filter.
    """
    if call.kind == "convolution":
        images, weight = call.argument(0, "input"), call.argument(1, "weight")
        turned = "transpose" in call.function or bool(
            call.function == "convolution" and call.argument(6, "transposed")
        )
        return (images if turned else call.output).numel() * weight[0].numel()
    if call.kind == "linear":
        weight = call.argument(2 if call.function == "bilinear" else 1, "weight")
        return call.output.numel() * weight[0].numel()
    return 0
