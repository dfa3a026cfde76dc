"""The picture of a step: the numbers in it are those of the trace, where the trace has them."""

import math
import re

import pytest
import torch
from torch import Tensor, nn

from striate._errors import ShapeError
from striate.ops import Convolution, MapTrace, Pooling, trace_map
from striate.report import step_svg
from striate.report.step_board import board_of, shown
from striate.report.step_sum import description, sum_of
from tests.report.reading import Node, parse
from tests.report.test_style import DARK, LIGHT, STYLE, colour, contrast

BOARD = torch.tensor([[1.0, 2, 3, 0], [0, 5, 1, 2], [4, 0, 2, 1], [1, 1, 0, 3]])
KERNEL = torch.tensor([[1.0, -1.0], [0.5, 2.0]])


def drawn(trace: MapTrace, index: int = 0) -> Node:
    return parse(step_svg(trace, index)).one("svg")


def grid(picture: Node, role: str) -> dict[str, str]:
    """Return the numbers of a map by their coordinates."""
    return {g.attributes["data-at"]: g.text for g in picture.all("g", class_=role)}


def marked(picture: Node, role: str) -> set[str]:
    return {g.attributes["data-at"] for g in picture.all("g", class_=f"{role}")
            if "hit" in g.attributes["class"].split()}  # fmt: skip


def numbers(trace: MapTrace, name: str) -> list[str]:
    return [shown(v) for v in getattr(trace.steps[0], name).flatten().tolist()]


def test_a_picture_by_hand() -> None:
    # Output 0, 0 of padding 1 lies on rows -1 and 0, columns -1 and 0: only cell 0, 0 is real, and
    # its weight is 2: 2 * 1 - 0.5 = 1.5.
    operation = Convolution(KERNEL[None, None], torch.tensor([-0.5]), padding=1)
    picture = drawn(trace_map(BOARD, operation, at=(0, 0), most=1))
    inputs, outputs = grid(picture, "input"), grid(picture, "output")
    assert inputs["0,1"] == "2"
    assert inputs["-1,-1"] == "0"
    assert len(inputs) == 36
    assert outputs["0,0"] == "1.5"
    assert len(outputs) == 25
    assert marked(picture, "input") == {"-1,-1", "-1,0", "0,-1", "0,0"}
    assert marked(picture, "output") == {"0,0"}
    padding = {g.attributes["data-at"] for g in picture.all("g", class_="padding")}
    assert padding == {at for at in inputs if {"-1", "4"} & set(at.split(","))}
    (total,) = picture.all("text", class_="sum")
    assert total.text == "0 + 0 + 0 + 2 − 0.5 (bias) = 1.5"
    assert "Output row 0, column 0: the 4 products add up to 2" in picture.attributes["aria-label"]
    assert picture.one("text", class_="title").text == "Convolution 2 × 2, padding 1: 4 × 4 → 5 × 5"


@pytest.mark.parametrize(
    "operation",
    [
        Convolution(KERNEL, stride=2, dilation=2, padding="same"),
        Convolution(KERNEL, padding=2, padding_mode="circular", flip=True),
        Convolution(KERNEL, stride=2, transposed=True),
        nn.Conv2d(1, 3, 3, padding=1),
    ],
)
def test_window_weights_and_products_stand_side_by_side(operation: object) -> None:
    trace = trace_map(BOARD, operation, at=(0, 1), most=1)  # pyright: ignore[reportArgumentType]
    picture = drawn(trace)
    texts = [g.text for g in picture.all("g", class_="term")]
    assert texts == [
        *numbers(trace, "values"),
        *numbers(trace, "weights"),
        *numbers(trace, "products"),
    ]
    step = trace.steps[0]
    window = {f"{r},{c}" for r in step.positions[0] for c in step.positions[1]}
    assert marked(picture, "input") == window
    inputs = grid(picture, "input")
    assert [inputs[f"{r},{c}"] for r in step.positions[0] for c in step.positions[1]] == numbers(
        trace, "values"
    )
    assert grid(picture, "output")["0,1"] == shown(step.output)
    plane = [shown(v) for v in trace.outputs.flatten().tolist()]
    assert list(grid(picture, "output").values()) == plane


def test_zeros_between_cells_of_a_transposed_convolution() -> None:
    operation = Convolution(KERNEL, stride=3, transposed=True)
    picture = drawn(trace_map(BOARD[:2, :2], operation, at=(1, 1), most=1))
    between = {g.attributes["data-at"] for g in picture.all("g", class_="between")}
    assert between == {f"{r},{c}" for r in range(4) for c in range(4)} - {
        "0,0",
        "0,3",
        "3,0",
        "3,3",
    }
    assert "the zeros that the stride puts there" in picture.text


def test_a_pooling_shows_who_wins() -> None:
    picture = drawn(trace_map(BOARD, Pooling("max", 2, padding=1), at=(1, 1), most=1))
    (won,) = picture.all("g", class_="won")
    assert won.text == "5"
    assert picture.one("text", class_="sum").text == "largest = 5"
    assert "at row 1, column 1" in picture.attributes["aria-label"]
    assert grid(picture, "input")["-1,0"] == ""  # padding of a pooling holds nothing
    mean = drawn(trace_map(BOARD, Pooling("average", 2, padding=1), at=(0, 1), most=1))
    assert mean.one("text", class_="sum").text == "5 ÷ 2 = 2.5"


def test_channels_are_summed() -> None:
    layer = nn.Conv2d(64, 2, 1, bias=False)
    nn.init.constant_(layer.weight, 0.5)
    images = torch.ones(64, 3, 3)
    total = sum_of(trace_map(images, layer, most=1).steps[0])
    assert total.formula == "0.5 + 0.5 + 0.5 + 0.5 + 0.5 + 0.5 + 29 (58 more) = 32"
    assert total.left_out == "61 more channels in the same way."
    assert [term.name for term in total.terms] == ["channel 0", "channel 1", "channel 2"]
    picture = drawn(trace_map(images, layer, channel=1, most=1))
    names = [label.text for label in picture.all("text", class_="name")]
    assert names[:4] == [*(f"Input, channel {c} of 64" for c in range(3)), "Output, channel 1"]


def test_one_and_three_axes() -> None:
    taps = Convolution(torch.tensor([2.0, 3, 5, 7, 11, 13]), stride=5, padding="same")
    row = drawn(trace_map(torch.arange(1.0, 14), taps, 1, at=(1,), most=1))
    assert list(grid(row, "output").values()) == ["143", "348", "204"]
    assert marked(row, "input") == {f"0,{c}" for c in range(4, 10)}
    cube = torch.arange(27.0).view(3, 3, 3)
    picture = drawn(trace_map(cube, torch.ones(2, 2, 2), 3, at=(1, 0, 1), most=1))
    names = [label.text for label in picture.all("text", class_="name")]
    assert names == ["Input, slice 1", "Input, slice 2", "Output, slice 1", "Slice 1", "Slice 2"]
    assert grid(picture, "output")["0,1"] == shown(float(cube[1:, :2, 1:].sum()))


def test_of_a_large_map_the_part_around_the_window_is_drawn() -> None:
    trace = trace_map(torch.rand(300, 200), torch.ones(3, 3), at=(250, 7), most=1)
    board = board_of(trace)
    assert len(board.inputs[0].rows) <= 12
    assert {250, 251, 252} <= set(board.inputs[0].rows)
    assert {7, 8, 9} <= set(board.inputs[0].columns)
    assert 250 in board.output.rows
    assert not board.inputs[0].whole
    assert "the part around the window" in step_svg(trace)
    corner = board_of(trace_map(torch.rand(300, 200), torch.ones(3, 3), at=(297, 0), most=1))
    assert corner.inputs[0].rows[-1] == 299
    assert corner.inputs[0].columns[0] == 0
    wide = step_svg(trace_map(torch.rand(30, 30), torch.ones(15, 15), at=(0, 0), most=1))
    assert "A window of 15 × 15 cells is too large to be drawn number by number." in wide


def test_brightness_follows_the_values() -> None:
    ramp = torch.arange(9.0).view(1, 9)
    levels = [
        square.level for square in board_of(trace_map(ramp, torch.ones(1, 1))).inputs[0].squares[0]
    ]
    assert levels == list(range(9))
    flat = board_of(trace_map(torch.ones(1, 2), torch.ones(1, 1))).inputs[0].squares[0]
    assert {square.level for square in flat} == {8}
    odd = board_of(trace_map(torch.tensor([[math.inf, math.nan, 1.0, 0.0]]), torch.ones(1, 1)))
    assert [s.text for s in odd.inputs[0].squares[0]] == ["∞", "n/a", "1", "0"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (-3.0, "−3"), (255.0, "255"), (0.5, "0.5"), (-0.0371, "−0.0371"),
     (0.00321, "0.0032"), (0.000012, "1e−05"), (1234567.0, "1e+06"), (math.nan, "n/a")],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert shown(value) == text


def test_what_is_done_in_a_line() -> None:
    def line(operation: object, images: Tensor = BOARD) -> str:
        return description(trace_map(images, operation, most=1))  # pyright: ignore[reportArgumentType]

    assert line(nn.MaxPool2d(2)) == "Max pooling 2 × 2, stride 2: 4 × 4 → 2 × 2"
    assert line(nn.AdaptiveAvgPool2d(1)) == "Adaptive average pooling: 4 × 4 → 1 × 1"
    both = Convolution(KERNEL, padding=((1, 0), (0, 2)), flip=True)
    assert line(both) == (
        "Convolution 2 × 2, padding (1, 0) × (0, 2), kernel turned round: 4 × 4 → 4 × 5"
    )
    assert line(nn.Conv2d(1, 1, 3)) == "Convolution 3 × 3: 4 × 4 → 2 × 2"


def test_a_file_of_its_own_brings_its_colours_and_asks_for_nothing() -> None:
    trace = trace_map(BOARD, KERNEL, most=1)
    alone, inline = step_svg(trace), step_svg(trace, standalone=False)
    assert "prefers-color-scheme: dark" in alone
    assert "<style>" not in inline
    assert not re.search(r"url\(|@import|href|<script|https?://(?!www\.w3\.org/2000/svg)", alone)
    assert alone.encode("utf-8")
    root = drawn(trace)
    width, height = float(root.attributes["width"]), float(root.attributes["height"])
    assert root.attributes["viewbox"] == f"0 0 {width:.0f} {height:.0f}"
    for box in root.all("rect"):
        if "x" in box.attributes:
            assert float(box.attributes["x"]) + float(box.attributes["width"]) <= width
            assert float(box.attributes["y"]) + float(box.attributes["height"]) <= height


def test_no_such_step() -> None:
    with pytest.raises(ShapeError, match="index is 9; the trace has 9 steps, from 0"):
        step_svg(trace_map(BOARD, KERNEL), 9)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_numbers_are_readable_on_every_ground(theme: str) -> None:
    css = (STYLE / "step.css").read_text("utf-8")
    part = css.split("@media")[1 if theme is DARK else 0]
    ink, page, quiet = (colour(theme, name) for name in ("ink", "page", "quiet"))

    def laid(name: str, share: float) -> tuple[float, float, float]:
        over = colour(theme, name)
        red, green, blue = (share * o + (1 - share) * p for o, p in zip(over, page, strict=True))
        return red, green, blue

    levels = [float(s) for s in re.findall(r"\.v\d rect \{ fill-opacity: ([\d.]+)", part)]
    assert len(levels) >= 8
    assert all(contrast(ink, laid("ink", share)) >= 4.5 for share in levels)
    (hit,) = re.findall(r"\.hit rect \{[^}]*fill-opacity: ([\d.]+)", part)[:1]
    assert contrast(ink, laid("c2", float(hit))) >= 4.5
    assert contrast(ink, laid("c1", 0.34)) >= 4.5
    assert contrast(quiet, page) >= 4.5
