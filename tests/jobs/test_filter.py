"""Photos filtered and written: pictures, grids, folders, raw responses; what is left out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from striate import filter_photos
from striate._errors import DataError, KernelError, ShapeError, StriateError
from striate._events import Moved, Said
from striate.ops.filtering import filter_image, gabor_magnitude
from striate.ops.gabor_kernels import gabor
from striate.ops.kernels import kernel
from striate.report.filter_sheets import grid_size
from striate.report.responses import response_picture, scale_for
from tests.data.files import noise, save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    save(root / "a.png", noise(1, 40, 30))
    save(root / "more" / "b.png", noise(2, 24, 50))
    save(root / "more" / "c.png", noise(3, 33, 33, channels=1))
    return root


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def images(path: Path) -> torch.Tensor:
    values = pixels(path).astype(np.float32) / 255
    return torch.from_numpy(values if values.ndim == 3 else values[..., None]).movedim(2, 0)[None]


# What is written.


def test_plain_is_the_response_of_the_photo_as_it_is(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "blurred.png"
    done = filter_photos([folder / "a.png"], ["gaussian:sigma=2"], out=out, colour="planes",
                         plain=True)  # fmt: skip
    assert (done.written, done.failed) == ((out,), ())
    blurred = filter_image(images(folder / "a.png"), kernel("gaussian", sigma=2.0), colour="planes")
    expected = (255 * blurred[0, 0]).clamp(0, 255).round().movedim(0, 2).numpy()
    assert pixels(out).shape == (40, 30, 3)
    assert abs(pixels(out) - expected).max() <= 1


def test_one_photo_and_one_kernel(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "edges.png"
    filter_photos([folder / "a.png"], ["sobel-x"], out=out)
    weights = kernel("sobel-x")
    answer = filter_image(images(folder / "a.png"), weights)[0, 0].numpy()
    panel = response_picture(answer, scale_for(weights.numpy(), [answer]))
    panel = panel.repeat(9, axis=0).repeat(9, axis=1)  # 40 rows in at least 384
    sheet = pixels(out)
    hits = (sheet == panel[0, 0]).all(axis=2).nonzero()
    assert any(
        np.array_equal(sheet[y : y + 360, x : x + 270], panel) for y, x in zip(*hits, strict=True)
    )


def test_large_photos_are_shrunk_first(tmp_path: Path) -> None:
    photo = save(tmp_path / "large.png", noise(1, 600, 1200))
    filter_photos([photo], ["sobel-x"], out=tmp_path / "a.png")
    filter_photos([photo], ["sobel-x"], out=tmp_path / "b.png", size=700)
    widths = [pixels(tmp_path / name).shape[1] for name in ("a.png", "b.png")]
    assert widths[1] - widths[0] == 2 * (700 - 512)
    filter_photos([photo], ["sobel-x"], out=tmp_path / "c.npz")
    filter_photos([photo], ["sobel-x"], npz=tmp_path / "d.npz", size=100)
    shapes = [np.load(tmp_path / name)["response_0_0"].shape for name in ("c.npz", "d.npz")]
    assert shapes == [(1, 600, 1200), (1, 50, 100)]


def test_a_grid(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    filter_photos([folder], ["all"], out=out, size=64)
    assert pixels(out).shape[:2] == grid_size(3, 42, 64)
    filter_photos([folder], ["sobel-x", "1,-1"], out=out)
    assert pixels(out).shape[:2] == grid_size(3, 2, 192)


def test_a_folder_takes_a_picture_a_photo(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = filter_photos([folder], ["sobel", "emboss"], out=out)
    assert done.written == (out / "a.png", out / "more" / "b.png", out / "more" / "c.png")
    for path in done.written:
        assert pixels(path).shape[:2] == grid_size(1, 2, 192)


def test_names_that_would_meet_keep_their_endings(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for name in ("x.png", "X.JPG", "y.bmp"):
        save(root / name, noise(1))
    done = filter_photos([root], ["sobel-x"], out=f"{tmp_path}/out.d/")
    assert {path.name for path in done.written} == {"x.png.png", "X.JPG.png", "y.png"}


def test_raw_responses(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "raw.npz"
    lines = ["sobel-x", "gabor:frequency=.3,theta=45", "1,-1"]
    done = filter_photos([folder], lines, out=tmp_path / "grid.png", npz=out, colour="planes")
    assert done.written == (tmp_path / "grid.png", out)
    with np.load(out, allow_pickle=False) as raw:
        assert raw["photos"].tolist() == ["a.png", "more/b.png", "more/c.png"]
        assert raw["kernels"].tolist() == lines
        weights = [kernel("sobel-x"), gabor(0.3, np.pi / 4), torch.tensor([[1.0, -1.0]])]
        for k, each in enumerate(weights):
            assert np.array_equal(raw[f"kernel_{k}"], each.numpy())
        for p, name in enumerate(raw["photos"]):
            image = images(folder / str(name))
            for plane in range(image.shape[1]):
                one = image[:, plane : plane + 1]
                expected = [
                    filter_image(one, weights[0])[0, 0, 0],
                    gabor_magnitude(one, weights[1])[0, 0],
                    filter_image(one, weights[2])[0, 0, 0],
                ]
                for k in range(3):
                    found = torch.from_numpy(raw[f"response_{p}_{k}"][plane])
                    torch.testing.assert_close(found, expected[k], rtol=1e-5, atol=1e-5)
        assert len(raw.files) == 2 + 3 + 9


def test_equal_photos_are_equal_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        filter_photos([folder], ["sobel-x"], out=tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_borders_and_looks(folder: Path, tmp_path: Path) -> None:
    weights = kernel("sobel-x")
    filter_photos([folder / "a.png"], ["sobel-x"], out=tmp_path / "a.npz", padding_mode="zeros")
    found = np.load(tmp_path / "a.npz")["response_0_0"]
    image = images(folder / "a.png")
    expected = filter_image(image, weights, padding_mode="zeros")[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    filter_photos([folder / "a.png"], ["sobel-x"], out=tmp_path / "b.png", show="magnitude",
                  padding_mode="zeros", plain=True)  # fmt: skip
    scale = scale_for(weights.numpy(), [expected], "magnitude")
    assert abs(pixels(tmp_path / "b.png").astype(int) - response_picture(expected, scale)).max() < 3


def test_progress_is_told(folder: Path, tmp_path: Path) -> None:
    (folder / "notes.txt").write_text("no photo")
    events = []
    filter_photos([folder], ["sobel-x"], out=tmp_path / "out", progress=events.append)
    assert [e.done for e in events if isinstance(e, Moved)] == [0, 1, 2, 3]
    (said,) = (event.text for event in events if isinstance(event, Said))
    assert said.startswith(f"{folder}: ")
    assert "1 file" in said
    assert "(.txt)" in said


# What is left out, and what is refused.


def test_broken_photos_are_named_and_the_others_go_on(folder: Path, tmp_path: Path) -> None:
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:60])
    (folder / "c.jpg").write_bytes(b"")
    names = [f"{folder}/b.png: cut short (image file is truncated)", f"{folder}/c.jpg: empty file"]
    for out in ("out", "grid.png", "raw.npz"):
        done = filter_photos([folder], ["sobel-x"], out=tmp_path / out)
        assert list(done.failed) == names
        assert done.written
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3
    assert np.load(tmp_path / "raw.npz")["photos"].tolist() == ["a.png", "more/b.png", "more/c.png"]
    both = filter_photos([folder], ["sobel-x"], out=tmp_path / "g.png", npz=tmp_path / "g.npz")
    assert list(both.failed) == names  # once, though the photos are read twice


@pytest.mark.parametrize("out", ["out", "a.png", "a.npz"])
def test_nothing_is_left_behind_if_no_photo_can_be_read(tmp_path: Path, out: str) -> None:
    (tmp_path / "p").mkdir()
    for name in ("x.png", "y.png"):
        (tmp_path / "p" / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"x\.png: empty file \(and 1 more like it\)$"):
        filter_photos([tmp_path / "p"], ["sobel-x"], out=tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


def test_a_photo_too_small_for_a_kernel(folder: Path, tmp_path: Path) -> None:
    save(folder / "tiny.png", noise(1, 5, 9))
    wide = ["gaussian:sigma=2"]
    text = rf"{folder}/tiny\.png, gaussian:sigma=2: reflect padding adds .*replicate"
    with pytest.raises(ShapeError, match=text):
        filter_photos([folder], wide, out=tmp_path / "grid.png")
    done = filter_photos([folder], wide, out=tmp_path / "out")
    assert len(done.written) == 3
    assert len(done.failed) == 1
    raw = filter_photos([folder], [*wide, "sobel-x"], out=tmp_path / "raw.npz")
    assert len(raw.failed) == 1
    found = np.load(tmp_path / "raw.npz")
    place = found["photos"].tolist().index("tiny.png")
    assert f"response_{place}_0" not in found
    assert f"response_{place}_1" in found
    good = filter_photos([folder], wide, out=tmp_path / "grid.png", padding_mode="replicate")
    assert good.failed == ()


def test_a_photo_is_never_written_over(folder: Path, tmp_path: Path) -> None:
    before = (folder / "a.png").read_bytes()
    for out in (folder / "a.png", folder, folder / "more" / ".." / "a.png"):
        with pytest.raises(DataError, match=r"a\.png is the photo .* itself; choose another place"):
            filter_photos([folder / "a.png"], ["sobel-x"], out=out)
    assert (folder / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("error", "options", "text"),
    [
        (KernelError, {"kernels": []}, "there is no kernel to filter with; name one such as sobel"),
        (KernelError, {"kernels": ["sobl"]}, "there is no kernel 'sobl'; nearest: sobel"),
        (DataError, {"paths": []}, "there is no photo to filter; name files or folders"),
        (DataError, {"paths": ["nowhere.png"]}, "there is no file or folder nowhere.png"),
        (DataError, {"colour": "red"}, "colour is 'red'; it must be one of grey, planes"),
        (DataError, {"padding_mode": "wrap"}, "padding_mode is 'wrap'; it must be one of zeros"),
        (DataError, {"show": "all"}, "show is 'all'; it must be one of signed, magnitude, photo"),
        (DataError, {"size": 0}, "size is 0; it must be 1 to 20000 pixels"),
        (DataError, {"out": "a.jpg"}, "a.jpg ends in .jpg; pictures are .png.*: a.png"),
        (DataError, {"out": None}, "there is nothing to write; out takes a .png"),
        (DataError, {"npz": "raw.png"}, "npz is raw.png; raw responses go into a file that ends"),
        (KernelError, {"plain": True, "kernels": ["sobel-x", "emboss"]}, "there are 2 kernels; l"),
        (DataError, {"plain": True}, "plain shows one photo, but there are 3; name a folder.*: a/"),
        (ShapeError, {"kernels": ["all"], "size": 3000}, "size is 3000, which makes a grid of"),
    ],
)
def test_refusals(
    folder: Path, tmp_path: Path, monkeypatch, error: type, options: dict, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = {"paths": [folder], "kernels": ["sobel-x"], "out": "a.png"} | options
    with pytest.raises(error, match=text) as refused:
        filter_photos(asked.pop("paths"), asked.pop("kernels"), **asked)
    assert isinstance(refused.value, StriateError)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_the_size_that_a_refusal_names_works(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("striate.jobs.filter_pictures._MOST_PIXELS", 1_000_000)
    with pytest.raises(ShapeError, match=r"size=\d+ is the most") as refused:
        filter_photos([folder], ["all"], out=tmp_path / "a.png", size=200)
    most = int(str(refused.value).split("size=")[1].split()[0])
    filter_photos([folder], ["all"], out=tmp_path / "a.png", size=most)
    assert 900_000 < pixels(tmp_path / "a.png").size / 3 <= 1_000_000


def test_too_many_photos_for_one_picture(tmp_path: Path) -> None:
    for number in range(25):
        save(tmp_path / "p" / f"{number}.png", noise(number))
    with pytest.raises(DataError, match=r"25 photos are too many .* room for 24"):
        filter_photos([tmp_path / "p"], ["sobel-x"], out=tmp_path / "a.png")
    assert len(filter_photos([tmp_path / "p"], ["sobel-x"], out=tmp_path / "a").written) == 25


def test_two_photos_of_one_name(tmp_path: Path) -> None:
    for place in ("p", "q"):
        save(tmp_path / place / "x.png", noise(1))
    with pytest.raises(DataError, match=r"two photos are called x\.png; filter them one after"):
        filter_photos([tmp_path / "p", tmp_path / "q"], ["sobel-x"], out=tmp_path / "out")


def test_one_photo_and_one_kernel_need_no_list(folder: Path, tmp_path: Path) -> None:
    listed = filter_photos([folder / "a.png"], ["sobel-x"], out=tmp_path / "listed.png")
    for number, photo in enumerate((folder / "a.png", str(folder / "a.png"))):
        done = filter_photos(photo, "sobel-x", out=tmp_path / f"{number}.png")
        assert done.failed == ()
        assert done.written[0].read_bytes() == listed.written[0].read_bytes()
