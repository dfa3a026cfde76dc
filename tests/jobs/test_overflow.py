"""Scores too large for a loss: a run that has trained is not lost at its end."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from striate import jobs
from striate._events import Event, Said
from striate.cli import run as command
from striate.runs import Run
from tests.jobs.sample import FAST, fit, image_set, net, write_nets, write_photos

TEST = 12  # images, of 3 classes


class Wild(nn.Module):
    """Scores a batch of the test half's size beyond all bounds; training never sees one."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.body, self.factor = net(), factor

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores = self.body(images)
        return scores * self.factor if len(images) == TEST and not self.training else scores


def ended(factor: float, folder: Path) -> tuple[Run, list[str]]:
    """Return the run, and what was warned of."""
    events: list[Event] = []
    run = fit(image_set(), Wild(factor), folder, progress=events.append)
    return run, [event.text for event in events if isinstance(event, Said) and event.warning]


@pytest.mark.parametrize("factor", [-1e30, -5e37])
def test_finite_scores_have_a_finite_loss_however_large(factor: float, tmp_path: Path) -> None:
    """As float32 the difference of two scores, or the sum over images, would be infinite."""
    run, warnings = ended(factor, tmp_path / "run")
    assert warnings == []
    scores = torch.from_numpy(run.record.predictions["scores"]).double()  # type: ignore[index]
    labels = torch.arange(TEST) % 3
    right = scores.gather(1, labels[:, None])[:, 0]
    expected = float((scores.max(dim=1).values - right).mean())  # where all else is e^-huge
    assert expected > 1e29
    assert run.metrics["test"]["loss"] == pytest.approx(expected, rel=1e-6)
    assert "not_finite" not in run.metrics["test"]


@pytest.mark.parametrize("factor", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.usefixtures("real_report")
def test_without_finite_scores_the_loss_is_null_and_it_is_said(
    factor: float, tmp_path: Path
) -> None:
    run, (warning,) = ended(factor, tmp_path / "run")
    assert run.finished
    assert warning == (
        "the scores of 12 of 12 test images are not finite, so there is no test loss; in all else "
        "an infinite score counts as the largest number, and NaN as 0"
    )
    text = (run.folder / "metrics.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    test = json.loads(text)["test"]
    assert (test["loss"], test["not_finite"]) == (None, 12)
    assert 0 <= test["ece"] <= 1
    assert run.metrics["validation"]["loss"] > 0
    assert "12 test images have scores that are not finite" in run.report.read_text()
    other, _ = ended(1.0, tmp_path / "other")
    page = jobs.write_report([run.folder, other.folder], out=tmp_path / "both.html")
    assert "n/a" in page.read_text()


WILD = """

class Wild(Tiny):
    def forward(self, images):
        scores = super().forward(images)
        return scores if self.training or len(images) != 6 else scores / 0


def wild(in_channels, classes):
    return Wild(in_channels, classes)
"""


def test_the_command_line_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nets = Path(write_nets(tmp_path).rpartition(":")[0])
    nets.write_text(nets.read_text() + WILD)
    photos = write_photos(tmp_path / "photos")  # 3 images for validation, 6 for test
    settings = [f"--set={name}={value}" for name, value in FAST.items()]
    out = str(tmp_path / "run")
    assert command(["train", str(photos), "--model", f"{nets}:wild", "--out", out, *settings]) == 0
    line = next(s for s in capsys.readouterr().out.splitlines() if s.startswith("test "))
    assert "  loss none, as some scores are not finite  calibration error " in line
