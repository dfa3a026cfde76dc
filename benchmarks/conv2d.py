"""What striate.ops.conv2d costs over torch.nn.functional.conv2d, where that can do the same.

    taskset -c 0,1 .venv/bin/python benchmarks/conv2d.py [--rounds 21] [--block 0.05]

All in one process, without gradients. A round times a block of calls of the one and a block of the
other, in turns which goes first; a ratio is taken within a round, so that what slows the machine
for a while slows both. Where PyTorch has no such padding, its side is what one writes in its place:
`F.pad` with the numbers known beforehand, then `F.conv2d`.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import tables
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.ops import conv2d, padding_pairs

RESULTS = Path(__file__).with_name("results") / "conv2d.md"

SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "one channel, 8 x 8": ((1, 1, 8, 8), (1, 1, 3, 3), {}),
    "LeNet C3": ((64, 6, 14, 14), (16, 6, 5, 5), {}),
    "ResNet stem": ((4, 3, 224, 224), (64, 3, 7, 7), {"stride": 2}),
    "ResNet body": ((4, 64, 56, 56), (64, 64, 3, 3), {}),
    "depthwise": ((4, 96, 56, 56), (96, 1, 3, 3), {"groups": 96, "stride": 2}),
    "atrous": ((2, 64, 33, 33), (64, 64, 3, 3), {"dilation": 2}),
}
PADDINGS: dict[str, dict[str, Any]] = {
    "valid": {"padding": "valid"},
    "2": {"padding": 2},
    "same": {"padding": "same"},
    "(before, after)": {"padding": ((1, 2), (0, 1))},
    "2, reflected": {"padding": 2, "padding_mode": "reflect"},
}


@dataclass(frozen=True)
class Row:
    """One setting: seconds a call of each side in every round."""

    shape: str
    padding: str
    dtype: str
    copies: bool
    ours: list[float]
    torchs: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ours to PyTorch's, a round."""
        return [ours / torchs for ours, torchs in zip(self.ours, self.torchs, strict=True)]

    @property
    def excess(self) -> float:
        """Microseconds a call over PyTorch's, the rounds' median."""
        pairs = zip(self.ours, self.torchs, strict=True)
        return 1e6 * median(ours - torchs for ours, torchs in pairs)

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        low, _, high = quantiles(self.ratios, n=4)
        return (
            self.shape, self.padding, self.dtype, "yes" if self.copies else "no",
            f"{1e6 * median(self.torchs):,.1f}", f"{1e6 * median(self.ours):,.1f}",
            f"**{median(self.ratios):.3f}**",
            f"{low:.3f} to {high:.3f}", f"{min(self.ratios):.3f} to {max(self.ratios):.3f}",
        )  # fmt: skip


def sides(
    images: Tensor, weight: Tensor, bias: Tensor, padding: dict[str, Any], options: dict[str, Any]
) -> tuple[Callable[[], Tensor], Callable[[], Tensor], bool]:
    """Return a call of ours, one of PyTorch's that does the same, and whether both must copy."""

    def ours() -> Tensor:
        return conv2d(images, weight, bias, **padding, **options)

    strides = {key: options.get(key, 1) for key in ("stride", "dilation")}
    pairs = padding_pairs(padding["padding"], images.shape[2:], weight.shape[2:], **strides)
    (top, bottom), (left, right) = pairs
    mode = padding.get("padding_mode", "constant")
    even = (top, left)
    if mode == "constant" and even == (bottom, right):

        def direct() -> Tensor:
            return F.conv2d(images, weight, bias, padding=even, **options)

        return ours, direct, False

    def padded() -> Tensor:
        border = F.pad(images, (left, right, top, bottom), mode=mode)
        return F.conv2d(border, weight, bias, **options)

    return ours, padded, True


def timed(call: Callable[[], Tensor], times: int) -> float:
    """Return seconds a call."""
    started = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - started) / times


def measure(rounds: int, block: float) -> Iterator[Row]:
    for dtype in (torch.float32, torch.bfloat16):
        for shape, (size, taps, options) in SHAPES.items():
            images, weight, bias = (torch.randn(s).to(dtype) for s in (size, taps, taps[:1]))
            for name, padding in PADDINGS.items():
                ours, torchs, copies = sides(images, weight, bias, padding, options)
                torch.testing.assert_close(ours(), torchs(), atol=0.1, rtol=0.1)
                times = max(int(block / timed(torchs, 5)), 3)
                both: tuple[list[float], list[float]] = ([], [])
                for turn in range(rounds + 1):
                    for side in ((0, 1), (1, 0))[turn % 2]:
                        taken = timed((ours, torchs)[side], times)
                        if turn:  # the first round warms up
                            both[side].append(taken)
                row = Row(shape, name, str(dtype).removeprefix("torch."), copies, *both)
                print(" ".join(row.cells()), flush=True)
                yield row


def claims(rows: list[Row]) -> list[tables.Claim]:
    """Say what is promised: no copy and no time where PyTorch can pad, no more copies elsewhere."""
    told = []
    for copies, text in ((False, "PyTorch can pad by itself"), (True, "both must copy")):
        chosen = [row for row in rows if row.copies is copies and row.shape != "one channel, 8 x 8"]
        ratios = [median(row.ratios) for row in chosen]
        told.append(
            tables.Claim(
                f"no slower where {text} (median of the medians at most 1.02, {len(chosen)} rows)",
                f"{median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
                median(ratios) <= 1.02,
            )
        )
    smallest = [row.excess for row in rows if row.shape == "one channel, 8 x 8" and not row.copies]
    told.append(
        tables.Claim(
            "at most 10 µs of Python a call (a convolution of one channel and 8 x 8 pixels)",
            f"{min(smallest):.1f} to {max(smallest):.1f} µs",
            max(smallest) <= 10,
        )
    )
    return told


def page(rows: list[Row], rounds: int, threads: int, load: tuple[float, float]) -> str:
    head = ("shape", "padding", "dtype", "copied", "F.conv2d, µs", "ops.conv2d, µs", "ratio",
            "middle half", "least to most")  # fmt: skip
    table = tables.markdown(head, [row.cells() for row in rows])
    return (
        "# ops.conv2d against F.conv2d\n\n"
        f"{tables.claims_table(claims(rows))}\n"
        f"Medians of {rounds} rounds; a ratio is taken within a round, above 1 ours is the slower. "
        f'"Copied": PyTorch\ncannot pad like this, its side is F.pad and F.conv2d. {threads} '
        f"threads, no gradients, load average {load[0]:.1f}\nbefore and {load[1]:.1f} after; "
        f"{tables.processor()}; torch {torch.__version__}.\n\n{table}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--block", type=float, default=0.05, help="seconds of a block of calls")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    before = os.getloadavg()[0]
    with torch.inference_mode():
        rows = list(measure(arguments.rounds, arguments.block))
    text = page(rows, arguments.rounds, arguments.threads, (before, os.getloadavg()[0]))
    arguments.out.write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {arguments.out.name}")


if __name__ == "__main__":
    main()
