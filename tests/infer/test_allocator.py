"""Large blocks stay with the process on glibc, and nothing happens elsewhere."""

import platform
import subprocess
import sys

import pytest

from striate.infer import allocator, keep_large_blocks

# Memory of 64 MiB is written and freed nine times; what counts is how often the kernel had to
# bring in pages from the second time on, compared to the first.
FAULTS = """
import ctypes, resource
from striate.infer import keep_large_blocks

library = ctypes.CDLL(None)
library.malloc.restype = library.memset.restype = ctypes.c_void_p
library.malloc.argtypes = (ctypes.c_size_t,)
library.free.argtypes = (ctypes.c_void_p,)
library.memset.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
assert keep_large_blocks()
counts = []
for _ in range(9):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = library.malloc(64 << 20)
    library.memset(block, 1, 64 << 20)
    library.free(block)
    counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(counts[0], sum(counts[1:]))
"""


def test_a_block_that_was_freed_is_used_again():
    glibc = platform.libc_ver()[0] == "glibc"
    assert keep_large_blocks() is glibc
    if glibc:
        ran = subprocess.run(
            [sys.executable, "-c", FAULTS], capture_output=True, text=True, timeout=60, check=True
        )
        first, later = (int(word) for word in ran.stdout.split())
        assert first > 30
        assert later < first / 10


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_nothing_is_changed(monkeypatch: pytest.MonkeyPatch, system: str):
    monkeypatch.setattr(allocator.sys, "platform", system)
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: pytest.fail("the library was opened"))
    assert keep_large_blocks() is False


class Musl:
    """A C library that has mallopt as an empty shell, and is not glibc."""

    def mallopt(self, *_: int) -> int:
        return 1


def test_a_c_library_other_than_glibc(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator.sys, "platform", "linux")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: Musl())
    assert keep_large_blocks() is False


class Refusing(Musl):
    def mallopt(self, *_: int) -> int:
        return 0

    def gnu_get_libc_version(self) -> bytes:
        return b"2.36"


def test_a_refusal_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator.sys, "platform", "linux")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: Refusing())
    assert keep_large_blocks() is False
