"""Steps of photos, grids and layers: what is read, what is reckoned, what is written."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from striate import jobs
from striate._errors import DataError, KernelError, NetworkError, ShapeError, StorageError
from striate.jobs.step_images import example_board, read_board, shrunk_size


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 200, 100, 50
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_photo_is_made_grey_and_small(photo: Path) -> None:
    board, source = read_board(photo, 6)
    # .299 * 200 + .587 * 100 + .114 * 50 = 124.2
    assert board.shape == (4, 6)
    assert board.unique().tolist() == [124]
    assert source == f"{photo}, 40 x 60 made 4 x 6, grey 0 to 255"
    assert read_board(photo)[0].shape == (8, 12)
    assert read_board(photo, 4096)[0].shape == (40, 60)
    assert shrunk_size(1, 1000, 12) == (1, 12)


def test_grids_as_files_and_as_text(tmp_path: Path) -> None:
    expected = [[1.0, -2.5], [0.0, 300.0]]
    for name, text in (
        ("a.csv", "1,-2.5\n0,3e2\n"), ("b.txt", "\n1 -2.5\r\n 0\t300 \n\n"),
        ("c.tsv", "1\t-2.5\n0\t300"),
    ):  # fmt: skip
        (tmp_path / name).write_text(text)
        assert read_board(tmp_path / name)[0].tolist() == expected
    assert read_board("1,-2.5; 0 300")[0].tolist() == expected
    assert read_board("7")[0].tolist() == [[7]]


def test_the_example_has_edges_everywhere_and_cells_one_can_tell_apart() -> None:
    board = example_board(7)
    assert board[0].tolist() == board[:, 6].tolist() == [0] * 7
    assert board[3].tolist() == [0, 7, 8, 9, 5, 6, 0]
    for size in (1, 2, 3, 7, 40):
        assert example_board(size).shape == (size, size)
        assert example_board(size).max() >= 5


def test_a_step_by_hand() -> None:
    done = jobs.step("1,2,3;4,5,6;7,8,9", kernel="1,0;0,-1", at=(1, 0))
    assert done.step.products.tolist() == [[[4, 0], [0, -8]]]
    assert done.step.output == -4
    assert done.trace.outputs.tolist() == [[-4, -4], [-4, -4]]
    assert (done.written, done.animated) == ((), None)
    assert jobs.step("1,2;3,4", kernel="1,1", bias=0.5, at=(1, 0)).step.output == 7.5


def test_the_middle_is_taken_where_nobody_says() -> None:
    assert jobs.step(size=9).step.at == (3, 3)
    assert jobs.step(torch.zeros(2, 5), kernel=torch.ones(1, 1)).step.at == (1, 2)


def test_one_row_is_a_map_of_one_axis() -> None:
    row = ",".join(map(str, range(1, 14)))
    settings = {"kernel": "2,3,5,7,11,13", "stride": 5, "padding": "same"}
    done = jobs.step(row, **settings)
    assert done.trace.outputs.tolist() == [143, 348, 204]
    assert jobs.step(row, at=(0, 2), **settings).step.output == 204
    assert jobs.step(row, at=(2,), **settings).step.output == 204
    assert jobs.step("1,2,3", kernel="1,1", padding=1).trace.outputs.shape == (4,)
    assert jobs.step("1,2,3", kernel="1,1", padding=(1, 0)).trace.outputs.shape == (3, 2)


def test_settings_reach_the_operation() -> None:
    board = torch.arange(30.0).view(5, 6)
    kernel = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    image, weight = board[None, None], kernel[None, None]
    done = jobs.step(board, kernel=kernel, stride=(2, 1), padding=1, dilation=2, flip=True)
    expected = F.conv2d(image, weight.flip(2, 3), stride=(2, 1), padding=1, dilation=2)[0, 0]
    torch.testing.assert_close(done.trace.outputs, expected.double())
    done = jobs.step(board, kernel=kernel, padding=1, padding_mode="circular")
    expected = F.conv2d(F.pad(image, (1, 1, 1, 1), mode="circular"), weight)[0, 0]
    torch.testing.assert_close(done.trace.outputs, expected.double())
    done = jobs.step(board, kernel=kernel, transposed=True, stride=3, padding=1, output_padding=1)
    expected = F.conv_transpose2d(image, weight, stride=3, padding=1, output_padding=1)[0, 0]
    torch.testing.assert_close(done.trace.outputs, expected.double())
    done = jobs.step(board, pool="max", kernel="3x2", stride=1)
    torch.testing.assert_close(done.trace.outputs, F.max_pool2d(image, (3, 2), 1)[0, 0].double())
    done = jobs.step(board, pool="average")
    torch.testing.assert_close(done.trace.outputs, F.avg_pool2d(image, 2)[0, 0].double())
    assert jobs.step(board, pool="min", kernel=torch.ones(5, 6)).step.winner == (0, 0)


def test_pictures_and_animations_are_written(tmp_path: Path) -> None:
    out, gif, page = (tmp_path / name for name in ("a.svg", "b.gif", "c.HTML"))
    done = jobs.step(size=5, out=out, animate=gif, seconds=0.1)
    assert done.written == (out, gif)
    assert done.animated == (9, 9)
    assert out.read_text("utf-8").startswith("<svg")
    with Image.open(gif) as image:
        assert getattr(image, "n_frames", 1) == 9
        assert image.info["duration"] == 100
    done = jobs.step(size=20, animate=page, most=10, at=(17, 17))
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert done.animated == (9, 324)
    assert '"at":"17,17"' in page.read_text("utf-8")


def test_a_layer_of_a_network(tmp_path: Path, photo: Path) -> None:
    done = jobs.step_layer("lenet5", "stages.1.conv", photo, channel=3, at=(2, 5),
                           animate=tmp_path / "a.html")  # fmt: skip
    assert done.step.channels == tuple(range(6))
    assert done.step.channel == 3
    assert done.animated == (36, 100)
    assert "fresh weights" in done.source
    torch.manual_seed(7)
    again = jobs.step_layer("lenet5", "stages.1.conv", photo, channel=3, at=(2, 5))
    assert again.step.output == done.step.output  # fresh, and the same each time
    assert jobs.step_layer("lenet5", "stages.0.pool").step.output != 0


def test_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    jobs.step_layer("lenet5", "stages.0.conv")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_layer_of_a_run_is_fed_as_in_training(finished: Path, tiny: str, photos: Path) -> None:
    file = photos / "disc" / "00.png"
    with pytest.raises(NetworkError, match="name a layer to step through: --layer ") as refusal:
        jobs.step_layer(finished, None, file, code=tiny)
    layer = str(refusal.value).split("--layer ")[1].split(",")[0].split()[0]
    done = jobs.step_layer(finished, layer, file, code=tiny)
    assert "trained weights" in done.source
    from striate.data.decoding import read_image
    from striate.runs import open_network

    card = open_network(finished, code=tiny).card
    expected = card.preprocessing.normalize(read_image(file, card.preprocessing)[None])
    torch.testing.assert_close(done.trace.images, expected[0].double())


def test_code_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def net(in_channels): return nn.Sequential(nn.Conv2d(in_channels, 2, 3), nn.ReLU())\n"
        "def broken(): return nn.Sequential(nn.Conv2d(3, 2, 3), nn.Linear(1, 1))\n"
    )
    done = jobs.step_layer(f"{tmp_path / 'net.py'}:net", "0", size=9)
    assert done.trace.outputs.shape == (7, 7)
    with pytest.raises(NetworkError, match="the network failed: "):
        jobs.step_layer(f"{tmp_path / 'net.py'}:broken", "0", size=9)


def test_boards_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("1,2\n3\n")
    (tmp_path / "word.csv").write_text("1,two\n")
    (tmp_path / "none.csv").write_text("\n")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "photo.png").write_bytes(b"no photo")
    for source, text in (
        (tmp_path / "odd.csv", "row 1 is 1 long, row 0 is 2; all rows"),
        (tmp_path / "word.csv", "'two' is no number; write 2"),
        (tmp_path / "none.csv", "is empty; write rows of numbers"),
        (tmp_path / "bytes.csv", "is no text"),
        (tmp_path / "photo.png", "none of the formats that are read"),
        (tmp_path / "nowhere.png", "does not exist"),
        ("1,2,x", "is no file, and no grid of numbers such as 1,2;3,4"),
        ("1;2,3", "all rows must be of one length"),
        ("nan", "does not exist"),
        ("1,1e999", "'1e999' is no number"),
    ):
        with pytest.raises(DataError, match=text):
            read_board(source)
    for size in (0, -3, 5000):
        with pytest.raises(DataError, match="it must be 1 to 4096"):
            read_board(None, size)


def test_refusals(tmp_path: Path, photo: Path) -> None:
    with pytest.raises(KernelError, match="nearest: sobel"):
        jobs.step(kernel="sobell-x")
    with pytest.raises(KernelError, match="pool is 'median'; it must be one of max, average, min"):
        jobs.step(pool="median")
    with pytest.raises(KernelError, match="a pooling has no weights but a size: 3, or 3x2"):
        jobs.step(pool="max", kernel="sobel-x")
    with pytest.raises(KernelError, match="output_padding is 1, but goes with a transposed"):
        jobs.step(kernel="1,0;0,1", size=5, output_padding=1)
    assert jobs.step(kernel="1,0;0,1", size=5, output_padding=0, transposed=True).step is not None
    for bias in (float("nan"), float("inf")):
        with pytest.raises(KernelError, match=f"bias is {bias}; it must be a finite number"):
            jobs.step(kernel="1,0;0,1", size=5, bias=bias)
    with pytest.raises(KernelError, match="a pooling has no flip"):
        jobs.step(pool="max", flip=True)
    with pytest.raises(ShapeError, match="padding=1 is the least that fits"):
        jobs.step("1,2;3,4", kernel="1,1,1;1,1,1;1,1,1")
    assert jobs.step("1,2;3,4", kernel="1,1,1;1,1,1;1,1,1", padding=1).step.output == 10
    with pytest.raises(ShapeError, match="output cell 5, 0 is outside the map of 5 x 5"):
        jobs.step(at=(5, 0))
    with pytest.raises(DataError, match=r"must end in \.svg"):
        jobs.step(out=tmp_path / "a.png")
    with pytest.raises(DataError, match=r"must end in \.gif or \.html"):
        jobs.step(animate=tmp_path / "a.mp4")
    with pytest.raises(DataError, match="an animation has 1 to 400 steps"):
        jobs.step(animate=tmp_path / "a.gif", most=401)
    with pytest.raises(StorageError, match="cannot write"):
        jobs.step(out=tmp_path / "nowhere" / "a.svg")
    image = photo.rename(photo.with_name("photo.gif"))
    with pytest.raises(DataError, match="which is the image; choose another name"):
        jobs.step(image, animate=image)
    with pytest.raises(NetworkError, match="--code goes with a run folder"):
        jobs.step_layer("lenet5", "stages.0.conv", code="a.py:b")
    with pytest.raises(NetworkError, match="size is 0; it must be at least 1"):
        jobs.step_layer("lenet5", "stages.0.conv", size=0)
    assert not list(tmp_path.glob("*.svg"))
