import importlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate._errors import DataError, RecipeError, RunError
from striate._events import Event, Moved, Said
from striate.jobs import Prediction, predict
from striate.runs import Run
from tests.jobs.sample import CLASSES, fit, softmax, undecodable

ROOM = importlib.import_module("striate.jobs.predict")  # the name in jobs is the function


@pytest.fixture
def mixed(photos: Path, tmp_path: Path) -> Path:
    """A folder with two good files, three broken ones, and one of another kind."""
    folder = tmp_path / "mixed"
    (folder / "deep").mkdir(parents=True)
    good = (photos / "disc" / "00.png").read_bytes()
    (folder / "b.png").write_bytes(good)
    (folder / "deep" / "e.png").write_bytes(good)
    (folder / "a.png").write_bytes(b"")
    (folder / "c.png").write_bytes(good[:60])
    (folder / "d.jpg").write_text("no image")
    (folder / "notes.txt").write_text("left alone")
    return folder


def test_a_file_gets_the_scores_it_had_in_training(finished: Path, photos: Path, tiny: str) -> None:
    """Read, turned, scaled and normalised as the run's own images were."""
    with np.load(finished / "predictions.npz", allow_pickle=False) as file:
        names, sure = file["names"].tolist(), softmax(file["scores"])
    answers = list(predict(finished, [photos / name for name in names], code=tiny))
    assert len(answers) == 6
    for answer, row in zip(answers, sure, strict=True):
        assert [CLASSES.index(name) for name, _ in answer.top] == np.argsort(-row).tolist()
        for name, value in answer.top:
            assert value == pytest.approx(row[CLASSES.index(name)], abs=1e-5)


def test_probabilities_sum_to_one_and_fall(finished: Path, photos: Path, tiny: str) -> None:
    (answer,) = predict(finished, [photos / "disc" / "00.png"], code=tiny)
    values = [value for _, value in answer.top]
    assert sum(values) == pytest.approx(1)
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(("top", "count"), [(1, 1), (2, 2), (3, 3), (99, 3)])
def test_top_is_at_most_the_classes(
    finished: Path, photos: Path, tiny: str, top: int, count: int
) -> None:
    (answer,) = predict(finished, [photos / "disc" / "00.png"], code=tiny, top=top)
    assert len(answer.top) == count


def test_files_and_folders_keep_their_order(
    finished: Path, photos: Path, mixed: Path, tiny: str
) -> None:
    first = photos / "stripe" / "01.png"
    answers = list(predict(finished, [first, mixed, str(first)], code=tiny))
    inside = [mixed / name for name in ("a.png", "b.png", "c.png", "d.jpg", "deep/e.png")]
    assert [answer.path for answer in answers] == [str(p) for p in (first, *inside, first)]
    assert [answer.error is None for answer in answers] == [1, 0, 1, 0, 0, 1, 1]
    assert answers[0].top == answers[-1].top
    assert answers[2].top == answers[5].top
    assert answers[1].error == f"{mixed / 'a.png'}: empty file"
    assert "d.jpg: none of the formats that are read" in str(answers[4].error)
    assert answers[1].top == ()


def test_batches_are_as_good_as_one_by_one(
    finished: Path, photos: Path, mixed: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(predict(finished, [photos, mixed], code=tiny))
    monkeypatch.setattr(ROOM, "BATCH", 3)
    events: list[Event] = []
    parts = list(predict(finished, [photos, mixed], code=tiny, progress=events.append))
    assert [a.path for a in parts] == [a.path for a in whole]
    for one, other in zip(parts, whole, strict=True):
        assert dict(one.top) == pytest.approx(dict(other.top), abs=1e-6)
    (said,) = [event for event in events if isinstance(event, Said)]
    assert said == Said(text=f"{mixed}: 1 file is left out, as it is no image (.txt)", warning=True)
    moved = [event for event in events if isinstance(event, Moved)]
    assert (moved[0].done, moved[-1].done, moved[-1].total) == (0, 47, 47)


def test_nothing_is_read_before_it_is_asked_for(
    finished: Path, photos: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory holds a few hundred images, however many there are."""
    monkeypatch.setattr(ROOM, "BATCH", 5)
    read: list[object] = []
    real = ROOM.read_image

    def note(path: Path, preprocessing: object) -> object:
        read.append(path)
        return real(path, preprocessing)

    monkeypatch.setattr(ROOM, "read_image", note)
    answers = predict(finished, [photos], code=tiny)
    assert isinstance(answers, Iterator)
    assert read == []
    next(answers)
    assert len(read) == 5


def test_a_binary_network_names_both_classes(photos: Path, tiny: str, tmp_path: Path) -> None:
    binary = tiny.replace(":tiny", ":binary")
    run = fit(photos, binary, tmp_path / "run", load={"classes": ["stripe", "cross"]})
    (answer,) = predict(run.folder, [photos / "cross" / "00.png"], code=binary)
    assert {name for name, _ in answer.top} == {"stripe", "cross"}
    assert sum(value for _, value in answer.top) == pytest.approx(1)
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as file:
        names, scores = file["names"].tolist(), file["scores"][:, 0]
    (other,) = predict(run.folder, [photos / names[0]], code=binary)
    assert dict(other.top)["cross"] == pytest.approx(1 / (1 + np.exp(-scores[0])), abs=1e-5)


def test_images_of_every_kind_and_size(finished: Path, tiny: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 31, 4), dtype=np.uint8)
    image = Image.fromarray(pixels)
    for name, mode in (("l.png", "L"), ("rgba.png", "RGBA"), ("p.gif", "P"), ("c.jpg", "CMYK")):
        image.convert("RGB" if mode == "CMYK" else mode).convert(mode).save(tmp_path / name)
    answers = list(predict(finished, [tmp_path], code=tiny))
    assert [answer.error for answer in answers] == [None] * 4


def test_names_of_every_kind_come_back(
    finished: Path, photos: Path, tiny: str, tmp_path: Path
) -> None:
    good = (photos / "disc" / "00.png").read_bytes()
    names = [undecodable("caf") + ".png", "a\nb.png", "\x1b[31m.png", "größe '\".png", "-x.png"]
    for name in names:
        (tmp_path / name).write_bytes(good)
    answers = list(predict(finished, [tmp_path], code=tiny))
    assert sorted(os.path.basename(a.path) for a in answers) == sorted(names)  # noqa: PTH119
    for answer in answers:
        line = json.dumps(answer.to_json())
        assert "\n" not in line
        line.encode("ascii")
        assert json.loads(line)["path"] == answer.path


def test_json_of_an_answer_and_of_an_error() -> None:
    good = Prediction(path="a.png", top=(("cat", 0.75), ("dog", 0.25)))
    assert good.to_json() == {
        "path": "a.png",
        "top": [{"class": "cat", "probability": 0.75}, {"class": "dog", "probability": 0.25}],
    }
    assert Prediction(path="a.png", error="empty file").to_json() == {
        "path": "a.png", "error": "empty file",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["none.png"], "there is no file or folder .*none.png"),
        (["empty"], "empty holds no images"),
        (["a" * 300], r"there is no file or folder .*aaaa"),
        ([], "there is no image to predict; name files or folders"),
        (["none.png", "empty"], r"no file or folder .*none.png, .*empty holds no images$"),
        (["a", "b", "c", "d", "e"], "/a, .*/b, .*/c and 2 more$"),
    ],
)
def test_where_there_is_nothing_at_all_it_is_told_at_once(
    finished: Path, tiny: str, tmp_path: Path, paths: list[str], why: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=why):
        predict(finished, [tmp_path / path for path in paths], code=tiny)


def test_what_is_not_there_is_named_in_its_place_and_the_others_go_on(
    finished: Path, photos: Path, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ROOM, "BATCH", 2)
    (tmp_path / "empty").mkdir()
    good = str(photos / "disc" / "00.png")
    bad = [str(tmp_path / name) for name in ("none.png", "empty")]
    answers = list(predict(finished, [bad[0], good, bad[1], good, good], code=tiny))
    assert [answer.path for answer in answers] == [bad[0], good, bad[1], good, good]
    assert answers[0] == Prediction(
        path=bad[0], error=f"there is no file or folder {tmp_path / 'none.png'}"
    )
    assert answers[2] == Prediction(path=bad[1], error=f"{tmp_path / 'empty'} holds no images")
    assert answers[1].top == answers[3].top == answers[4].top != ()


def test_other_mistakes(finished: Path, photos: Path, tiny: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="top is 0, but must be 1 or more"):
        predict(finished, [photos], code=tiny, top=0)
    with pytest.raises(RecipeError, match="device is 'gpu', which is not there"):
        predict(finished, [photos], code=tiny, device="gpu")
    with pytest.raises(RunError, match="needs code"):
        predict(finished, [photos])
    with pytest.raises(RunError, match="there is no run folder"):
        predict(tmp_path / "none", [photos])


def test_an_unfinished_run_says_how_to_finish_it(photos: Path, tmp_path: Path) -> None:
    Run(tmp_path).write_recipe({})
    with pytest.raises(RunError, match="has no weights yet; finish it: striate train --resume"):
        predict(tmp_path, [photos])


def test_images_that_are_scaled_get_the_scores_they_had_in_training(
    photos: Path, tiny: str, tmp_path: Path
) -> None:
    run = fit(photos, tiny, tmp_path / "run", load={"size": 9})
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as file:
        names, sure = file["names"].tolist(), softmax(file["scores"])
    answers = predict(run.folder, [photos / name for name in names], code=tiny)
    for answer, row in zip(answers, sure, strict=True):
        for name, value in answer.top:
            assert value == pytest.approx(row[CLASSES.index(name)], abs=1e-5)
