"""What the layer table is held against: PyTorch's own counters and gradients."""

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from striate.anatomy import LayerTable, Memory

__all__ = ["half_of_flops", "kept_bytes", "memory_of", "opened", "seen_by_gradient"]


def kept_bytes(network: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Return the bytes of distinct storages that a training pass saves, parameters aside."""
    network = copy.deepcopy(network).train()
    weights = {p.untyped_storage().data_ptr() for p in network.parameters()}
    saved: dict[int, Tensor] = {}  # the tensors stay, so that no address is used twice

    def pack(tensor: Tensor) -> Tensor:
        address = tensor.untyped_storage().data_ptr()
        if address not in weights:
            saved[address] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(*inputs)
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


def half_of_flops(network: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Return half of what PyTorch's counter finds in evaluation mode."""
    network = copy.deepcopy(network).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    return counter.get_total_flops() // 2


class _Mean(nn.Module):
    """An average pooling in place of a max pooling, so that every cell counts."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(
            pool.kernel_size, pool.stride, pool.padding, ceil_mode=pool.ceil_mode
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x)


def opened(network: nn.Module) -> nn.Module:
    """Return a copy in float64 where every path carries: positive weights, averages for maxima."""
    network = copy.deepcopy(network).double().eval()
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(parent, name, _Mean(child))
    for module in network.modules():
        for name, weight in module.named_parameters(recurse=False):
            if weight.ndim > 1:
                weight.data.fill_(1 / weight[0].numel())
            else:  # scale and shift of a norm, biases
                weight.data.fill_(1.0 if name == "weight" else 0.0)
    return network


def seen_by_gradient(
    network: Callable[[Tensor], Tensor],
    shape: Sequence[int],
    *,
    cells: Sequence[int],
    axis: int = 2,
) -> Iterator[tuple[int, int]]:
    """Yield, for each output cell along `axis`, the first and last input cell with a gradient.

    The other axes behind the channels are taken at their middle.
    """
    images = torch.ones(*shape, dtype=torch.float64, requires_grad=True)
    output = network(images)
    output = next(leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor))
    for cell in cells:
        middle = [length // 2 for length in output.shape]
        middle[axis] = cell
        score = output[0, (slice(None), *middle[2:])[0]].movedim(0, -1)[tuple(middle[2:])].sum()
        (gradient,) = torch.autograd.grad(score, images, retain_graph=True)
        others = [a for a in range(images.ndim) if a != axis]
        seen = gradient.abs().sum(others).nonzero().flatten()
        yield int(seen[0]), int(seen[-1])


def memory_of(found: LayerTable) -> Memory:
    """Return the memory of a table that has one."""
    assert found.memory is not None
    return found.memory
