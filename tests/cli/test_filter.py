"""`striate filter`: what it prints, writes, and refuses."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.ops.notation import descriptions
from tests.cli.conftest import Cli
from tests.data.files import noise, save


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save(tmp_path / "photos" / "a.png", noise(1, 40, 30))


def test_a_picture(cli: Cli, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = cli("filter", photo, "--kernel", "1,0,-1;2,0,-2;1,0,-1", "--out", out)
    assert (done.code, done.out, done.err) == (0, f"{out}\n", "")
    with Image.open(out) as image:
        assert image.format == "PNG"


def test_weights_may_begin_with_a_minus(cli: Cli, photo: Path, tmp_path: Path) -> None:
    done = cli("filter", photo, "-k", "-1,1", "--npz", tmp_path / "raw.npz")
    assert (done.code, done.out) == (0, f"{tmp_path}/raw.npz\n")
    assert np.load(tmp_path / "raw.npz")["kernel_0"].tolist() == [[-1, 1]]
    assert not (tmp_path / "filtered.png").exists()


def test_without_out_it_lies_here(cli: Cli, photo: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("filter", photo, "-k", "sobel", "-k", "gabor:frequency=.2,theta=90")
    assert (done.code, done.out) == (0, "filtered.png\n")
    assert (tmp_path / "filtered.png").exists()


def test_every_option_reaches_the_job(cli: Cli, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    words = ["--colour", "planes", "--size", "20", "--padding-mode", "zeros", "--show", "photo"]
    done = cli("filter", photo, "-k", "emboss", "--out", out, "--plain", *words)
    assert done.code == 0
    with Image.open(out) as image:
        assert image.size == (15, 20)
    for name, word, why in (("--colour", "red", "colour is 'red'"), ("--size", "0", "size is 0"),
                            ("--padding-mode", "x", "padding_mode is 'x'"),
                            ("--show", "x", "show is 'x'")):  # fmt: skip
        assert cli("filter", photo, "-k", "emboss", "--out", out, name, word).refused(why)


def test_the_list(cli: Cli) -> None:
    done = cli("filter", "--list")
    assert (done.code, done.err) == (0, "")
    names = [line.split()[0] for line in done.out.splitlines()]
    assert names[:-1] == list(descriptions())


def test_broken_photos_are_named_and_the_others_written(
    cli: Cli, photo: Path, tmp_path: Path
) -> None:
    (photo.parent / "b\n.png").write_bytes(b"")
    (photo.parent / "c.txt").write_text("no photo")
    done = cli("filter", photo.parent, "-k", "sobel-x", "--out", tmp_path / "out")
    assert (done.code, done.out) == (2, f"{tmp_path}/out/a.png\n")
    warning, error = done.err.splitlines()
    assert warning.startswith(f"warning: {photo.parent}: ")
    assert "(.txt)" in warning
    assert error == f"error: {photo.parent}/b\\x0a.png: empty file"


def test_bad_input(cli: Cli, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_bytes(photo.read_bytes()[:50])
    tail = ["--out", tmp_path / "out.png"]
    assert cli("filter", photo).refused("name a kernel: --kernel sobel-x", "striate filter --list")
    assert cli("filter", "-k", "sobel-x").refused("name photos: striate filter PHOTO")
    for kernel, why in (("sobelx", "nearest: sobel-x"), ("1,2;3", "row 2"), ("1,x", "'x' in"),
                        ("gabor:frequency=-1", "frequency is -1; it must be above 0"),
                        ("gaussian:sigma=1e9", "sigma=127.7 is the most"),
                        ("gaussian:sigma=30", "replicate")):  # fmt: skip
        assert cli("filter", photo, "-k", kernel, *tail).refused(why)
    for place, why in ((tmp_path / "empty", "holds no images"), ("nowhere", "there is no file or"),
                       (tmp_path / "broken.png", "broken.png: cut short")):  # fmt: skip
        assert cli("filter", place, "-k", "sobel-x", *tail).refused(why)
    assert cli("filter", photo, "-k", "sobel-x", "--out", photo).refused("is the photo")
    assert cli("filter", photo, "-k", "sobel-x", "--out", "x.jpg").refused("ends in .jpg")
    assert not (tmp_path / "out.png").exists()


def test_a_place_that_cannot_be_written(cli: Cli, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "out.png"
    assert cli("filter", photo, "-k", "sobel-x", "--out", place).refused("cannot make the folder")
