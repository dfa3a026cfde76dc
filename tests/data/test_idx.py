"""MNIST's file format: a file written by hand, round trips, and every lie a header can tell."""

import gzip
import hashlib
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import DataError
from striate.data.idx import read_idx, write_idx

# Two images of 1 x 3, as the specification lays them out.
BY_HAND = bytes.fromhex("00000803 00000002 00000001 00000003 010203 0405ff")


@pytest.mark.parametrize("packed", [False, True])
def test_by_hand(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "images"  # the content decides, not the name
    path.write_bytes(gzip.compress(BY_HAND) if packed else BY_HAND)
    read = read_idx(path, dimensions=3)
    assert read.values.tolist() == [[[1, 2, 3]], [[4, 5, 255]]]
    assert read.values.dtype == np.uint8
    assert read.values.flags.writeable
    assert read.sha256 == hashlib.sha256(BY_HAND).hexdigest()


kinds = st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"])
shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(kind=kinds, shape=shapes, packed=st.booleans())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, kind: str, shape: list[int], packed: bool
) -> None:
    values = np.arange(np.prod(shape)).astype(kind).reshape(shape)
    path = tmp_path_factory.mktemp("idx") / "a"
    data = write_idx(values)
    path.write_bytes(gzip.compress(data) if packed else data)
    read = read_idx(path, dimensions=len(shape), kind=kind).values
    np.testing.assert_array_equal(read, values)
    assert read.dtype == values.dtype
    assert len(data) == 4 + 4 * len(shape) + values.nbytes


def header(*shape: int, kind: int = 8, dimensions: int | None = None) -> bytes:
    count = len(shape) if dimensions is None else dimensions
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, count, *shape)


HUGE = 0xFFFFFFFF
LIES = [
    pytest.param(b"", "is no IDX file: it begins with nothing", id="empty"),
    pytest.param(b"\0\0", "is no IDX file: it begins with 00 00", id="two-bytes"),
    pytest.param(b"\x89PNG\r\n", "is no IDX file: it begins with 89 50 4e 47", id="a-png"),
    pytest.param(header(1, 1, 1, kind=7), "is no IDX file", id="unknown-type"),
    pytest.param(header(5), "has 1 dimensions; it must have 3", id="labels-for-images"),
    pytest.param(header(1, 1, 1, kind=0x0D), "type float32; they must be uint8", id="another-type"),
    pytest.param(header(1, 1, dimensions=3), "ends within its header, after 12", id="short"),
    pytest.param(header(0, 28, 28), "is empty: its header says 0 x 28 x 28", id="no-images"),
    pytest.param(
        header(2, 2, 2) + bytes(7),
        "is damaged: its header says 2 x 2 x 2 values, 24 bytes, but it has 23; fetch",
        id="a-byte-short",
    ),
    pytest.param(
        header(2, 2, 2) + bytes(9), "24 bytes, but it has (25|more); fetch", id="a-byte-long"
    ),
    pytest.param(
        header(60000, 100, 100) + bytes(9),
        r"600000016 bytes, but it has 25; fetch",
        id="promises-600-MB",
    ),
    pytest.param(
        header(HUGE, HUGE, HUGE) + bytes(9),
        "is too large: its header says 4294967295 x .* and at most 1073741824 are read",
        id="overflows-64-bits",
    ),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("data", "reason"), LIES)
def test_lies_are_found_before_memory_is_taken(
    tmp_path: Path, data: bytes, reason: str, packed: bool
) -> None:
    path = tmp_path / "na\nme"
    path.write_bytes(gzip.compress(data) if packed else data)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=reason) as caught:
            read_idx(path, dimensions=3)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert "na\\x0ame" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plain_file_of_another_length_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.write(header(1000, 200, 200))  # 40 MB
        file.truncate(50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="40000016 bytes, but it has 50000000; fetch it anew"):
            read_idx(path, dimensions=3)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(header(2, 2, 2) + bytes(200 << 20)))  # 200 MiB in 200 kB
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="24 bytes, but it has more"):
            read_idx(path, dimensions=3)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_cap_counts_the_header(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(BY_HAND)
    read_idx(tmp_path / "a", dimensions=3, size_cap=22)
    with pytest.raises(DataError, match="22 bytes, and at most 21 are read"):
        read_idx(tmp_path / "a", dimensions=3, size_cap=21)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data[:-9], id="cut"),
        pytest.param(lambda data: data[:-8] + bytes(4) + data[-4:], id="wrong-checksum"),
        pytest.param(lambda data: data[:12] + b"\xff" * 5 + data[17:], id="damaged-stream"),
        pytest.param(lambda data: data + b"rubbish", id="rubbish-behind"),
    ],
)
def test_damaged_gzip(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.gz").write_bytes(change(gzip.compress(BY_HAND, mtime=0)))
    with pytest.raises(DataError, match=r"a\.gz is a damaged gzip file .*; fetch it anew"):
        read_idx(tmp_path / "a.gz", dimensions=3)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none: No such file"):
        read_idx(tmp_path / "none", dimensions=3)
    with pytest.raises(DataError, match=r"cannot read .*: Is a directory"):
        read_idx(tmp_path, dimensions=3)


def test_no_idx_type_for_complex_numbers() -> None:
    with pytest.raises(DataError, match="IDX has no type for complex128"):
        write_idx(np.zeros(2, dtype=complex))
