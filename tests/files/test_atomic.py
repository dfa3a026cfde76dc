"""Atomic writes: the file is old or new, never between, and no temporary file is left."""

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from striate._errors import StorageError
from striate.files import atomic_file, make_folder, write_bytes, write_text


def test_bytes_and_text_arrive(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"\x00\xff")
    write_text(tmp_path / "b", "é\r\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\xff"
    assert (tmp_path / "b").read_bytes() == b"\xc3\xa9\r\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_the_old_file_stays_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
        assert len(list(tmp_path.iterdir())) == 2  # the temporary file is in the same folder
    assert path.read_bytes() == b"new"


def test_a_block_that_raises_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write_half() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no room on the disk; free some"),
        (errno.EDQUOT, "no room on the disk"),
        (errno.EROFS, "no permission; choose a place"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_a_disk_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    path = tmp_path / "name\n.bin"
    path.write_bytes(b"old")

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match=words) as caught:
        write_bytes(path, b"new")
    assert "name\\x0a.bin" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_order_is_file_flush_rename_folder_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(number: int) -> None:
        seen.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else "file")
        fsync(number)

    def noted_replace(source: Path, target: Path) -> None:
        seen.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    write_bytes(tmp_path / "a", b"x")
    assert seen == ["file", "rename", "folder"]


def test_a_folder_that_is_missing_or_a_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .*a/b: No such file"):
        write_bytes(tmp_path / "a" / "b", b"")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot make the folder .*file"):
        make_folder(tmp_path / "file" / "deeper")


def test_the_umask_decides_who_reads(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_killed_at_any_moment_the_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    code = (
        "import sys; from striate.files import write_bytes\n"
        "while True:\n"
        "    for digit in b'123456789': write_bytes(sys.argv[1], bytes([digit]) * 100_000)"
    )
    for wait in (0.0, 0.0013, 0.0027, 0.0041):
        path.unlink(missing_ok=True)
        process = subprocess.Popen([sys.executable, "-c", code, str(path)])
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        data = path.read_bytes()
        assert len(data) == 100_000
        assert len(set(data)) == 1
