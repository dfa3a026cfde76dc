"""SIGKILL in earnest: a process of its own, killed and killed again, ends as one that was not.

benchmarks/kill_and_resume.py does it at random moments, many times.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import torch

from striate.cli import run as command
from striate.runs import Run
from tests.jobs.sample import FAST, assert_same, state

# Kills its own process, from outside of any `finally`, when the n-th file of a name is about to be
# renamed, or behind a training step.
DEADLY = """
import os, signal, sys
kind, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
def die():
    global count
    count -= 1
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)
if kind == "file":
    from striate.files import atomic
    replace = atomic.replace_durably
    def replace_durably(temporary, path):
        if path.name == name:
            die()
        replace(temporary, path)
    atomic.replace_durably = replace_durably
else:
    from striate.train.loop import Trainer
    step = Trainer._step
    def killing(trainer, batch):
        step(trainer, batch)
        die()
    Trainer._step = killing
sys.argv = ["striate", *sys.argv[4:]]
from striate.__main__ import main
main()
"""


def killed(moment: tuple[str, str, int], *arguments: str) -> None:
    """Run the command line in a process that is killed at that moment."""
    words = [sys.executable, "-c", DEADLY, *map(str, moment), *arguments]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **threads})
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_run_killed_four_times_ends_as_one_that_was_not(
    finished: Path, photos: Path, tiny: str, tmp_path: Path, capsys
) -> None:
    out = tmp_path / "run"
    settings = [f"--set={name}={value}" for name, value in FAST.items()]
    resume = ["train", "--resume", str(out), "--code", tiny]

    # Before the first checkpoint, in the middle of an epoch.
    killed(("step", "", 2), "train", str(photos), "--model", tiny, "--out", str(out), *settings)
    assert (out / "recipe.toml").exists()
    assert not (out / "checkpoint.pt").exists()

    # While the second checkpoint is written: the first one is whole, the second one is not there.
    killed(("file", "checkpoint.pt", 2), *resume)
    first = Run(out).load_checkpoint()
    assert first is not None
    assert first["clock"]["epoch"] == 2
    assert len(list(out.glob(".*.part"))) == 1

    # In the middle of the second epoch.
    killed(("step", "", 1), *resume)
    assert not list(out.glob(".*.part"))

    # Behind the last step, while the run is finished.
    killed(("file", "metrics.json", 1), *resume)
    assert (out / "model.safetensors").exists()
    assert not (out / "metrics.json").exists()
    assert not Run(out).finished

    assert command(resume) == 0
    assert_same(finished, out)
    assert not list(out.glob(".*.part"))
    environment = Run(out).environment
    assert environment["finished"] is True
    assert "resumed" in environment
    before = state(out)
    capsys.readouterr()
    assert command(resume) == 0
    assert state(out) == before
    assert capsys.readouterr().err == f"{out} is finished; nothing to do\n"
