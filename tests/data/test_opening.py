"""Every way for a file to be broken, each with its reason, and nothing on the terminal."""

import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image

from striate.data.decoding import BrokenImageError, decode, read_header
from striate.data.opening import quiet
from tests.data.files import noise, save


def reason(path: Path) -> str:
    with pytest.raises(BrokenImageError) as caught:
        decode(path, channels=3, height=4, width=4)
    assert str(caught.value).endswith(caught.value.reason)
    assert "\n" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "gif", "tif"])
def test_a_file_cut_short_is_broken(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(1, 64, 64))
    whole = path.read_bytes()
    for share in (0.02, 0.3, 0.6, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert reason(path)
    path.write_bytes(whole[: len(whole) // 2])
    if suffix in ("jpg", "png", "bmp"):
        assert "cut short" in reason(path)


@pytest.mark.parametrize("name", ["text.jpg", "page.png"])
def test_other_content_is_no_image(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("<html>BM II* not an image</html>")
    assert "none of the formats" in reason(path)
    with pytest.raises(BrokenImageError, match="none of the formats"):
        read_header(path)


@pytest.mark.parametrize("kind", ["PPM", "ICO", "TGA", "JPEG2000", "PCX"])
def test_no_other_format_is_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(noise(1, 32, 32)).save(path, format=kind)
    assert "none of the formats" in reason(path)


def test_a_damaged_header_says_which_format(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", noise(1))
    data = bytearray(path.read_bytes())
    data[29] ^= 1  # the checksum of its first chunk
    path.write_bytes(data)
    assert reason(path).startswith("a PNG file, but its header is damaged")


def test_an_empty_file_is_broken(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert reason(tmp_path / "a.jpg") == "empty file"


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")  # opening it would wait for ever
    assert reason(tmp_path / "pipe.jpg") == "not a file but a pipe or a device"
    (tmp_path / "folder.jpg").mkdir()
    assert reason(tmp_path / "folder.jpg") == "not a file but a folder"
    assert reason(tmp_path / "nowhere.jpg") == "does not exist"
    (tmp_path / "link.jpg").symlink_to("nowhere.jpg")
    assert reason(tmp_path / "link.jpg") == "a link that leads nowhere"
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    assert reason(tmp_path / "circle.jpg") == "a link that leads in a circle"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png", noise(1))

    def refuse(self: Path, mode: str) -> None:  # root, who runs tests in containers, may read all
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert reason(path) == "no permission to read it"


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(64))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [10_001, 20_000, 2**30])
def test_bombs_are_refused_from_the_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    assert "more than 100,000,000" in reason(path)
    with pytest.raises(BrokenImageError, match="decompression bomb"):
        read_header(path)


def test_the_limit_itself_is_no_bomb(tmp_path: Path) -> None:
    # 99.99 million pixels: Pillow alone would warn of it. It is broken for lack of pixels.
    path = tmp_path / "large.png"
    path.write_bytes(png_header(9_999, 10_000))
    assert read_header(path).width == 9_999
    assert "cut short" in reason(path)


def test_huge_files_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)  # a hole, no bytes on the disk
    assert "1024 MiB; files up to 1 GiB" in reason(path)


def test_names_in_errors_are_printable(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9\x1b[31m\n.jpg")
    path.write_bytes(b"nothing")
    with pytest.raises(BrokenImageError, match=r"caf\\xe9\\x1b\[31m\\x0a\.jpg: none of"):
        decode(path, channels=3, height=4, width=4)


# Nothing reaches the terminal


def test_the_c_library_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "a.tif", noise(1, 64, 64), compression="tiff_lzw")
    data = bytearray(path.read_bytes())
    data[200:400] = b"\xff" * 200
    path.write_bytes(data)
    assert reason(path)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(OSError, match="-2"):
        Image.open(io.BytesIO(data)).load()
    assert capfd.readouterr().err  # given back: others hear libtiff again


def test_silence_ends_with_the_last_who_asked() -> None:
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with quiet():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other)
    with quiet():
        thread.start()
        inside.wait()
    assert list(warnings.filters) != before
    leave.set()
    thread.join()
    assert list(warnings.filters) == before
