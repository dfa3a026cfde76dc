"""Striate's side: one training through the ordinary `striate.fit`, as a line of JSON.

    .venv/bin/python benchmarks/striate_mnist.py --data mnist --seed 0 --set epochs=3

`seconds` is what the run itself recorded for its fit, validation passes and the choice of the
precision included; `whole_seconds` is the whole call, with reading, testing and the report.
"""

import argparse
import json
import os
import tempfile
import time
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import striate


def setting(text: str) -> tuple[str, Any]:
    """Read `field=value`; a value that is no TOML value is a word."""
    field, _, value = text.partition("=")
    try:
        return field, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return field, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", choices=("mnist", "fashion-mnist"), default="mnist")
    parser.add_argument("--model", default="small_resnet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="FIELD=VALUE")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        begun = time.perf_counter()
        run = striate.fit(
            chosen.data, chosen.model, out=folder, seed=chosen.seed, **dict(chosen.set)
        )
        whole = time.perf_counter() - begun
        layers = json.loads((folder / "layers.json").read_text(encoding="utf-8"))
        environment, accuracy = run.environment, run.metrics["test"]["accuracy"]
        epochs = len((folder / "history.csv").read_text(encoding="utf-8").splitlines()) - 1
    result = {
        "peer": "striate",
        "data": chosen.data,
        "seconds": round(environment["fit_seconds"], 3),
        "whole_seconds": round(whole, 3),
        "accuracy": accuracy,
        "epochs": epochs,
        "parameters": layers["totals"]["parameters"],
        "backend": "torch",
        "threads": int(os.environ.get("OMP_NUM_THREADS", "0")) or environment["threads"],
        "seed": chosen.seed,
        "versions": {name: version(name) for name in ("striate", "torch")},
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
