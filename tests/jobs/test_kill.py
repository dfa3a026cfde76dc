"""SIGKILL in earnest: a process of its own, killed and killed again, ends as one that was not.

All of it in an environment that has next to nothing, with names that are hard to say.

benchmarks/kill_and_resume.py does it at random moments, many times.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import torch

from striate.runs import Run
from tests.jobs.sample import FAST, assert_same, fit, undecodable, write_photos

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


def ended(folder: Path, words: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a process without a home, a terminal, an input, or an encoding beyond ASCII."""
    home = folder / "home"
    home.write_text("a file where a home should be: nothing can be written below it")
    env = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict", "TERM": "dumb", "HOME": str(home)}
    env |= {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, env=env, cwd=folder, stdin=subprocess.DEVNULL
    )


def killed(folder: Path, moment: tuple[str, str, int], *arguments: str) -> None:
    """Run the command line in a process that is killed at that moment."""
    done = ended(folder, ["-c", DEADLY, *map(str, moment), *arguments])
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_run_killed_three_times_ends_as_one_that_was_not(tiny: str, tmp_path: Path) -> None:
    names = (undecodable("caf"), "größe", "a b")
    photos = write_photos(tmp_path / "größe", classes=names)
    whole, out = fit(photos, tiny, tmp_path / "whole").folder, tmp_path / "run"
    settings = [f"--set={name}={value}" for name, value in FAST.items()]
    resume = ["train", "--resume", "run", "--code", tiny]

    # In the middle of the first epoch, before the first checkpoint.
    begin = ["train", str(photos), "--model", tiny, "--out", "run", *settings]
    killed(tmp_path, ("step", "", 2), *begin)
    assert (out / "recipe.toml").exists()
    assert not (out / "checkpoint.pt").exists()

    # While the second checkpoint is written: the first one is whole, the second one is not there.
    killed(tmp_path, ("file", "checkpoint.pt", 2), *resume)
    first = Run(out).load_checkpoint()
    assert first is not None
    assert first["clock"]["epoch"] == 2
    (half_written,) = out.glob(".*.part")

    # Behind the last step, while the run is finished.
    killed(tmp_path, ("file", "metrics.json", 1), *resume)
    assert not half_written.exists()
    assert (out / "model.safetensors").exists()
    assert not (out / "metrics.json").exists()
    assert not Run(out).finished

    done = ended(tmp_path, ["-m", "striate", *resume])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"run        run\nreport     run/report.html\n")
    assert_same(whole, out)
    assert not list(out.glob(".*.part"))
    assert Run(out).finished
    assert "resumed" in Run(out).environment
