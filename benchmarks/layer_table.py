"""anatomy.table against torchinfo and fvcore: time, memory, and who is right where they disagree.

    benchmarks/peers/tables.sh                                        # .venv-tables, once
    taskset -c 0,1 .venv/bin/python benchmarks/layer_table.py [--rounds 5]

Every side of a round is a process of its own, in turns which goes first; a ratio is taken within a
round. See peers/layer_tables.py for what each side does.
"""

import argparse
import json
import os
import subprocess
from pathlib import Path
from statistics import median
from typing import Any

import tables

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "layer_table.md"
PYTHON = {
    "striate": HERE.parent / ".venv" / "bin" / "python",
    "torchinfo": HERE.parent / ".venv-tables" / "bin" / "python",
    "fvcore": HERE.parent / ".venv-tables" / "bin" / "python",
}
NETS = {"vgg16": "VGG-16", "resnet50": "ResNet-50", "googlenet": "GoogLeNet"}
# What is asked, of which case and number, and what is right, by hand.
DISPUTED = (
    ("multiply-adds of a transposed convolution, 16 x 8 x 8 to 8 x 16 x 16, kernel 4, stride 2",
     "transposed", "multiply_adds", 16 * 8 * 8 * 8 * 4 * 4),
    ("multiply-adds of `F.conv2d`, 3 x 8 x 8 to 4 x 6 x 6, kernel 3",
     "function", "multiply_adds", 4 * 6 * 6 * 27),
    ("parameters of one 4 x 10 matrix in two layers and one of 10 x 8",
     "tied", "parameters", 4 * 10 + 10 * 8),
    ("bytes behind a convolution to 4 x 8 x 8 and a ReLU in place",
     "in place", "bytes", 4 * 8 * 8 * 4),
    ("receptive field of a 3x3 and a 7x7 convolution, added", "residual", "field", 7),
)  # fmt: skip
FRESH = """
import resource, time, torch
from torch import nn
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
widths = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]
with torch.device("meta"):
    layers, channels = [], 3
    for width in widths:
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2))
    head = [nn.Linear(25088, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 4096)]
    head += [nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 1000)]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *head)
start = time.perf_counter()
from striate import anatomy
imported = time.perf_counter()
assert anatomy.table(network, 224).parameters == 138_357_544
ended = time.perf_counter()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(ended - imported, imported - start, (after - before) / 1024)
"""


def side(name: str) -> dict[str, Any]:
    command = [PYTHON[name], "-W", "ignore", HERE / "peers" / "layer_tables.py", name]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def fresh() -> list[float]:
    """Return seconds of the first table, seconds of the import, and MiB beyond torch's."""
    command = [PYTHON["striate"], "-c", FRESH]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE.parent)
    return [float(word) for word in done.stdout.split()]


def times_table(rounds: list[dict[str, Any]]) -> str:
    rows = []
    for net, title in NETS.items():
        cells = [title]
        for name in PYTHON:
            cells.append(f"{1e3 * median(r[name]['nets'][net]['seconds'] for r in rounds):,.0f}")
        for peer in ("torchinfo", "fvcore"):
            ratios = [
                r["striate"]["nets"][net]["seconds"] / r[peer]["nets"][net]["seconds"]
                for r in rounds
            ]
            cells.append(f"**{median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})")
        rows.append(cells)
    head = ["network", "striate, ms", "torchinfo, ms", "fvcore, ms", "to torchinfo", "to fvcore"]
    return tables.markdown(head, rows)


def memory_table(rounds: list[dict[str, Any]]) -> str:
    rows = [
        ["VGG-16", *(f"{median(r[name]['nets']['vgg16']['mib'] for r in rounds):.0f}"
                     for name in PYTHON)]
    ]  # fmt: skip
    return tables.markdown(["network", *(f"{name}, MiB" for name in PYTHON)], rows)


def disputed_table(found: dict[str, Any]) -> str:
    rows = []
    for text, case, key, right in DISPUTED:
        cells = [text, f"{right:,}"]
        for name in PYTHON:
            value = found[name]["cases"][case][key]
            said = "not told" if value is None else f"{value:,}"
            cells.append(said if value is None else f"{said} {'✓' if value == right else '✗'}")
        rows.append(cells)
    return tables.markdown(["what", "by hand", *PYTHON], rows)


def totals_table(found: dict[str, Any]) -> str:
    rows = [
        [title, *(f"{found[name]['nets'][net]['multiply_adds']:,}" for name in PYTHON)]
        for net, title in NETS.items()
    ]
    return tables.markdown(["multiply-adds", *PYTHON], rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rounds, firsts = [], []
    for turn in range(given.rounds):
        names = list(PYTHON) if turn % 2 == 0 else list(reversed(PYTHON))
        rounds.append({name: side(name) for name in names})
        firsts.append(fresh())
        print(f"round {turn + 1} of {given.rounds}", flush=True)
    seconds, importing, mib = (median(column) for column in zip(*firsts, strict=True))
    right = all(
        rounds[0]["striate"]["cases"][case][key] == value for _, case, key, value in DISPUTED
    )
    claims = [
        tables.Claim(
            "VGG-16's table in under 1 s and 120 MB beyond `import torch`",
            f"{seconds:.2f} s for the first in a process, {importing:.2f} s to import, "
            f"{mib:.0f} MiB",
            max(row[0] for row in firsts) < 1 and max(row[2] for row in firsts) * 1.048576 < 120,
        ),
        tables.Claim("right on every disputed case", "see below", right),
    ]
    RESULTS.write_text(page(rounds, claims), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


def page(rounds: list[dict[str, Any]], claims: list[tables.Claim]) -> str:
    load = f"{os.getloadavg()[0]:.1f}"
    return "\n".join(
        [
            "# anatomy.table against torchinfo and fvcore\n",
            tables.claims_table(claims),
            f"{len(rounds)} rounds, 2 threads, load average {load}; {tables.processor()}.\n",
            "## Time of a table\n",
            "After one to warm up, median of 5 in a process, median of the rounds; in brackets the "
            "rounds' range. torchinfo makes one real forward pass, fvcore one traced one. Striate "
            "makes three without values, forward, forward in training mode and backward, and "
            "follows every call's memory and receptive field.\n",
            times_table(rounds),
            "Memory that the process grew by in its first tables, weights not counted:\n",
            memory_table(rounds),
            "## Where they disagree\n",
            "✓ is right, ✗ is not; the second column is arithmetic.\n",
            disputed_table(rounds[0]),
            "For the whole networks torchinfo adds biases and norms, fvcore norms and poolings; "
            "half of what PyTorch's own counter finds is the first column.\n",
            totals_table(rounds[0]),
        ]
    )


if __name__ == "__main__":
    main()
