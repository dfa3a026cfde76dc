"""What is kept for the report to show."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from striate.report.gallery import filters
from tests.jobs.sample import fit, image_set
from tests.report.reading import parse


@pytest.mark.usefixtures("real_report")
def test_filters_behind_a_folding_stem_are_kept_and_shown_as_they_lie_on_the_image(
    tmp_path: Path,
) -> None:
    run = fit(image_set(), "tiny_resnet", tmp_path / "run", epochs=1)
    weights = safetensors.numpy.load_file(run.folder / "model.safetensors")["stem.1.conv.weight"]
    pictures = run.record.pictures
    assert pictures is not None
    assert pictures["filters"].shape == (16, 3, 6, 6)
    assert int(pictures["filters_fold"]) == 2
    for colour in range(3):
        for down in range(2):
            for right in range(2):
                plane = pictures["filters"][:, colour, down::2, right::2]
                np.testing.assert_array_equal(plane, weights[:, 4 * colour + 2 * down + right])
    section = parse(run.report.read_text()).one("section", id="filters")
    assert "The 16 filters of 6 × 6 pixels of stem.1.conv" in section.text
    assert "grey is 0, and a colour is what the filter answers to" in section.text
    assert "folds each 2 × 2 pixels into channels before this layer" in section.text


def test_other_first_layers_are_shown_as_they_are(finished: Path) -> None:
    with np.load(finished / "pictures.npz", allow_pickle=False) as file:
        assert (file["filters"].shape, int(file["filters_fold"])) == ((4, 3, 3, 3), 1)


def test_a_run_from_before_the_fold_was_noted_still_has_its_filters(tmp_path: Path) -> None:
    record = fit(image_set(), "tiny_resnet", tmp_path / "run", epochs=1).record
    assert record.pictures is not None
    old = {name: value for name, value in record.pictures.items() if name != "filters_fold"}
    section = filters(replace(record, pictures=old))
    assert section is not None
    assert section.view["fold"] == 1
