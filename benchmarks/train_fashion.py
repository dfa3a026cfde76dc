"""Fashion-MNIST side by side: Striate's time to 91, 93 and 94 % against fastai's and Keras' nets.

.venv/bin/python benchmarks/train_fashion.py [--rounds 3] [--peers fastai]
"""

import argparse
import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from side_by_side import ROOT, peer, run_rounds, striate
from tables import Claim, Results, mean_accuracy, of, write

DATA = "fashion-mnist"
LIMIT = 300  # seconds for the default recipe
PEERS = {
    "keras-tensorflow": peer(
        "Keras, TensorFlow", "keras_mnist.py", "--data", DATA, KERAS_BACKEND="tensorflow"
    ),
    "fastai": peer("fastai", "fastai_mnist.py", "--data", DATA),
}


def claims(settings: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    rounds = len({result["round"] for result in results})
    for name, table in settings.items():
        side = f"Striate, {name}"
        accuracy, seconds = mean_accuracy(results, side), median(of(results, side, "seconds"))
        text = f"{side}: {table['target']:.0%} or more, mean of {rounds} seeds"
        held = accuracy >= table["target"]
        if not table["set"]:
            text += f", within {LIMIT // 60} minutes"
            held = held and seconds <= LIMIT
        yield Claim(text, f"{accuracy:.2%} in {seconds:.1f} s", held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="one seed each")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--settings", type=Path, default=ROOT / "benchmarks/settings.toml")
    chosen = parser.parse_args()
    settings = tomllib.loads(chosen.settings.read_text(encoding="utf-8"))[DATA]
    sides = [
        *(PEERS[name] for name in chosen.peers),
        *(striate(f"Striate, {name}", DATA, table) for name, table in settings.items()),
    ]
    results = ROOT / "benchmarks/results"
    measured = run_rounds(sides, chosen.rounds, results / "train_fashion.jsonl")
    write(
        results / "train_fashion.md",
        "Training on Fashion-MNIST",
        measured,
        partial(claims, settings),
    )


if __name__ == "__main__":
    main()
