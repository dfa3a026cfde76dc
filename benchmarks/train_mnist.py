"""MNIST side by side: Striate against Keras on its backends, fastai and a DataLoader loop.

.venv/bin/python benchmarks/train_mnist.py [--rounds 5] [--peers keras-tensorflow fastai]
"""

import argparse
import tomllib
from collections.abc import Iterator
from pathlib import Path

from side_by_side import ROOT, Side, peer, run_rounds, striate
from tables import Claim, Results, mean_accuracy, names, times_faster, write

PEERS = {
    "keras-tensorflow": peer("Keras, TensorFlow", "keras_mnist.py", KERAS_BACKEND="tensorflow"),
    "keras-torch": peer("Keras, torch", "keras_mnist.py", KERAS_BACKEND="torch"),
    "keras-jax": peer("Keras, JAX", "keras_mnist.py", KERAS_BACKEND="jax"),
    "fastai": peer("fastai", "fastai_mnist.py"),
    "dataloader": peer("DataLoader loop", "dataloader_mnist.py"),
}
LEAST = {"Keras": (10, " on its fastest backend"), "fastai": (3, "")}  # times faster than these


def sides(settings: Path, peers: list[str]) -> list[Side]:
    """Return the peers and then Striate, one side for each table of the settings."""
    ours = tomllib.loads(settings.read_text(encoding="utf-8"))["mnist"]
    return [
        *(PEERS[name] for name in peers),
        *(striate(f"Striate, {name}", "mnist", table) for name, table in ours.items()),
    ]


def claims(results: Results) -> Iterator[Claim]:
    rounds = len({result["round"] for result in results})
    for side in names(results, ours=True):
        accuracy = mean_accuracy(results, side)
        text = f"{side}: 99.16 % or more on MNIST, mean of {rounds} seeds"
        yield Claim(text, f"{accuracy:.3%}", accuracy >= 0.9916)
        for package, (least, which) in LEAST.items():
            ratios = [
                times_faster(results, side, name)
                for name in names(results, ours=False)
                if name.startswith(package)
            ]
            if ratios:
                text = f"{side}: at most 1/{least} of the time of {package}{which}"
                yield Claim(text, f"1/{min(ratios):.1f}", min(ratios) >= least)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="one seed each")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--settings", type=Path, default=ROOT / "benchmarks/settings.toml")
    chosen = parser.parse_args()
    results = ROOT / "benchmarks/results"
    measured = run_rounds(
        sides(chosen.settings, chosen.peers), chosen.rounds, results / "train_mnist.jsonl"
    )
    write(results / "train_mnist.md", "Training on MNIST", measured, claims)


if __name__ == "__main__":
    main()
