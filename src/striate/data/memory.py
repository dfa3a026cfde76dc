"""How much memory a process may still take."""

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

__all__ = ["available_memory", "give_back"]


def available_memory() -> int:
    """Return the bytes that can be taken without pushing anything else out.

    Linux: what the kernel says, and no more than the control group (container) allows. Windows:
    free physical memory. Elsewhere half of the physical memory, as nothing better is known.
    """
    if sys.platform == "win32":
        return _windows()
    free = _linux()
    if free is None:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return max(min(free, _control_group()), 0)


def give_back() -> None:
    """Have the C library return what was freed to the system.

    glibc keeps it for the thread that freed it, hundreds of MiB a thread after a large image.
    Elsewhere nothing happens.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # not glibc
        return None


def _linux(path: Path = Path("/proc/meminfo")) -> int | None:
    try:
        text = path.read_text()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    value = fields.get("MemAvailable", "").split()
    return int(value[0]) * 1024 if value else None


def _control_group(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """Return limit minus use, the file cache not counted as it can be dropped (version 2)."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        lines = (folder / "memory.stat").read_text().splitlines()
    except (OSError, ValueError):
        return sys.maxsize  # no control group, or one without a limit on memory
    if not limit.isdecimal():
        return sys.maxsize
    stat = {key: value for key, _, value in (line.partition(" ") for line in lines)}
    return int(limit) - used + int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))


def _windows() -> int:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            *((f"quantity_{index}", ctypes.c_uint64) for index in range(7)),
        )

    status = Status(length=ctypes.sizeof(Status))
    ctypes.WinDLL("kernel32").GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.quantity_1)  # ullAvailPhys
