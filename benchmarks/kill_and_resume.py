"""Kill a training run with SIGKILL at random moments, resume it, and compare the bytes of its end.

    .venv/bin/python benchmarks/kill_and_resume.py --kills 20 --seed 0

A run that nobody kills is the reference. Every other one begins anew, is killed at a moment drawn
evenly from the time between its folder's first sign of life and the end of the reference, is
resumed by `striate train --resume RUN` alone, and every file that docs/run-folder.md calls equal is
compared. Every third one is killed a second time while it goes on.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tables import markdown

EQUAL = (
    "recipe.toml", "model.safetensors", "history.csv", "steps.csv", "metrics.json", "data.json",
    "layers.json", "activations.npz", "predictions.npz", "pictures.npz",
)  # fmt: skip
COMMAND = (sys.executable, "-m", "striate", "train")
RECIPE = ("fashion-mini", "--per-class", "300", "--epochs", "3", "--seed", "0")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    reference = folder / "reference"
    living = begun([*RECIPE, "--out", str(reference)], reference)
    started = time.perf_counter()
    if living.wait() != 0:
        sys.exit(f"the reference ended in {living.returncode}")
    life = time.perf_counter() - started
    print(f"the reference took {life:.1f} s behind its first file")
    rows = []
    draws = random.Random(options.seed)
    for number in range(1, options.kills + 1):
        rows.append(one(number, reference, folder / f"run-{number}", life, draws))
        print(*rows[-1], sep="  ", flush=True)
        shutil.rmtree(folder / f"run-{number}")
    equal = sum(row[-1] == "equal" for row in rows)
    head = ("kill", "after", "what was there", "second kill", "resumed in", "end")
    text = (
        f"# Killed and resumed\n\n`striate train {' '.join(RECIPE)}`, {options.threads} threads, "
        f"{life:.1f} s unkilled; seed {options.seed}.\n\n{markdown(head, rows)}\n"
        f"{equal} of {len(rows)} endings equal, byte for byte, in {', '.join(EQUAL)}.\n"
    )
    options.out.mkdir(exist_ok=True)
    (options.out / "kill_and_resume.md").write_text(text)
    print(f"\n{text}")
    shutil.rmtree(folder)
    sys.exit(0 if equal == len(rows) else 1)


def one(
    number: int, reference: Path, run: Path, life: float, draws: random.Random
) -> tuple[str, ...]:
    """Kill one run once or twice, resume it, and say what was seen."""
    # The recipe of the reference has nothing left open, such as the precision, which is measured.
    first = [str(reference / "recipe.toml"), "--out", str(run)]
    moment = draws.uniform(0, life)
    killed(["--recipe", *first], run, moment)
    seen = state(run)
    second = "no"
    if number % 3 == 0:
        later = draws.uniform(0, life)
        killed(["--resume", str(run)], run, later)
        second = f"{later:.1f} s: {state(run)}"
    started = time.perf_counter()
    words = ["--resume", str(run)] if (run / "recipe.toml").exists() else ["--recipe", *first]
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    return (
        str(number),
        f"{moment:.1f} s",
        seen,
        second,
        f"{took:.1f} s",
        verdict(reference, run, done),
    )


def begun(words: Sequence[str], run: Path) -> subprocess.Popen[bytes]:
    """Start the command, and return when the run's folder shows that it is at work."""
    before = lock_time(run)
    process = subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and lock_time(run) == before:
        time.sleep(0.002)
    return process


def lock_time(run: Path) -> float | None:
    """Return when something was last written into the folder."""
    return run.stat().st_mtime if run.exists() else None


def killed(words: Sequence[str], run: Path, moment: float) -> None:
    process = begun(words, run)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)  # of a process that has ended already: nothing
    process.wait()


def state(run: Path) -> str:
    """Say in words what a kill left."""
    parts = [name for name in ("recipe.toml", "checkpoint.pt") if (run / name).exists()]
    if (run / "history.csv").exists():
        parts.append(f"{len((run / 'history.csv').read_text().splitlines()) - 1} epochs")
    parts += [name for name in ("model.safetensors", "report.html") if (run / name).exists()]
    parts += ["a half-written file"] * len(list(run.glob(".*.part")))
    return ", ".join(parts) or "nothing"


def verdict(reference: Path, run: Path, done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode != 0:
        return f"exit code {done.returncode}: {done.stderr.strip().splitlines()[-1]}"
    if left := [path.name for path in run.glob(".*.part")]:
        return f"left {', '.join(left)}"
    different = [name for name in EQUAL if digest(run / name) != digest(reference / name)]
    return f"different: {', '.join(different)}" if different else "equal"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"


if __name__ == "__main__":
    main()
