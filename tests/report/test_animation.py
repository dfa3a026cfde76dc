"""The sliding window: frames and page hold what the steps hold, in their order."""

import base64
import hashlib
import io
import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from striate._errors import ShapeError
from striate.ops import Convolution, MapTrace, Pooling, trace_map
from striate.report import MOST_FRAMES, step_gif, step_page
from striate.report.step_board import board_of, shown
from striate.report.step_layout import Box, Frame, Label, lay_step
from striate.report.step_raster import draw_pixels
from striate.report.step_sum import sum_of
from tests.report.reading import parse

BOARD = torch.tensor([[0.0, 1, 2, 3], [4, 9, 8, 7], [5, 0, 6, 1], [2, 2, 3, 3]])
KERNEL = torch.tensor([[1.0, -1.0], [2.0, 0.0]])


@pytest.fixture(scope="module")
def trace() -> MapTrace:
    return trace_map(BOARD, Convolution(KERNEL, stride=2, padding=((1, 0), (0, 0))))


def frames(gif: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(gif)) as image:
        count = getattr(image, "n_frames", 1)
        found = []
        for number in range(count):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB")).astype(int))
        return found


def near(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(pixels - np.array(colour)).sum(axis=2) < 24


def test_a_frame_a_step_and_the_frame_moves(trace: MapTrace) -> None:
    shots = frames(step_gif(trace))
    assert len(shots) == len(trace.steps) == 4
    assert {shot.shape for shot in shots} == {shots[0].shape}
    board = board_of(trace)
    for index, shot in enumerate(shots):
        drawn = lay_step(board, index, sum_of(trace.steps[index])).moved(16, 16)
        window, result = (
            next(s for s in drawn.shapes if isinstance(s, Frame) and s.look == look)
            for look in ("input", "output")
        )
        for frame, colour in ((window, (11, 98, 184)), (result, (191, 82, 0))):
            rows, columns = np.nonzero(near(shot, colour))
            inside = (rows >= frame.y) & (rows <= frame.y + frame.height) & (columns >= frame.x)
            inside &= columns <= frame.x + frame.width
            assert inside.sum() > 100  # its lines are there
            if colour[0] == 191:
                assert inside.all()  # and nowhere else: of the window the numbers below have some


def test_the_output_fills_as_the_window_goes(trace: MapTrace) -> None:
    board = board_of(trace)
    output = [s for s in lay_step(board, 0, sum_of(trace.steps[0])).moved(16, 16).shapes
              if isinstance(s, Box) and "output" in s.look]  # fmt: skip
    shots = frames(step_gif(trace))
    for index, shot in enumerate(shots):
        for order, box in enumerate(output):
            x, y = round(box.x), round(box.y)
            inner = shot[y + 6 : y + 24, x + 6 : x + round(box.width) - 6]
            written = bool((inner.sum(axis=2) < 300).any())
            assert written == (order <= index), (index, order)


def test_times_and_loop(trace: MapTrace) -> None:
    with Image.open(io.BytesIO(step_gif(trace, seconds=0.25))) as image:
        assert image.info["loop"] == 0
        times = []
        for number in range(4):
            image.seek(number)
            times.append(image.info["duration"])
    assert times == [250, 250, 250, 750]


def test_equal_traces_give_equal_bytes(trace: MapTrace) -> None:
    assert step_gif(trace) == step_gif(trace)
    assert step_page(trace) == step_page(trace)


def test_one_step_is_a_picture_that_stands(trace: MapTrace) -> None:
    assert len(frames(step_gif(trace_map(BOARD, KERNEL, most=1)))) == 1


def test_pixels_and_vectors_hold_the_same_text(trace: MapTrace) -> None:
    drawn = lay_step(board_of(trace), 1, sum_of(trace.steps[1]))
    texts = [s.text for s in drawn.shapes if isinstance(s, Box | Label)]
    assert "0 + 0 + 4 + 0 = 4" in texts  # one row of padding, then 2 3 under 2 0
    size = (round(drawn.width) + 32, round(drawn.height) + 32)
    picture = np.asarray(draw_pixels(drawn, size)).astype(int)
    for shape in drawn.moved(16, 16).shapes:
        if isinstance(shape, Box) and shape.text:
            x, y = round(shape.x), round(shape.y)
            part = picture[y + 5 : y + 26, x + 4 : x + round(shape.width) - 4]
            assert part.max() - part.min() > 100, shape  # something is written there


def read(page: str) -> dict:
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(data)


def test_the_page_holds_every_step(trace: MapTrace) -> None:
    data = read(step_page(trace))
    assert [frame["at"] for frame in data["frames"]] == ["0,0", "0,1", "1,0", "1,1"]
    assert data["weights"] == [[["1", "−1"], ["2", "0"]]]
    for frame, step in zip(data["frames"], trace.steps, strict=True):
        (term,) = frame["terms"]
        assert term["values"] == [[shown(v) for v in row] for row in step.values[0].tolist()]
        assert term["products"] == [[shown(v) for v in row] for row in step.products[0].tolist()]
        assert term["real"] == (~step.padding).int().tolist()
        assert (frame["rows"], frame["columns"]) == tuple(map(list, step.positions))
        assert frame["formula"].endswith(f"= {shown(step.output)}")
        assert frame["said"] == sum_of(step).said


def test_poolings_tell_weights_no_step_shares() -> None:
    data = read(step_page(trace_map(BOARD, Pooling("max", 2))))
    assert data["weights"] == [None]
    assert [frame["terms"][0]["winner"] for frame in data["frames"]] == [
        [1, 1], [1, 0], [0, 0], [0, 0],
    ]  # fmt: skip


def test_the_page_asks_for_nothing_and_can_be_used_by_everyone(trace: MapTrace) -> None:
    page = step_page(trace)
    tree = parse(page)
    policy = tree.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for kind, tag in (("style-src", "style"), ("script-src", "script")):
        contents = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(contents[-1].encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)
    for node in tree.nodes():
        assert "style" not in node.attributes
        assert not any(name.startswith("on") for name in node.attributes)
        assert node.attributes.get("href", "data:").startswith("data:")
    assert tree.one(id="said").attributes["aria-live"] == "polite"
    assert tree.one(id="said").text == sum_of(trace.steps[0]).said
    buttons = tree.all("button")
    assert len(buttons) == 5
    assert all(button.attributes["aria-label"] for button in buttons)
    assert tree.one("input").attributes["max"] == "4"
    assert all(svg.attributes.get("aria-label") or svg.attributes.get("aria-hidden") == "true"
               for svg in tree.all("svg"))  # fmt: skip
    assert tree.one("html").attributes["lang"] == "en"


def test_the_script_finds_what_it_looks_for(trace: MapTrace) -> None:
    page = step_page(trace)
    tree = parse(page)
    script = re.findall(r"<script>(.*?)</script>", page, re.S)[0]
    ids = {node.attributes["id"] for node in tree.nodes() if "id" in node.attributes}
    wanted = set(re.findall(r'(?:find|getElementById)\("(\w+)"\)', script))
    assert wanted
    assert wanted <= ids
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"):
        assert key in script
    assert {svg.attributes["data-role"] for svg in tree.all("svg", class_="step")} == {
        "input", "output",
    }  # fmt: skip
    css = re.findall(r"<style>(.*?)</style>", page, re.S)[0]
    assert ":focus-visible { outline: 3px" in css


def test_limits(trace: MapTrace) -> None:
    long = trace_map(torch.zeros(30, 30), torch.ones(1, 1), most=900)
    for draw in (step_gif, step_page):
        with pytest.raises(ShapeError, match=f"at most {MOST_FRAMES} steps, but the trace has 900"):
            draw(long)
    step_page(trace_map(torch.zeros(30, 30), torch.ones(1, 1), most=MOST_FRAMES))  # the remedy
    for seconds in (0.0, -1.0, 61.0, float("nan")):
        with pytest.raises(ShapeError, match=r"a frame stands for 0\.02 to 60"):
            step_gif(trace, seconds=seconds)
