"""The layer table of any network: what each call puts out, holds, computes, keeps and sees."""

import copy
import traceback

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from striate._errors import NetworkError, ShapeError
from striate.anatomy.hooks import preserved
from striate.anatomy.inputs import Given, Size, given
from striate.anatomy.layer_row import Memory
from striate.anatomy.layer_table import LayerTable
from striate.anatomy.memory import bytes_of
from striate.anatomy.meta import on_meta
from striate.anatomy.passes import ForwardPass
from striate.anatomy.rows import rows_of
from striate.anatomy.selection import check_network

__all__ = ["table"]

_FUSED = "LSTM: kept for backward as by its formulas; the fused kernel of a CPU keeps more"


def table(
    network: nn.Module,
    size: Size,
    *,
    in_channels: int | None = None,
    batch: int = 1,
    dtype: torch.dtype | None = None,
) -> LayerTable:
    """Return one row for each call of `network`'s forward pass in evaluation mode.

    Rows are calls of convolution, linear, norm, activation and pooling functions, a module's or
    not, of all that computes besides, and modules with parameters that no such call uses; no
    parameter is lost. A second pass, in training mode, tells what is kept for the backward pass;
    calls that only it makes have rows too. Both passes run on the meta device, on a copy without
    values, and take neither memory nor arithmetic. A network that cannot (it branches on values,
    say) is run on zeros, as it is, and the table says so.

    The network's weights, buffers, modes and hooks, and the random state, come back as they were;
    what a forward pass keeps in attributes of its own is kept after a real pass.

    Args:
        network: Network that takes images.
        size: Height and width of the images, in pixels; an int stands for each. A network of
            another dimension takes as many lengths as it has axes behind the channels. One length
            more than the first convolution has axes: channels first. For several inputs, the
            shape of each, channels first, without the batch. Or the input itself, a tensor, or
            several: for networks that take whole numbers.
        in_channels: Channels of the images; None is what the first convolution or linear layer
            takes, or a quarter of it (where 2 x 2 pixels are folded into channels first), 3, or 1:
            the first with which the network runs.
        batch: Images in the batch.
        dtype: Kind of number of weights and images, such as `torch.bfloat16`; None is that of the
            weights.

    Raises:
        NetworkError: The forward pass fails; the call where it does is named. Or it is no network.
        ShapeError: A size, the batch or the channels are below 1.

    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(), nn.Flatten())
    >>> found = table(net, 5)
    >>> [(row.name, row.kind, row.parameters, row.multiply_adds) for row in found.rows]
    [('0', 'convolution', 36, 324), ('1', 'activation', 0, 0)]
    >>> found.rows[1].receptive_field[0].size  # of the height, in pixels
    3
    >>> for line in found.text(80).splitlines()[:6]:
    ...     print(line)
    name   output   parameters  mult-adds  activation  backward  field  stride
    --------------------------------------------------------------------------
    0      1x4x3x3          36        324       144 B     100 B      3       1
    1      1x4x3x3                              144 B     144 B      3       1
    --------------------------------------------------------------------------
    total                   36        324       288 B     244 B
    """
    check_network(network)
    network = getattr(network, "_orig_mod", network)  # what torch.compile was given
    lazy = [name for name, p in network.named_parameters() if is_lazy(p)]
    if lazy:
        raise NetworkError(f"{lazy[0]} has no shape yet; run the network on images once, then ask")
    if dtype is not None and not dtype.is_floating_point:
        raise ShapeError(f"dtype {dtype} is no kind of real number; take torch.float32, say")
    guesses = given(network, size, in_channels, batch)
    kind = dtype or _dtype(network)
    failed: NetworkError | None = None
    with torch.inference_mode(False), preserved(network):
        for run in (_ghostly, _really):
            reason, failed = failed, None  # what a real pass says is better to read
            for inputs in guesses:
                try:
                    return run(network, inputs, kind, reason)
                except NetworkError as error:
                    failed = failed or error
    known = in_channels is not None or len(guesses) == 1 or guesses[0].sure
    advice = "" if known else "; say how many channels the images have, if that is why"
    raise NetworkError(f"{failed}{advice}") from failed


def _ghostly(
    network: nn.Module, inputs: Given, dtype: torch.dtype, _reason: NetworkError | None
) -> LayerTable:
    """Return the table of passes on the meta device, of a copy without values."""
    with torch.device("meta"):
        try:
            ghost = on_meta(network).to(dtype)
        except Exception as error:
            raise NetworkError(f"the network cannot be copied: {_line(error)}") from error
        if not all(p.is_meta for p in ghost.parameters()):
            raise NetworkError("the network cannot be copied without values")
        fused = any(isinstance(module, nn.LSTM) for module in network.modules())
        notes = [_FUSED] if fused else []
        return _passes(ghost, inputs, dtype, torch.device("meta"), notes)


def _really(
    network: nn.Module, inputs: Given, dtype: torch.dtype, reason: NetworkError | None
) -> LayerTable:
    """Return the table of real passes, of zeros."""
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    if dtype != _dtype(network):
        network = copy.deepcopy(network).to(dtype)
    why = str(reason).partition(" on inputs")[0] if reason else ""
    note = f"run on zeros, for without values {why}" if why else "run on zeros"
    return _passes(network, inputs, dtype, device, [note])


def _passes(
    network: nn.Module,
    inputs: Given,
    dtype: torch.dtype,
    device: torch.device,
    notes: list[str],
) -> LayerTable:
    images = inputs.made(dtype, device)
    evaluated = _forward(network, images)
    trained, peak, why = _training_step(network, images)
    if why:
        notes = [*notes, why]
    gradients = bytes_of(p for p in network.parameters() if p.requires_grad)
    memory = Memory(
        weights=bytes_of(network.parameters()),
        buffers=bytes_of(network.buffers()),
        inputs=bytes_of(images),
        inference=evaluated.memory.peak,
        gradients=gradients,
        backward=None if trained is None else trained.kept_bytes,
        training=peak,
    )
    return LayerTable(
        rows=rows_of(network, evaluated, trained),
        size=tuple(inputs.shapes[0][2:]),
        inputs=inputs.shapes,
        dtype=str(dtype).removeprefix("torch."),
        memory=memory,
        notes=tuple(notes),
    )


def _forward(network: nn.Module, images: list[Tensor]) -> ForwardPass:
    """Return a pass in evaluation mode.

    Raises:
        NetworkError: It fails; the call where it does is named.
    """
    done = ForwardPass(network, images, fields=True)
    try:
        done.run()
    except Exception as error:
        raise NetworkError(_where(done, images, error)) from error
    return done


def _training_step(
    network: nn.Module, images: list[Tensor]
) -> tuple[ForwardPass | None, int | None, str]:
    """Return a pass in training mode, the most memory of it and its way back, and what failed.

    The network stays in training mode.
    """
    done = ForwardPass(network, images, fields=False)
    try:
        network.train()
        output = done.run(gradients=True)
    except Exception as error:  # noqa: BLE001 - told in the table; the rest of it holds
        return None, None, f"no memory of training: {_where(done, images, error)}"
    try:
        done.backward(output)
    except Exception as error:  # noqa: BLE001 - told in the table; the rest of it holds
        return done, None, f"no peak of training: the way back fails: {_line(error)}"
    return done, done.memory.peak, ""


def _where(done: ForwardPass, images: list[Tensor], error: Exception) -> str:
    """Say in which call or module a pass failed, and after which."""
    failed = done.failed or _module_of(error, done.network)
    place = f" in {failed!r}" if failed else ""
    after = f" after {done.rows[-1].name!r}" if done.rows else ""
    shapes = " and ".join(str(tuple(image.shape)) for image in images)
    return f"the network fails{place}{after} on inputs of shape {shapes}: {_line(error)}"


def _module_of(error: Exception, network: nn.Module) -> str:
    """Return the name of the innermost module whose method the error passed through."""
    names = {id(module): name for name, module in network.named_modules()}
    inside = [frame.f_locals.get("self") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return next((name for own in reversed(inside) if (name := names.get(id(own)))), "")


def _line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _dtype(network: nn.Module) -> torch.dtype:
    return next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)
