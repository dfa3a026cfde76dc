"""Whatever a file holds becomes grey or RGB: values by hand."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data.decoding import read_header
from tests.data.files import pixels_of, save


def one(mode: str, value: object) -> Image.Image:
    return Image.new(mode, (1, 1), value)  # pyright: ignore[reportArgumentType]


def palette(*colours: tuple[int, int, int]) -> Image.Image:
    image = Image.new("P", (1, 1), 0)
    image.putpalette([value for colour in colours for value in colour])
    return image


DEEP = np.array([[12850]], dtype=np.uint16)  # 12850 = 257 * 50
COLOURS = [
    pytest.param("a.png", one("1", 1), {}, (255, 255, 255), 255, id="one-bit"),
    pytest.param("a.png", one("L", 77), {}, (77, 77, 77), 77, id="grey"),
    # 601 luma of (10, 200, 30): (10 * 299 + 200 * 587 + 30 * 114) / 1000 = 123.81
    pytest.param("a.png", one("RGB", (10, 200, 30)), {}, (10, 200, 30), 124, id="rgb"),
    # Over white with alpha 51/255 = 1/5: 255 - (255 - v) / 5
    pytest.param("a.png", one("LA", (55, 51)), {}, (215, 215, 215), 215, id="grey-alpha"),
    pytest.param("a.png", one("RGBA", (255, 5, 105, 51)), {}, (255, 205, 225), 222, id="rgba"),
    pytest.param(
        "a.webp", one("RGBA", (9, 9, 9, 0)), {"lossless": True}, (255,) * 3, 255, id="webp"
    ),
    pytest.param("a.png", palette((10, 200, 30)), {}, (10, 200, 30), 124, id="palette"),
    pytest.param(
        "a.png", palette((255, 5, 105)), {"transparency": b"\x33"}, (255, 205, 225), 222,
        id="palette-alpha",
    ),
    pytest.param("a.gif", palette((10, 200, 30)), {"transparency": 0}, (255,) * 3, 255, id="gif"),
    pytest.param("a.png", one("L", 7), {"transparency": 7}, (255,) * 3, 255, id="grey-key"),
    pytest.param(
        "a.png", one("RGB", (1, 2, 3)), {"transparency": (1, 2, 3)}, (255,) * 3, 255, id="rgb-key"
    ),
    pytest.param("a.png", Image.fromarray(DEEP), {}, (50, 50, 50), 50, id="16-bit-png"),
    pytest.param("a.tif", Image.fromarray(DEEP), {}, (50, 50, 50), 50, id="16-bit-tiff"),
    pytest.param("a.png", Image.fromarray(DEEP), {"transparency": 12850}, (255,) * 3, 255,
                 id="16-bit-key"),
    # Inks (51, 102, 0), black 51: (255 - 51) / 255 = .8 times 204, 153, 255
    pytest.param("a.tif", one("CMYK", (51, 102, 0, 51)), {}, (163, 122, 204), 144, id="cmyk"),
    pytest.param(
        "a.jpg", one("CMYK", (51, 102, 0, 51)), {"quality": 100}, (163, 122, 204), 144,
        id="cmyk-jpeg",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "image", "options", "colour", "grey"), COLOURS)
def test_colours_are_what_a_person_sees(
    tmp_path: Path,
    name: str,
    image: Image.Image,
    options: dict[str, object],
    colour: tuple[int, int, int],
    grey: int,
) -> None:
    path = save(tmp_path / name, image, **options)
    close = 2 if name.endswith("jpg") else 1  # rounding of luma, and of the JPEG
    assert np.abs(pixels_of(path, 1, 1)[0, 0].astype(int) - colour).max() <= close
    assert abs(int(pixels_of(path, 1, 1, channels=1)[0, 0]) - grey) <= close


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    # round(v * 255 / 65535): 128 is just below a half step, 129 above; 65535 is white.
    values = np.array([[0, 128, 129, 256, 32768, 65535]], dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        path = save(tmp_path / name, values)
        assert pixels_of(path, 1, 6, channels=1).tolist() == [[0, 0, 1, 1, 128, 255]]


def test_big_endian_sixteen_bits(tmp_path: Path) -> None:
    image = Image.frombytes("I;16B", (2, 1), struct.pack(">2H", 12850, 65535))
    path = save(tmp_path / "a.tif", image)
    assert pixels_of(path, 1, 2, channels=1).tolist() == [[50, 255]]


def test_twelve_bits_are_scaled_from_4095(tmp_path: Path) -> None:
    # Two values of 12 bits in three bytes: 0xFFF and 0x800; a TIFF of one strip, written by hand.
    data = bytes.fromhex("fff800")
    tags = [
        (256, 2),
        (257, 1),
        (258, 12),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, 1),
        (279, 3),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    body = struct.pack("<2sHI", b"II", 42, 12) + data + b"\0"
    path = tmp_path / "a.tif"
    path.write_bytes(body + struct.pack("<H", len(tags)) + entries + bytes(4))
    assert pixels_of(path, 1, 2, channels=1).tolist() == [[255, 128]]


def test_white_is_zero_in_sixteen_bits(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", np.array([[0, 65535]], dtype=np.uint16), tiffinfo={262: 0})
    assert pixels_of(path, 1, 2, channels=1).tolist() == [[255, 0]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0.0, 0.5, 1.0], [0, 128, 255], id="unit"),
        pytest.param([0.2, 0.2, 0.4], [51, 51, 102], id="inside-unit"),
        pytest.param([-10.0, 0.0, 10.0], [0, 128, 255], id="stretched"),
        pytest.param([7.0, 7.0, 7.0], [0, 0, 0], id="constant"),
        pytest.param([float("nan"), 0.5, 1.0], [0, 128, 255], id="nan-is-black"),
        pytest.param([float("inf"), 2.0, 4.0], [0, 0, 255], id="infinite"),
        pytest.param([float("nan")] * 3, [0, 0, 0], id="nothing-finite"),
    ],
)
def test_floating_point(tmp_path: Path, values: list[float], expected: list[int]) -> None:
    path = save(tmp_path / "a.tif", Image.fromarray(np.array([values], dtype=np.float32)))
    assert pixels_of(path, 1, 3, channels=1).tolist() == [expected]


def test_integers_with_a_sign_are_stretched(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[-100, 0, 100]], dtype=np.int32))
    path = save(tmp_path / "a.tif", image)
    assert pixels_of(path, 1, 3, channels=1).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize(
    ("mode", "grey"),
    [("1", True), ("L", True), ("LA", True), ("I;16", True), ("RGB", False), ("P", False)],
)
def test_header_tells_grey(tmp_path: Path, mode: str, grey: bool) -> None:
    assert read_header(save(tmp_path / "a.png", Image.new(mode, (3, 2)))).grey is grey
