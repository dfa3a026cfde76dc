"""Run several sides in turn, each training in a process of its own on the same two cores.

A round runs every side once with one seed (A B C, A B C, …), so that whatever else the machine
does falls on all of them. A ratio is taken within a round; the table has the rounds' median.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / ".venv/bin/python"
PEERS = ROOT / ".venv-peers/bin/python"
THREADS = 2


@dataclass(frozen=True)
class Side:
    """One contestant: its name in the table and the command that prints one line of JSON."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def peer(name: str, script: str, *arguments: str, **environment: str) -> Side:
    """Return the side that runs `benchmarks/peers/SCRIPT` in the peers' environment."""
    command = [str(PEERS), str(ROOT / "benchmarks/peers" / script), *arguments]
    return Side(name, command, environment)


def striate(name: str, data: str, settings: Mapping[str, Any]) -> Side:
    """Return Striate's side with one table of settings.toml."""
    command = [str(OURS), str(ROOT / "benchmarks/striate_mnist.py")]
    command += ["--data", data, "--model", settings["model"]]
    for name_of_field, value in settings["set"].items():
        shown = value if isinstance(value, str) else json.dumps(value)
        command += ["--set", f"{name_of_field}={shown}"]
    return Side(name, command)


def two_cores() -> list[str]:
    """Return the prefix that holds a command to two cores, where the system has one."""
    if not (shutil.which("taskset") and hasattr(os, "sched_getaffinity")):
        print("no taskset here: only the number of threads is limited", file=sys.stderr)
        return []
    cores = sorted(os.sched_getaffinity(0))[:THREADS]
    return ["taskset", "-c", ",".join(str(core) for core in cores)]


def run_once(side: Side, seed: int) -> dict[str, Any]:
    """Run one training and return its line of JSON, with the machine's load before it."""
    threads = {f"{name}_NUM_THREADS": str(THREADS) for name in ("OMP", "MKL", "OPENBLAS")}
    load = os.getloadavg()[0]
    done = subprocess.run(
        [*two_cores(), *side.command, "--seed", str(seed)],
        env=os.environ | threads | dict(side.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{side.name}, seed {seed}, ended with {done.returncode}:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    return result | {"side": side.name, "round": seed, "load": round(load, 2)}


def run_rounds(sides: Iterable[Side], rounds: int, log: Path) -> list[dict[str, Any]]:
    """Run every side once a round, with the round's number as seed; keep each line in `log`."""
    sides, results = list(sides), []
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as lines:
        for seed in range(rounds):
            for side in sides:
                result = run_once(side, seed)
                results.append(result)
                lines.write(json.dumps(result) + "\n")
                lines.flush()
                print(
                    f"round {seed + 1} of {rounds}  {side.name}: "
                    f"{result['accuracy']:.2%} in {result['seconds']:.1f} s",
                    flush=True,
                )
    return results
