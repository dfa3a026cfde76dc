"""One side of layer_table.py: the times of its tables, and what it says of the disputed cases.

    .venv/bin/python benchmarks/peers/layer_tables.py striate
    .venv-tables/bin/python benchmarks/peers/layer_tables.py torchinfo

Prints one line of JSON. Networks are torchvision's, with real weights, as a user has them.
"""

import argparse
import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2]))

NETS = ("vgg16", "resnet50", "googlenet")


class OneFunction(nn.Module):
    """A convolution that is a function."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, 3, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return F.conv2d(x, self.weight)


class Tied(nn.Module):
    """One matrix of 4 x 10 in two layers, and one of 10 x 8."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(4, 10, bias=False), nn.Linear(4, 10, bias=False)
        self.other.weight = self.one.weight
        self.head = nn.Linear(10, 8, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self.head(self.one(x) + self.other(x))


class Residual(nn.Module):
    """A 3x3 convolution beside a 7x7 one, added in place."""

    def __init__(self) -> None:
        super().__init__()
        self.small = nn.Conv2d(1, 1, 3, padding=1, bias=False)
        self.large = nn.Conv2d(1, 1, 7, padding=3, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return self.large(x).add_(self.small(x))


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "transposed": (lambda: nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), (1, 16, 8, 8)),
    "function": (OneFunction, (1, 3, 8, 8)),
    "tied": (Tied, (1, 4)),
    "in place": (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.ReLU(inplace=True)),
        (1, 1, 8, 8),
    ),
    "residual": (Residual, (1, 1, 16, 16)),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["striate", "torchinfo", "fvcore"])
    parser.add_argument("--calls", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(2)
    logging.disable(logging.WARNING)
    table, facts = {"striate": striate, "torchinfo": torchinfo, "fvcore": fvcore}[given.side]()
    found: dict[str, Any] = {"nets": {}, "cases": {}}
    for name in NETS:
        network, images = net(name), torch.zeros(1, 3, 224, 224)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds = []
        for _ in range(given.calls + 1):
            start = time.perf_counter()
            made = table(network, images)
            seconds.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        numbers = facts(made)
        found["nets"][name] = {
            "first": seconds[0], "seconds": sorted(seconds[1:])[given.calls // 2],
            "mib": (after - before) / 1024, **numbers,
        }  # fmt: skip
    for name, (build, shape) in CASES.items():
        found["cases"][name] = facts(table(build().eval(), torch.zeros(shape)))
    print(json.dumps(found))


def net(name: str) -> nn.Module:
    from tests.torchvision_nets import torchvision_net

    return torchvision_net(name).eval()


def striate() -> tuple[Callable[..., Any], Callable[..., dict[str, Any]]]:
    from striate import anatomy

    def facts(made: Any) -> dict[str, Any]:
        field = made.rows[-1].receptive_field
        return {
            "multiply_adds": made.multiply_adds,
            "parameters": made.parameters,
            "bytes": made.totals["activation_bytes"],
            "field": field[0].size if field else None,
            "text": len(str(made)),
        }

    return anatomy.table, facts


def torchinfo() -> tuple[Callable[..., Any], Callable[..., dict[str, Any]]]:
    from torchinfo import summary

    def table(network: nn.Module, images: torch.Tensor) -> Any:
        return summary(network, input_data=images, depth=9, verbose=0)

    def facts(made: Any) -> dict[str, Any]:
        return {
            "multiply_adds": made.total_mult_adds,
            "parameters": made.total_params,
            "bytes": made.total_output_bytes,
            "field": None,
            "text": len(str(made)),
        }

    return table, facts


def fvcore() -> tuple[Callable[..., Any], Callable[..., dict[str, Any]]]:
    from fvcore.nn import FlopCountAnalysis, flop_count_table, parameter_count

    def table(network: nn.Module, images: torch.Tensor) -> Any:
        counts = FlopCountAnalysis(network, images)
        return counts, parameter_count(network)[""], flop_count_table(counts, max_depth=9)

    def facts(made: Any) -> dict[str, Any]:
        counts, parameters, text = made
        return {
            "multiply_adds": counts.total(), "parameters": parameters, "bytes": None,
            "field": None, "text": len(text),
        }  # fmt: skip

    return table, facts


if __name__ == "__main__":
    main()
