"""A folder becomes an ImageSet: sizes, channels, splits, options, repeatability, refusals."""

import json
import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate._errors import DataError
from striate._events import Event, Moved
from striate.data import ImageSet, load, store
from striate.data.decoding import read_image
from tests.data.files import fill, noise, save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "root", {"a": 20, "b": 20, "c": 20})


def names(images: ImageSet) -> dict[str, tuple[str, ...]]:
    return {split: images[split].names for split in images}


def taken(images: ImageSet) -> set[str]:
    return {name for split in images for name in images[split].names}


def test_images_labels_and_names_belong_together(root: Path) -> None:
    images = load(root)
    assert images.classes == ("a", "b", "c")
    assert {split: len(images[split]) for split in images} == {
        "train": 45,  # 20 - 3 (15 %) - 2 (10 % of 17) of each class
        "validation": 6,
        "test": 9,
    }
    assert images.counts("test") == (3, 3, 3)
    for split in images:
        part = images[split]
        for image, label, name in zip(part.images, part.labels, part.names, strict=True):
            assert name.split("/")[0] == images.classes[label]
            expected = np.asarray(Image.open(root / name)).transpose(2, 0, 1)
            assert np.array_equal(image.numpy(), expected)
            assert torch.equal(read_image(root / name, images.preprocessing), image)


def test_manifest_names_every_file_with_its_hash(root: Path) -> None:
    images = load(root)
    for split in images:
        entry = images.manifest["splits"][split]
        assert entry["count"] == len(images[split])
        assert [file["name"] for file in entry["files"]] == list(images[split].names)
        for file, label in zip(entry["files"], images[split].labels, strict=True):
            assert file["sha256"] == sha256((root / file["name"]).read_bytes()).hexdigest()
            assert file["class"] == images.classes[label]
    assert (
        "test is 15% of each class; validation is 10% of what is left; drawn by seed 0"
        in (images.manifest["split_rule"])
    )
    assert images.manifest["sizes"] == {"channels": 3, "height": 12, "width": 12}
    json.dumps(images.manifest)


def test_the_options_repeat_the_load(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    images = load(
        "root", size=9, classes=["c", "a"], per_class=12, validation=0.2, seed=3, channels=1
    )
    assert images.options == {
        "size": 9,
        "classes": ["c", "a"],
        "per_class": 12,
        "validation": 0.2,
        "seed": 3,
        "channels": 1,
    }
    monkeypatch.chdir("/")
    again = load(images.source, **images.options)
    assert again.fingerprint == images.fingerprint
    assert (again.manifest, names(again)) == (images.manifest, names(images))


def test_the_set_is_a_function_of_files_and_seed(root: Path, tmp_path: Path) -> None:
    images = load(root)
    copy = tmp_path / "copy"
    for path in sorted(root.rglob("*.png"), reverse=True):  # another order and place
        target = copy / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert load(copy).fingerprint == images.fingerprint
    assert load(root, seed=1).fingerprint != images.fingerprint


def test_classes_in_the_order_asked_for(root: Path) -> None:
    images = load(root, classes=["c", "a"])
    assert images.classes == ("c", "a")
    assert {name[0] for name in images["train"].names} == {"a", "c"}
    assert all(images.classes[k] == n[0] for k, n in zip(*labelled(images), strict=True))


def labelled(images: ImageSet) -> tuple[list[int], tuple[str, ...]]:
    return images["test"].labels.tolist(), images["test"].names


def test_so_many_images_a_class(root: Path) -> None:
    images = load(root, per_class=7)
    assert [sum(images.counts(split)[k] for split in images) for k in range(3)] == [7, 7, 7]
    assert images.manifest["doctor"]["checked"] == 21
    assert names(load(root, per_class=7)) == names(images)
    other = load(root, per_class=7, seed=1)
    assert taken(other) != taken(images)


def test_the_share_of_validation(root: Path) -> None:
    images = load(root, validation=0.3)
    assert images.counts("validation") == (5, 5, 5)  # of 17 each: 5.1
    assert "validation is 30%" in images.manifest["split_rule"]


def test_parts_that_are_given_are_used(tmp_path: Path) -> None:
    counts = {f"{part}/{name}": n for part, n in (("train", 20), ("test", 4)) for name in "ab"}
    root = fill(tmp_path, counts)
    images = load(root)
    assert images.counts("test") == (4, 4)
    assert all(name.startswith("test/") for name in images["test"].names)
    assert (images.counts("train"), images.counts("validation")) == ((18, 18), (2, 2))
    rule = images.manifest["split_rule"]
    assert "train is the folder train; test is the folder test; validation is 10% of each" in rule
    fill(root, {"valid/a": 3, "valid/b": 2})
    images = load(root)
    assert (images.counts("train"), images.counts("validation")) == ((20, 20), (3, 2))
    rule = images.manifest["split_rule"]
    assert rule.endswith("validation is the folder valid; test is the folder test")


def test_a_test_part_is_cut_where_there_is_none(tmp_path: Path) -> None:
    root = fill(tmp_path, {"train/a": 20, "train/b": 20, "val/a": 4, "val/b": 4})
    images = load(root)
    assert {split: images.counts(split) for split in images} == {
        "train": (17, 17),
        "validation": (4, 4),
        "test": (3, 3),
    }


# Sizes and channels


@pytest.mark.parametrize(
    ("sizes", "size", "expected"),
    [
        pytest.param([(20, 30)], 128, (20, 30), id="all-equal-stay"),
        pytest.param([(20, 30)], 30, (20, 30), id="just-fit"),
        pytest.param([(20, 30)], 29, (20, 20), id="one-side-too-large"),
        pytest.param([(40, 50)], 16, (16, 16), id="shrunk"),
        pytest.param([(20, 30), (24, 18), (9, 90)], 128, (18, 18), id="median-of-short-sides"),
        pytest.param([(20, 30), (30, 20)], 128, (20, 20), id="turned"),
    ],
)
def test_target_sizes(
    tmp_path: Path, sizes: list[tuple[int, int]], size: int, expected: tuple[int, int]
) -> None:
    for index in range(12):
        height, width = sizes[index % len(sizes)]
        save(tmp_path / "ab"[index % 2] / f"{index}.png", noise(index, height, width))
    images = load(tmp_path, size=size)
    assert images["train"].images.shape[2:] == expected
    assert (images.preprocessing.height, images.preprocessing.width) == expected
    assert images.preprocessing.resize == "crop"


def test_grey_files_make_one_channel(tmp_path: Path) -> None:
    root = fill(tmp_path, {"a": 5, "b": 5}, channels=1)
    assert load(root)["train"].images.shape[1] == 1
    assert load(root, channels=3)["train"].images.shape[1] == 3
    save(root / "b" / "colour.png", noise(1))
    assert load(root)["train"].images.shape[1] == 3
    assert load(root, channels=1)["train"].images.shape[1] == 1


def test_mean_and_deviation_are_of_the_training_images(root: Path) -> None:
    images = load(root)
    values = images["train"].images.double() / 255
    assert images.preprocessing.mean == pytest.approx(values.mean((0, 2, 3)).tolist())


# Memory, progress, names


def test_a_set_larger_than_memory(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load(root).fingerprint
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(store, "available_memory", lambda: 100)
    images = load(root)
    assert images.fingerprint == expected
    assert (tmp_path / "home" / "store").is_dir()
    assert (images["train"].images[0].float() + 1).isfinite().all()


def test_progress_goes_from_0_to_all(root: Path) -> None:
    events: list[Event] = []
    load(root, progress=events.append)
    for task in ("scan", "decode"):
        moved = [event for event in events if isinstance(event, Moved) and event.task == task]
        assert [(event.done, event.total) for event in moved] == [(n, 60) for n in range(61)]


def test_stopping_in_the_middle_stops(root: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Moved) and event.task == "decode" and event.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(root, progress=stop)


def test_any_name_works(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"r\xe9 'q' \x07")
    odd = [os.fsdecode(name) for name in (b'caf\xe9 "x"', b"new\nline", "наука".encode())]
    fill(root, dict.fromkeys(odd, 4))
    images = load(root)
    assert images.classes == tuple(sorted(odd))
    assert load(images.source, **images.options).fingerprint == images.fingerprint
    manifest = json.loads(json.dumps(images.manifest))
    assert manifest["splits"]["train"]["files"][0]["name"] == images["train"].names[0]


# Refusals


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"size": 7}, "size is 7; it must be 8 to 2048"),
        ({"size": 2049}, "size is 2049; it must be 8 to 2048"),
        ({"per_class": 0}, "per_class is 0; it must be 1 or more"),
        ({"validation": 0.0}, "validation is 0.0; it must be above 0 and below 1"),
        ({"validation": 1.0}, "validation is 1.0; it must be above 0 and below 1"),
        ({"channels": 2}, r"channels is 2; it must be 1 \(grey\) or 3 \(RGB\)"),
        ({"classes": ["a", "bb"]}, "no class 'bb'; nearest: b"),
        ({"classes": ["a"]}, "asks for 1 class, but a classifier needs 2"),
        ({"classes": ["a", "a"]}, "asked for twice"),
        ({"per_class": 2}, "too few images to have one for validation"),
    ],
)
def test_options_out_of_range(root: Path, options: dict[str, object], text: str) -> None:
    with pytest.raises(DataError, match=text):
        load(root, **options)  # pyright: ignore[reportArgumentType]


def test_one_class_only(tmp_path: Path) -> None:
    fill(tmp_path, {"only": 3})
    with pytest.raises(DataError, match="holds one class only, only; a classifier needs two"):
        load(tmp_path)


def test_a_folder_too_high_is_guessed(tmp_path: Path) -> None:
    fill(tmp_path / "archive", {"cats": 5, "dogs": 5})
    with pytest.raises(DataError, match=r"so perhaps .*/archive is meant") as error:
        load(tmp_path)
    advice = str(error.value).split("perhaps ")[1].split(" is meant")[0]
    assert load(advice).classes == ("cats", "dogs")


def test_a_class_only_in_test(tmp_path: Path) -> None:
    root = fill(tmp_path, {"train/a": 5, "train/b": 5, "test/a": 2, "test/c": 2})
    with pytest.raises(DataError, match="class c is in test but not in train"):
        load(root)
    assert load(root, classes=["a", "b"]).counts("test") == (2, 0)  # as the error advises


def test_a_class_of_broken_files_only(tmp_path: Path) -> None:
    root = fill(tmp_path, {"a": 20, "b": 20})
    (root / "c").mkdir()
    (root / "c" / "1.jpg").touch()
    with pytest.raises(DataError, match="class c has no image for training that can be read"):
        load(root)
    assert load(root, classes=["a", "b"]).classes == ("a", "b")
