"""What the doctor finds in a folder: each fault planted, found, named, and nothing else."""

import os
from pathlib import Path
from typing import Any

import pytest

from striate._errors import DataError
from striate._events import Event, Said
from striate.data import ImageSet, load
from striate.data.doctor import refuse_if_many
from striate.data.reading import Broken
from tests.data.files import fill, noise, save


def doctor(images: ImageSet) -> dict[str, Any]:
    return images.manifest["doctor"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "root", {"a": 20, "b": 20})


def test_a_sound_folder(root: Path) -> None:
    assert doctor(load(root)) == {
        "checked": 40,
        "broken": [],
        "duplicates": [],
        "leaks": [],
        "conflicts": [],
        "warnings": [],
    }


def test_broken_files_are_named_and_left_out(root: Path) -> None:
    (root / "a" / "empty.jpg").touch()
    (root / "a" / "renamed.jpg").write_text("a text")
    (root / "b" / "short.png").write_bytes((root / "b" / "000.png").read_bytes()[:300])
    events: list[Event] = []
    images = load(root, progress=events.append)
    assert doctor(images)["checked"] == 43
    assert doctor(images)["broken"] == [
        {"file": "a/empty.jpg", "reason": "empty file"},
        {
            "file": "a/renamed.jpg",
            "reason": "none of the formats that are read: JPEG, PNG, WebP, BMP, GIF, TIFF",
        },
        {"file": "b/short.png", "reason": "cut short (image file is truncated)"},
    ]
    assert sum(len(images[split]) for split in images) == 40
    assert not any("short" in name for split in images for name in images[split].names)
    (warning,) = doctor(images)["warnings"]
    assert "3 images are left out, not readable: a/empty.jpg (empty file)" in warning
    assert Said(text=warning, warning=True) in events


def test_the_others_keep_their_pixels_when_some_are_broken(root: Path) -> None:
    sound = load(root)
    for index in (0, 7):
        (root / "a" / f"{index:03d}b.png").write_bytes((root / "a/000.png").read_bytes()[:300])
    images = load(root)
    assert images.fingerprint == sound.fingerprint


@pytest.mark.parametrize("header", [True, False])
def test_more_than_a_tenth_is_refused(root: Path, header: bool) -> None:
    data = (root / "a" / "000.png").read_bytes()
    for index in range(4):  # 4 of 44 are less than a tenth, 5 of 45 are more
        (root / "a" / f"x{index}.png").write_bytes(b"text" if header else data[:300])
    assert len(doctor(load(root))["broken"]) == 4
    (root / "a" / "x4.png").touch()
    with pytest.raises(DataError, match="5 of 45 images cannot be read, more than a tenth") as one:
        load(root)
    assert "; and 2 more" in str(one.value)
    assert str(one.value).count("\n") == 1


def test_a_tenth_by_hand() -> None:
    broken = [Broken(name=os.fsdecode(b"\xff\n.jpg"), reason="empty file")]
    refuse_if_many(broken, 10)
    with pytest.raises(DataError, match=r"1 of 9 .*\n\\xff\\x0a\.jpg: empty file$"):
        refuse_if_many(broken, 9)


def test_exact_copies_are_found_and_stay_together(root: Path) -> None:
    pixels = noise(77)
    save(root / "a" / "one.png", pixels)
    save(root / "a" / "two.bmp", pixels)  # other bytes, equal pixels
    (root / "a" / "three.png").write_bytes((root / "a" / "one.png").read_bytes())
    for seed in range(5):
        images = load(root, seed=seed)
        assert doctor(images)["duplicates"] == [["a/one.png", "a/three.png", "a/two.bmp"]]
        assert doctor(images)["leaks"] == doctor(images)["conflicts"] == []
        (warning,) = doctor(images)["warnings"]
        assert warning == "2 images are there more than once: a/three.png, a/two.bmp"


def test_one_image_in_two_classes(root: Path) -> None:
    for folder in ("a", "b"):
        save(root / folder / "same.png", noise(77))
    images = load(root)
    assert doctor(images)["conflicts"] == [
        {"files": ["a/same.png", "b/same.png"], "classes": ["a", "b"]}
    ]
    assert {"a/same.png", "b/same.png"} <= set(images["train"].names)
    assert "2 images are in more than one class: a/same.png, b/same.png" in "\n".join(
        doctor(images)["warnings"]
    )


def test_leaks_between_given_parts_are_kept_and_said_loudly(tmp_path: Path) -> None:
    parts = {f"{part}/{name}": 6 for part in ("train", "valid", "test") for name in "ab"}
    root = fill(tmp_path, parts)
    (root / "test/a/copy.png").write_bytes((root / "train/a/000.png").read_bytes())
    (root / "valid/b/copy.png").write_bytes((root / "train/b/000.png").read_bytes())
    images = load(root)
    copies = {"valid/b/copy.png": "train/b/000.png", "test/a/copy.png": "train/a/000.png"}
    splits = {"valid": "validation", "test": "test"}
    assert doctor(images)["leaks"] == [
        {"file": copy, "split": splits[copy.split("/")[0]], "same_as": origin, "in": "train"}
        for copy, origin in copies.items()
    ]
    assert images.counts("test") == (7, 6)
    assert images.counts("train") == (6, 6)
    said = "\n".join(doctor(images)["warnings"])
    assert "LEAK: 1 image of test is also in train, so the test score will be too good" in said
    assert "test/a/copy.png is train/a/000.png" in said
    assert "LEAK: 1 image of validation is" in said


def test_classes_out_of_balance(tmp_path: Path) -> None:
    root = fill(tmp_path, {"few": 4, "many": 40})
    (warning,) = doctor(load(root))["warnings"]
    assert warning == "the classes are unbalanced: many has 40 images, few 4"
    (root / "few" / "more.png").write_bytes(save(root / "x.png", noise(77)).read_bytes())
    (root / "x.png").unlink()
    assert doctor(load(root))["warnings"] == []


def test_a_class_with_one_image_is_for_training(tmp_path: Path) -> None:
    root = fill(tmp_path, {"a": 5, "alone": 1, "two": 2})
    images = load(root)
    assert images.counts("train")[1] == 1
    warnings = doctor(images)["warnings"]
    assert "a class with one image is for training only: alone" in warnings
    assert "validation has no image of two" in warnings


def test_flat_and_dark_images(root: Path) -> None:
    save(root / "a" / "flat.png", noise(1) * 0 + 200)
    save(root / "b" / "dark.png", noise(1) // 16)
    save(root / "b" / "not_dark.png", noise(2) // 15)
    assert doctor(load(root))["warnings"] == [
        "1 image is of one single colour: a/flat.png",
        "1 image is nearly black (16-bit files are scaled by their full range): b/dark.png",
    ]


def test_names_in_warnings_are_printable_and_exact_in_lists(root: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n.jpg")
    (root / "a" / name).touch()
    found = doctor(load(root))
    assert found["broken"][0]["file"] == f"a/{name}"
    assert r"a/caf\xe9\x0a.jpg (empty file)" in found["warnings"][0]
    assert "\n" not in found["warnings"][0]
