"""Which files of a folder are images, of which class and part: layouts, links, names, refusals."""

import os
from pathlib import Path

import pytest

from striate._errors import DataError
from striate.data.listing import Listing, list_images
from striate.data.walking import Walk
from tests.data.files import fill, noise, save


def touch(root: Path, *names: str) -> Path:
    """Make empty files; by their names they are images."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def seen(listing: Listing) -> list[tuple[str, str, str]]:
    return [(file.name, file.category, file.part) for file in listing.files]


def test_a_folder_a_class(tmp_path: Path) -> None:
    touch(tmp_path, "dog/b.jpg", "dog/a.PNG", "cat/deep/er/c.gif", "cat/a.tiff", "cat/z.heic")
    listing = list_images(tmp_path)
    assert seen(listing) == [
        ("cat/a.tiff", "cat", ""),
        ("cat/deep/er/c.gif", "cat", ""),
        ("cat/z.heic", "cat", ""),
        ("dog/a.PNG", "dog", ""),
        ("dog/b.jpg", "dog", ""),
    ]
    assert listing.classes == ("cat", "dog")
    assert listing.folders == {}
    assert listing.warnings == ()


@pytest.mark.parametrize(
    ("train", "valid", "test"),
    [("train", "valid", "test"), ("Training", "VAL", "Testing"), ("TRAIN", "Validation", "test")],
)
def test_parts(tmp_path: Path, train: str, valid: str, test: str) -> None:
    touch(tmp_path, f"{train}/a/1.jpg", f"{train}/b/2.jpg", f"{valid}/a/3.jpg", f"{test}/b/4.jpg")
    listing = list_images(tmp_path)
    assert {file.name: (file.part, file.category) for file in listing.files} == {
        f"{train}/a/1.jpg": ("train", "a"),
        f"{train}/b/2.jpg": ("train", "b"),
        f"{valid}/a/3.jpg": ("validation", "a"),
        f"{test}/b/4.jpg": ("test", "b"),
    }
    assert listing.folders == {"train": train, "validation": valid, "test": test}
    assert list(listing.folders) == ["train", "validation", "test"]


def test_train_alone_is_a_part(tmp_path: Path) -> None:
    listing = list_images(touch(tmp_path, "train/a/1.jpg", "train/b/1.jpg"))
    assert (listing.classes, dict(listing.folders)) == (("a", "b"), {"train": "train"})


def test_a_train_among_other_vehicles_is_a_class(tmp_path: Path) -> None:
    listing = list_images(touch(tmp_path, "train/1.jpg", "car/1.jpg", "plane/1.jpg"))
    assert (listing.classes, listing.folders) == (("car", "plane", "train"), {})


def test_what_is_not_of_a_class_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "train/loose.jpg", "test/a/1.jpg")
    touch(tmp_path, "extra/a/1.jpg", "extra/2.jpg", "top.jpg", "train/a/notes.txt", "train/x.csv")
    (tmp_path / "train" / "empty").mkdir()
    listing = list_images(tmp_path)
    assert len(listing.files) == 3
    assert set(listing.warnings) == {
        "1 image directly in the folder is left out, as it is in no class folder",
        "1 image in train is left out, as it is in no class folder",
        "2 images in extra are left out, as they are in no class folder",
        "2 files are left out, as they are no images (.csv, .txt)",
        "train/empty is a folder without images, so it is no class",
    }


def test_hidden_files_are_ignored(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "b/1.jpg", "a/.hidden.jpg", ".git/x/1.jpg", "__MACOSX/a/1.jpg")
    touch(tmp_path, "a/Thumbs.db", "a/desktop.ini", "a/.DS_Store", "a/._1.jpg")
    listing = list_images(tmp_path)
    assert [file.name for file in listing.files] == ["a/1.jpg", "b/1.jpg"]
    assert listing.warnings == ()


def test_images_without_an_extension_are_found(tmp_path: Path) -> None:
    save(tmp_path / "a" / "1.png", noise(1)).rename(tmp_path / "a" / "1")
    save(tmp_path / "b" / "2.jpg", noise(2)).rename(tmp_path / "b" / "2.jpg_large")
    (tmp_path / "b" / "text").write_text("BM is no bitmap")
    assert [file.name for file in list_images(tmp_path).files] == ["a/1", "b/2.jpg_large"]


def test_all_names_work(tmp_path: Path) -> None:
    odd = [b"a b", b'it\'s "q"', "Größe/наука".encode(), b"caf\xe9", b"bell\x07\nline", b"$(x);*?"]
    for name in odd:
        touch(tmp_path, os.fsdecode(name) + "/1.jpg")
    listing = list_images(tmp_path)
    assert len(listing.files) == len(odd)
    assert os.fsdecode(b"caf\xe9") in listing.classes
    assert all((tmp_path / file.name).is_file() for file in listing.files)


def test_order_is_that_of_the_bytes(tmp_path: Path) -> None:
    names = [b"a/Z.jpg", b"a/a.jpg", b"a/\xc3\xa4.jpg", b"a/\xff.jpg", b"a-b/1.jpg", b"b/1.jpg"]
    names.append("a/😀.jpg".encode())  # bytes f0..., before ff; as text after \udcff
    touch(tmp_path, *[os.fsdecode(name) for name in names])
    found = [os.fsencode(file.name) for file in list_images(tmp_path).files]
    assert found == sorted(names)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    root = touch(tmp_path / "root", "a/1.jpg", "b/1.jpg", "b/deep/2.jpg")
    (root / "a" / "self").symlink_to(".")
    (root / "a" / "up").symlink_to("..")
    (root / "b" / "deep" / "over").symlink_to(tmp_path)
    (root / "b" / "other").symlink_to(root / "a")
    (root / "circle").symlink_to("circle")
    listing = list_images(root)
    assert [file.name for file in listing.files] == ["a/1.jpg", "b/1.jpg", "b/deep/2.jpg"]
    assert set(listing.warnings) == {
        "a/self: a link to a folder that is already read; not followed",
        "a/up: a link to a folder that is already read; not followed",
        "b/other: a link to a folder that is already read; not followed",
        "b/deep/over: a link to a folder around this one; not followed",
        "circle: a link that leads nowhere or in a circle",
    }


def test_links_to_other_places_are_followed(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/x/1.jpg", "one.jpg")
    root = touch(tmp_path / "root", "b/1.jpg")
    (root / "a").symlink_to(tmp_path / "elsewhere")
    (root / "b" / "2.jpg").symlink_to(tmp_path / "one.jpg")
    assert [file.name for file in list_images(root).files] == ["a/x/1.jpg", "b/1.jpg", "b/2.jpg"]
    (tmp_path / "link").symlink_to(root)
    assert len(list_images(tmp_path / "link").files) == 3


def test_a_very_deep_folder(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 900)
    place = tmp_path / "a"
    place.mkdir()
    for _ in range(900):  # one by one: the whole path is made in steps
        place = place / "d"
        place.mkdir()
    touch(tmp_path, f"a/{deep}/1.jpg", "b/1.jpg")
    assert len(list_images(tmp_path).files) == 2


def test_a_folder_that_may_not_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a/1.jpg", "b/1.jpg", "b/closed/2.jpg")
    scandir = os.scandir

    def refuse(folder: Path) -> object:  # root, who runs tests in containers, may read all
        if folder.name in ("closed", "root"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    walk = Walk(tmp_path)
    assert walk.files == ["a/1.jpg", "b/1.jpg"]
    assert walk.warnings == ["b/closed: the folder cannot be read: Permission denied"]
    (tmp_path / "root").mkdir()
    with pytest.raises(DataError, match="root cannot be read: Permission denied"):
        list_images(tmp_path / "root")


@pytest.mark.parametrize(
    ("names", "text"),
    [
        pytest.param([], "holds no images; put them in one folder a class", id="empty"),
        pytest.param(["a/x.txt", "b/y.csv"], "holds no images", id="no-images"),
        pytest.param(["1.jpg", "2.jpg"], "holds 2 images but no class folders", id="bare"),
        pytest.param(["1.jpg"], "holds 1 image but no class folders", id="one"),
        pytest.param(["test/a/1.jpg", "val/a/1.jpg"], "test and val but no train", id="no-train"),
        pytest.param(
            ["train/a/1.jpg", "Training/a/1.jpg"],
            "Training and train are both for train; keep one",
            id="twice",
        ),
        pytest.param(
            ["train/1.jpg", "test/a/1.jpg"],
            "train holds images but no class folders",
            id="train-without-classes",
        ),
    ],
)
def test_refusals(tmp_path: Path, names: list[str], text: str) -> None:
    with pytest.raises(DataError, match=text):
        list_images(touch(tmp_path, *names))


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"a\.jpg is a file; it must be a folder"):
        list_images(touch(tmp_path, "a.jpg") / "a.jpg")


def test_fill_makes_what_it_says(tmp_path: Path) -> None:
    assert len(list_images(fill(tmp_path, {"a": 2, "b": 3})).files) == 5
