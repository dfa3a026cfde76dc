import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from striate import jobs
from striate._errors import RunError
from striate._events import EpochEnded, Event, Said
from striate.files import atomic
from striate.runs import Run, open_network
from striate.train import loop
from tests.jobs.sample import (
    EQUAL,
    after,
    assert_same,
    fit,
    image_set,
    resume,
    state,
)

# Wherever it stopped, the end is the same.


@pytest.mark.parametrize("steps", [2, 4, 8])  # in the first epoch, at its end, behind the last
def test_a_run_stopped_after_any_step_ends_the_same(
    finished: Path, half: Callable[[int], Path], tiny: str, steps: int
) -> None:
    folder = half(steps)
    assert not Run(folder).finished
    resume(folder, code=tiny)
    assert Run(folder).finished
    assert_same(finished, folder)


def test_a_run_stopped_again_and_again_ends_the_same(
    finished: Path, half: Callable[[int], Path], tiny: str
) -> None:
    folder = half(2)
    for steps in (1, 2):
        resume(folder, code=tiny, stop=after(steps))
        assert not Run(folder).finished
    resume(folder, code=tiny)
    assert_same(finished, folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adamw", "ema": 0.9, "mixup": 0.4},
        {"optimizer": "rmsprop", "schedule": "cosine", "class_weights": "balanced"},
        {"early_stopping": 1, "epochs": 4, "learning_rate": 1e-8, "clip_gradient": 0.1},
        {"statistics": 0, "rotate": 20.0, "erase": 0.5, "brightness": 0.3, "flip": True},
        {"precision": "bfloat16"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_whatever_is_in_the_recipe_the_end_is_the_same(
    tiny: str, tmp_path: Path, settings: dict[str, Any]
) -> None:
    images = image_set()
    whole = fit(images, tiny, tmp_path / "whole", **settings)
    part = fit(images, tiny, tmp_path / "part", stop=after(4), **settings)
    resume(part.folder, code=tiny, images=images)
    names = [name for name in EQUAL if (whole.folder / name).exists()]
    assert len(names) >= len(EQUAL) - 1
    assert_same(whole.folder, part.folder, names)
    assert part.finished


def test_a_checkpoint_in_the_middle_of_an_epoch_is_as_good(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every 30 s in life, after every step here; the process dies right behind each of them."""
    images = image_set()
    whole = fit(images, tiny, tmp_path / "whole")
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    real = Run.save_checkpoint
    for steps in (1, 2, 5):
        saved = 0

        def save(run: Run, state: Any, steps: int = steps) -> None:
            nonlocal saved
            real(run, state)
            saved += 1
            if saved == steps:
                raise KilledError

        monkeypatch.setattr(Run, "save_checkpoint", save)
        folder = tmp_path / f"part-{steps}"
        with pytest.raises(KilledError):
            fit(images, tiny, folder)
        monkeypatch.setattr(Run, "save_checkpoint", real)
        resume(folder, code=tiny, images=images)
        assert_same(whole.folder, folder)


class KilledError(BaseException):
    """What nothing catches."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Make the process die instead of renaming its n-th file; the half-written one stays."""
    real = atomic.replace_durably
    names: list[str] = []

    def at(place: int) -> list[str]:
        names.clear()

        def replace_durably(temporary: Path, path: Path) -> None:
            names.append(path.name)
            if len(names) == place:
                shutil.copy(temporary, temporary.with_name(".00112233445566aa.part"))
                raise KilledError
            real(temporary, path)

        monkeypatch.setattr(atomic, "replace_durably", replace_durably)
        return names

    return at


def test_killed_at_every_file_it_writes_a_run_ends_the_same(
    tiny: str, tmp_path: Path, dying: Callable[[int], list[str]]
) -> None:
    images = image_set()
    names = dying(0)
    whole = fit(images, tiny, tmp_path / "whole", epochs=2)
    order = list(names)
    assert order[:3] == ["recipe.toml", "data.json", "environment.json"]
    assert order[3:7] == ["checkpoint.pt", "history.csv", "steps.csv", "timings.csv"]
    assert order[-2:] == ["environment.json", "report.html"]
    for place in range(1, len(order) + 1):
        folder = tmp_path / f"killed-{place}"
        dying(place)
        with pytest.raises(KilledError):
            fit(images, tiny, folder)
        assert list(folder.glob("*.part"))
        assert not Run(folder).finished
        dying(0)
        if place == 1:  # there is no recipe yet, so there is no run: it is begun again
            with pytest.raises(RunError, match=r"is no run: it has no recipe.toml"):
                resume(folder)
            fit(images, tiny, folder)
            (folder / ".00112233445566aa.part").unlink()
        else:
            resume(folder, code=tiny, images=images)
        assert Run(folder).finished, order[place - 1]
        assert_same(whole.folder, folder)
        assert not list(folder.glob("*.part"))


def test_killed_while_it_goes_on_a_run_ends_the_same(
    tiny: str, tmp_path: Path, dying: Callable[[int], list[str]]
) -> None:
    images = image_set()
    dying(0)
    whole = fit(images, tiny, tmp_path / "whole")
    folder = fit(images, tiny, tmp_path / "part", stop=after(2)).folder
    for place in (1, 3, 7, 9, 11):
        dying(place)
        with pytest.raises(KilledError):
            resume(folder, code=tiny, images=images)
    dying(0)
    resume(folder, code=tiny, images=images)
    assert_same(whole.folder, folder)


# A finished run.


def test_a_finished_run_is_left_alone(run: Path, tiny: str) -> None:
    before = state(run)
    events: list[Event] = []
    for code in (None, tiny):
        jobs.resume(run, code=code, progress=events.append)
    assert state(run) == before
    assert events == [Said(text=f"{run} is finished; nothing to do")] * 2


@pytest.mark.parametrize("name", ["report.html", "metrics.json", "model.safetensors"])
def test_a_finished_run_that_has_lost_a_result_gets_it_again(
    finished: Path, run: Path, tiny: str, name: str
) -> None:
    (run / name).unlink()
    resume(run, code=tiny)
    assert_same(finished, run)
    assert Run(run).finished


def test_after_the_last_step_only_the_report_is_made(run: Path, tiny: str, finished: Path) -> None:
    Run(run).write_json("environment.json", {**Run(run).environment, "finished": False})
    events: list[Event] = []
    resume(run, code=tiny, progress=events.append)
    assert not [event for event in events if isinstance(event, EpochEnded)]
    assert_same(finished, run)


# What resuming writes down.


def test_the_time_of_all_sessions_is_counted(half: Callable[[int], Path], tiny: str) -> None:
    folder = half(4)
    checkpoint = Run(folder).load_checkpoint()
    assert checkpoint is not None
    checkpoint["clock"]["before"] += 100.0
    Run(folder).save_checkpoint(checkpoint)
    environment = resume(folder, code=tiny).environment
    assert 100 < environment["fit_seconds"] < 200
    assert 100 < environment["seconds"] < 200
    assert environment["resumed"] >= environment["started"]


def test_the_thread_count_is_that_of_the_run_and_is_given_back(tiny: str, tmp_path: Path) -> None:
    images, before = image_set(), torch.get_num_threads()
    seen: list[int] = []

    def note(event: Event) -> None:
        if isinstance(event, EpochEnded):
            seen.append(torch.get_num_threads())

    folder = fit(images, tiny, tmp_path / "run", stop=after(1)).folder
    checkpoint = Run(folder).load_checkpoint()
    assert checkpoint is not None
    checkpoint["surroundings"]["threads"] = before + 1
    Run(folder).save_checkpoint(checkpoint)
    resume(folder, code=tiny, images=images, progress=note)
    assert seen == [before + 1] * 2
    assert torch.get_num_threads() == before


def test_before_the_first_checkpoint_the_thread_count_is_known_too(
    tiny: str, tmp_path: Path, dying: Callable[[int], list[str]]
) -> None:
    images, before = image_set(), torch.get_num_threads()
    dying(4)
    with pytest.raises(KilledError):
        fit(images, tiny, tmp_path / "run")
    run = Run(tmp_path / "run")
    run_environment = {**run.environment, "threads": before + 1}
    dying(0)
    run.write_json("environment.json", run_environment)
    seen: list[int] = []
    resume(run.folder, code=tiny, images=images,
           progress=lambda _: seen.append(torch.get_num_threads()))  # fmt: skip
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_where_exactness_is_lost_it_is_said(tiny: str, tmp_path: Path) -> None:
    images = image_set()
    folder = fit(images, tiny, tmp_path / "run", stop=after(1)).folder
    checkpoint = Run(folder).load_checkpoint()
    assert checkpoint is not None
    checkpoint["surroundings"] |= {"torch": "2.6.0", "capability": "AVX2"}
    Run(folder).save_checkpoint(checkpoint)
    events: list[Event] = []
    resume(folder, code=tiny, images=images, progress=events.append)
    now = torch.backends.cpu.get_cpu_capability()
    assert Said(
        text=f"this resume is not bit-exact: torch 2.6.0, now {torch.__version__}; "
        f"capability AVX2, now {now}",
        warning=True,
    ) in events  # fmt: skip


def test_a_run_by_the_clock_says_that_it_is_not_exact(tiny: str, tmp_path: Path) -> None:
    images = image_set()
    run = fit(images, tiny, tmp_path / "run", epochs=None, minutes=0.05, stop=after(2))
    events: list[Event] = []
    resume(run.folder, code=tiny, images=images, progress=events.append, stop=after(2))
    assert Said(text="a run by the clock resumes, but not to the same bits", warning=True) in events


def test_lazy_layers_are_a_function_of_the_seed_too(tmp_path: Path) -> None:
    images = image_set()
    (tmp_path / "lazy.py").write_text(
        "from torch import nn\ndef make():\n"
        "    return nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3))\n"
    )
    code = f"{tmp_path / 'lazy.py'}:make"
    whole = fit(images, code, tmp_path / "whole")
    torch.manual_seed(99)
    part = fit(images, code, tmp_path / "part", stop=after(1))
    resume(part.folder, code=code, images=images)
    assert_same(whole.folder, part.folder)
    assert open_network(whole.folder, code=code).network is not None
