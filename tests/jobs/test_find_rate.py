import json
from pathlib import Path

import pytest
import torch

from striate import jobs
from striate._errors import NetworkError, RecipeError, StorageError
from striate._events import Event, Moved, silent
from striate.report import rate_page, rate_svg
from tests.conftest import unchanged
from tests.jobs.sample import image_set, net

FAST = {"batch_size": 8, "precision": "float32"}


def test_a_curve_of_named_data_and_network(photos: Path, tiny: str) -> None:
    curve = jobs.find_rate(photos, tiny, steps=12, progress=silent, **FAST)
    assert curve.rates[0] == pytest.approx(1e-5)
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed) <= 12
    assert curve.rates[0] <= curve.suggested <= curve.rates[-1]
    again = jobs.find_rate(photos, tiny, steps=12, progress=silent, **FAST)
    assert again == curve
    other = jobs.find_rate(photos, tiny, steps=12, progress=silent, seed=1, **FAST)
    assert other.losses != curve.losses


def test_a_module_of_the_users_is_left_as_it_was() -> None:
    network = net().eval()
    with unchanged(network):
        jobs.find_rate(image_set(), network, steps=10, progress=silent, **FAST)
    network.double()
    with unchanged(network), pytest.raises(NetworkError, match="cannot take images"):
        jobs.find_rate(image_set(), network, steps=10, progress=silent, **FAST)


def test_options_go_where_they_belong(photos: Path, tiny: str) -> None:
    jobs.find_rate(
        photos, tiny, steps=10, progress=silent, load={"size": 8, "per_class": 9}, drop=0.5, **FAST
    )
    with pytest.raises(NetworkError, match="'drip' is no field of the recipe"):
        jobs.find_rate(photos, tiny, steps=10, progress=silent, drip=0.5, **FAST)
    with pytest.raises(RecipeError, match=r"momentum is 2.0, but must lie in"):
        jobs.find_rate(photos, tiny, steps=10, progress=silent, momentum=2.0)


def test_progress_is_told(tiny: str) -> None:
    events: list[Event] = []
    jobs.find_rate(image_set(), tiny, steps=10, progress=events.append, **FAST)
    moved = [event for event in events if isinstance(event, Moved)]
    assert moved[0].done == 0
    assert moved[-1].done == moved[-1].total == 10


def test_nothing_is_written(
    photos: Path, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = torch.get_rng_state()
    jobs.find_rate(photos, tiny, steps=10, progress=silent, **FAST)
    assert list(tmp_path.iterdir()) == []
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("ending", [".svg", ".html", ".csv", ".json", ".SVG"])
def test_the_curve_is_written_as_the_name_says(ending: str, tmp_path: Path) -> None:
    out = tmp_path / f"curve{ending}"
    curve = jobs.find_rate(image_set(), net(), steps=10, progress=silent, out=out, **FAST)
    text = out.read_text("utf-8")
    expected = {
        ".svg": rate_svg(curve),
        ".html": rate_page(curve, network="module Sequential", data="pictures"),
        ".csv": curve.to_csv(),
        ".json": json.dumps(curve.to_json(), indent=1) + "\n",
    }
    assert text == expected[ending.lower()]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("curve.png", r"curve.png: its name must end in .svg, .html, .csv or .json, such as curve"),
        ("curve", "its name must end in .svg"),
    ],
)
def test_a_file_of_another_kind_is_refused_before_anything_is_done(
    name: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=why) as caught:
        jobs.find_rate("none such", net(), out=tmp_path / name, progress=silent)
    remedy = tmp_path / str(caught.value).rpartition("such as ")[2]
    jobs.find_rate(image_set(), net(), steps=10, progress=silent, out=remedy, **FAST)
    assert remedy.read_text().startswith("<svg")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(StorageError, match=r"a.svg is a folder; name a file for the curve"):
        jobs.find_rate(image_set(), net(), out=tmp_path / "a.svg", progress=silent)
