from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from striate import jobs
from striate._errors import DataError, DivergedError, NetworkError, RecipeError, RunError
from striate._events import Event, Said, silent
from striate.data import ImageSet
from striate.runs import Run
from tests.jobs.sample import (
    FAST,
    digests,
    fit,
    image_set,
    net,
    read_csv,
)

# What is refused, and when.


def never(*_: object, **__: object) -> ImageSet:
    raise AssertionError("the images were read before the mistake was told")


@pytest.mark.parametrize(
    ("model", "settings", "error", "why"),
    [
        ("lenet6", {}, NetworkError, "no network 'lenet6'; nearest: lenet5"),
        ("none.py:make", {}, NetworkError, "there is no file none.py"),
        (
            "lenet5",
            {"epohcs": 3},
            RecipeError,
            "no setting 'epohcs' for lenet5; did you mean epoch",
        ),
        ("lenet5", {"norm": "batch"}, RecipeError, "no setting 'norm' for lenet5"),
        (None, {"epochs": 0}, RecipeError, "epochs is 0, but must lie in 1 to"),
        (None, {"epochs": "3"}, RecipeError, "epochs is '3', but must be of type int"),
        (None, {"optimizer": "adam"}, RecipeError, "optimizer is 'adam', but must be one of sgd"),
        (None, {"epochs": 1, "minutes": 1.0}, RecipeError, "epochs and minutes are both given"),
    ],
)
def test_mistakes_are_told_before_images_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str | None, settings: dict[str, Any],
    error: type[Exception], why: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("striate.data.load", never)
    with pytest.raises(error, match=why):
        jobs.fit(tmp_path, model, out=tmp_path / "run", progress=silent, **settings)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_taken_is_told_before_images_are_read(
    run: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.data.load", never)
    before = digests(run)
    with pytest.raises(RunError, match="is a run already"):
        jobs.fit(photos, "lenet5", out=run, progress=silent)
    assert digests(run) == before


def test_force_replaces_a_run_and_spares_other_files(run: Path, photos: Path, tiny: str) -> None:
    (run / "notes.txt").write_text("mine")
    (run / "layers.json").write_text("old")
    fit(photos, tiny, run, force=True, epochs=1)
    assert (run / "notes.txt").read_text() == "mine"
    assert Run(run).finished
    assert len(read_csv(run / "history.csv")) == 1


def test_force_keeps_the_old_run_when_the_new_one_cannot_begin(
    run: Path, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "wrong.py").write_text(
        "from torch import nn\ndef make(): return nn.Sequential(nn.Flatten(), nn.Linear(432, 7))\n"
    )
    before = digests(run)
    with pytest.raises(NetworkError, match=r"outputs have shape \(2, 7\), but 3 classes need"):
        fit(photos, f"{tmp_path / 'wrong.py'}:make", run, force=True)
    assert digests(run) == before


def test_options_for_loading_beside_loaded_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the images are loaded already"):
        fit(image_set(), net(), tmp_path / "run", load={"size": 8})


def test_options_beside_a_module(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="the module is built already, so it takes no norm"):
        fit(image_set(), net(), tmp_path / "run", norm="batch")


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    for name in ("gpu", "cuda:99", "meta", "", "cpu:x", "xla"):
        with pytest.raises(
            RecipeError, match=rf"device is '{name}', which is not there; there is a"
        ):
            fit(image_set(), net(), tmp_path / "run", device=name)


class Bursting(nn.Sequential):
    """Its loss is no number from a given training step on."""

    def __init__(self, step: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(432, 3))
        self.step, self.calls = step, 0

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - as Sequential names it
        self.calls += self.training
        return super().forward(input)

    def loss(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        broken = float("nan") if self.calls >= self.step else 0.0
        return nn.functional.cross_entropy(outputs, labels) + broken


def test_a_loss_that_is_no_number_names_epoch_step_rate_and_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(DivergedError) as found:  # 30 images, 3 steps an epoch
        fit(image_set(), Bursting(5), tmp_path / "run", epochs=4, schedule="constant")
    assert str(found.value) == (
        "the loss is nan at epoch 2, step 5 (learning rate 0.05); try learning_rate=0.017 or "
        "clip_gradient=1. The last good checkpoint is of epoch 2, step 3, in "
        f"{tmp_path / 'run' / 'checkpoint.pt'}"
    )
    state = Run(tmp_path / "run").load_checkpoint()
    assert state is not None
    assert state["clock"]["step"] == 3
    assert all(torch.isfinite(value).all() for value in state["network"].values())
    assert not Run(tmp_path / "run").finished


def test_a_loss_that_is_no_number_at_once(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"step 1 .*No checkpoint was written yet"):
        fit(image_set(), Bursting(1), tmp_path / "run")


@pytest.mark.usefixtures("real_report")
def test_a_network_that_the_layer_table_cannot_read_is_said(tmp_path: Path) -> None:
    """Pictures and tables are worth having; a run is not lost for want of them."""
    events: list[Event] = []

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(432, 3))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1) @ self.weight

    run = fit(image_set(), Odd(), tmp_path / "run", progress=events.append)
    assert run.finished
    said = [event.text for event in events if isinstance(event, Said)]
    assert any("no first-layer filters" in text for text in said)
    assert any("no Grad-CAM" in text for text in said) or run.metrics["test"]["accuracy"] == 1
    assert FAST["epochs"] == 2
