"""`striate step`: what is printed, what is written, and every mistake in a line or two."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

GRID = "1,2,3;4,5,6;7,8,9"


def test_the_window_the_products_and_the_sum(cli: Cli) -> None:
    done = cli("step", GRID, "--kernel", "1,0;-1,10", "--at", "1,0", "--bias", "0.5")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Convolution 2 x 2: 3 x 3 -> 2 x 2",
        "over a grid of 3 x 3",
        "",
        "Output row 1, column 0: the 4 products add up to 77; with the bias 0.5 that is 77.5.",
        "It reads rows 1 to 2 and columns 0 to 1 of the input.",
        "",
        "  4  5        1   0        4   0",
        "  7  8   x   -1  10   =   -7  80",
        "",
        "4 + 0 - 7 + 80 + 0.5 (bias) = 77.5",
    ]


def test_padding_stands_in_brackets_and_columns_stay_aligned(cli: Cli) -> None:
    done = cli("step", "12,3;4,5", "--kernel", "1,1;1,1", "--padding", "1", "--at", "0,1")
    lines = done.out.splitlines()
    assert lines[6:8] == ["  (0)  (0)       1  1        0   0",
                          "  12    3    x   1  1   =   12   3"]  # fmt: skip
    assert lines[-1] == "(in brackets: padding)"
    assert done.out.isascii()


def test_a_pooling_marks_the_winner(cli: Cli) -> None:
    done = cli("step", GRID, "--pool", "max", "--at", "0,0")
    assert "  4  *5" in done.out
    assert "the largest of 4 is 5, at row 1, column 1." in done.out
    done = cli("step", GRID, "--pool", "average", "--kernel", "3")
    assert "45 / 9 = 5" in done.out


def test_transposed_and_dilated(cli: Cli) -> None:
    done = cli("step", "1,2,3", "--kernel", "1,2,1", "--transposed", "--stride", "2", "--at", "2")
    assert "It reads cells 0 to 2 of the stretched input." in done.out
    assert done.out.splitlines()[-1] == "(in brackets: padding, or zeros between the cells)"
    done = cli("step", "--dilation", "2", "--at", "0,0")
    assert "rows 0, 2, 4 and columns 0, 2, 4" in done.out


def test_json_is_the_record(cli: Cli) -> None:
    done = cli("step", GRID, "--kernel", "1,1", "--at", "2,1", "--json")
    record = json.loads(done.out)
    assert record["output"] == 17
    assert record["values"] == [[[8, 9]]]
    assert record["positions"] == [[2], [1, 2]]


def test_files(cli: Cli, tmp_path: Path) -> None:
    out, gif = tmp_path / "a.svg", tmp_path / "a.gif"
    done = cli("step", "--size", "6", "--out", out, "--animate", gif, "--most", "4")
    assert done.out.splitlines()[-3:] == [
        str(out), str(gif), "(the animation has 4 of 16 steps; --most and --at choose others)",
    ]  # fmt: skip
    assert out.stat().st_size > 1000
    assert gif.read_bytes()[:3] == b"GIF"


def test_a_photo_and_a_layer(cli: Cli, photos: Path) -> None:
    photo = photos / "disc" / "00.png"
    done = cli("step", photo, "--kernel", "laplacian-4", "--size", "5")
    assert "made 5 x 5, grey 0 to 255" in done.out
    done = cli("step", photo, "--model", "lenet5", "--layer", "stages.1.conv", "--at", "0,0")
    assert done.code == 0
    assert "Channel 0" in done.out.replace("channel 0", "Channel 0")
    assert "3 more channels in the same way." in done.out
    assert "(3 more)" not in done.out  # six channels are told one by one


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--at", "9,9"], ["output cell 9, 9 is outside the map of 5 x 5", "may be 0 to 4"]),
        (["--at", "-1,0"], ["its row may be 0 to 4"]),
        (["--at", "1"], ["at is (1,); the map has 2 axes"]),
        (["--at", "one"], ["--at is 'one'; it must be ROW,COLUMN, such as 2,3"]),
        (["--kernel", "1,2,3,4,5,6,7,8,9"], ["padding=1 is the least that fits"]),
        (["--kernel", "sobbel-x"], ["nearest: sobel-x"]),
        (["--kernel", "1,2;3"], ["all rows must be of one length"]),
        (["nowhere.png"], ["nowhere.png: does not exist"]),
        (["1,2,x"], ["is no file, and no grid of numbers"]),
        (["--stride", "0"], ["--stride is 0; it must be at least 1"]),
        (["--stride", "-2"], ["--stride is -2; it must be at least 1"]),
        (["--stride", "1x1x1"], ["--stride is 1x1x1; it must be one number"]),
        (["--padding", "1x1x1"], ["--padding is 1x1x1; it must be one entry"]),
        (["--padding", "some"], ["--padding is 'some'"]),
        (["--padding", "1", "--padding-mode", "mirror"], ["padding_mode is 'mirror'"]),
        (["--padding", "9", "--padding-mode", "reflect"], ["6 is the most at either end"]),
        (["--dilation", "two"], ["--dilation is 'two'"]),
        (["--pool", "median"], ["pool is 'median'; it must be one of max, average, min"]),
        (["--size", "0"], ["size is 0; it must be 1 to 4096"]),
        (["--most", "0", "--animate", "a.gif"], ["an animation has 1 to 400 steps"]),
        (["--seconds", "0", "--animate", "a.gif"], ["a frame stands for 0.02 to 60"]),
        (["--out", "a.png"], ["out is a.png; it must end in .svg"]),
        (["--animate", "a.avi"], ["it must end in .gif or .html"]),
        (["--layer", "conv"], ["--layer, --channel and --code go with --model"]),
        (["--model", "lenet5"], ["name a layer to step through: --layer stages.0.conv"]),
        (["--model", "lenet5", "--layer", "conv9"], ["the network has no layer 'conv9'"]),
        (["--model", "lenet5", "--layer", "stages.0.act"], ["is no convolution and no pooling"]),
        (["--model", "lenet5", "--layer", "stages.0.conv", "--channel", "6"],
         ["output channel 6 is not there; channels run from 0 to 5"]),
        (["--model", "lenet5", "--layer", "stages.0.conv", "--stride", "2"],
         ["--stride is the layer's own with --model"]),
        (["--model", "nowhere", "--layer", "a"], ["there is no run folder nowhere"]),
        (["--transposed", "--output-padding", "7"], ["output_padding"]),
    ],
)  # fmt: skip
def test_mistakes(cli: Cli, arguments: list[str], words: list[str], tmp_path: Path,
                  monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli("step", *arguments).refused(*words)
    assert not list(tmp_path.iterdir())


def test_an_unreadable_picture(cli: Cli, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0" + b"x" * 40)
    assert cli("step", broken).refused("broken.jpg: ")
    (tmp_path / "empty.png").write_bytes(b"")
    assert cli("step", tmp_path / "empty.png").refused("empty file")
