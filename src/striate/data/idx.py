"""MNIST's file format: a header with the sizes, then the bytes; plain or in gzip.

    0x00 0x00 type dimensions | one big-endian uint32 a dimension | values, row by row, big-endian

Source:
    LeCun, Cortes and Burges, "The MNIST database", section "File formats".
"""

import gzip
import hashlib
import math
import os
import zlib
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from striate._errors import DataError
from striate.files import printable

__all__ = ["SIZE_CAP", "Idx", "read_idx", "write_idx"]

SIZE_CAP = 1 << 30
_CHUNK = 1 << 20
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Idx:
    """What an IDX file holds.

    Attributes:
        values: The array, writable, in the type of the file and the byte order of the machine.
        sha256: SHA-256 (hex) of the file, unpacked: the same for `a` and `a.gz`.
    """

    values: np.ndarray
    sha256: str


def read_idx(
    path: str | os.PathLike[str], *, dimensions: int, kind: str = "u1", size_cap: int = SIZE_CAP
) -> Idx:
    """Return the array of an IDX file; gzip is told by its first bytes, not by the name.

    The sizes of the header are held against the cap and against the bytes that are there. A plain
    file must be as long as its header says before anything is read; of a gzip file, whose true
    length nobody knows, bytes are taken as they come, never more than the header says.

    Args:
        path: The file.
        dimensions: How many the array must have.
        kind: Type that the values must have: `u1`, `i1`, `i2`, `i4`, `f4` or `f8`.
        size_cap: Most bytes, unpacked, header included.

    Raises:
        DataError: The file cannot be read, is damaged, or holds something else.
    """
    path = Path(path)
    shown = printable(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                data = _read(file, dimensions, kind, size_cap, os.fstat(file.fileno()).st_size)
            else:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    data = _read(unpacked, dimensions, kind, size_cap, None)
    except _BadError as error:
        raise DataError(f"{shown} {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{shown} is a damaged gzip file ({error}); fetch it anew") from error
    except OSError as error:
        raise DataError(f"cannot read {shown}: {error.strerror or error}") from error
    return data


class _BadError(Exception):
    """What is wrong with a file, as the end of a sentence that begins with its name."""


def _read(file: BufferedIOBase, dimensions: int, kind: str, cap: int, size: int | None) -> Idx:
    """Read header and values of a stream that is `size` bytes long (None: unknown)."""
    start = 4 + 4 * dimensions
    header = file.read(start)
    shape, dtype = _shape(header, dimensions, kind)
    body = math.prod(shape) * dtype.itemsize  # Python's integers: no overflow
    told = f"its header says {' x '.join(map(str, shape))} values, {start + body} bytes"
    if start + body > cap:
        raise _BadError(f"is too large: {told}, and at most {cap} are read")
    if size is not None and size != start + body:
        raise _BadError(f"is damaged: {told}, but it has {size}; fetch it anew")
    digest = hashlib.sha256(header)
    values = bytearray()
    while chunk := file.read(min(_CHUNK, body - len(values) + 1)):
        values += chunk
        if len(values) > body:
            raise _BadError(f"is damaged: {told}, but it has more; fetch it anew")
    if len(values) < body:
        raise _BadError(f"is damaged: {told}, but it has {start + len(values)}; fetch it anew")
    digest.update(values)
    array = np.frombuffer(values, dtype=dtype).reshape(shape)
    return Idx(values=array.astype(dtype.newbyteorder("="), copy=False), sha256=digest.hexdigest())


def _shape(header: bytes, dimensions: int, kind: str) -> tuple[tuple[int, ...], np.dtype]:
    if len(header) < 4 or header[:2] != b"\0\0" or header[2] not in _TYPES:
        raise _BadError(f"is no IDX file: it begins with {header[:4].hex(' ') or 'nothing'}")
    if header[3] != dimensions:
        raise _BadError(f"has {header[3]} dimensions; it must have {dimensions}")
    dtype = np.dtype(_TYPES[header[2]])
    if dtype != np.dtype(kind).newbyteorder(">"):
        raise _BadError(f"holds values of type {dtype.name}; they must be {np.dtype(kind).name}")
    if len(header) < 4 + 4 * dimensions:
        raise _BadError(f"ends within its header, after {len(header)} bytes; fetch it anew")
    shape = tuple(int(n) for n in np.frombuffer(header, dtype=">u4", offset=4))
    if min(shape) < 1:
        raise _BadError(f"is empty: its header says {' x '.join(map(str, shape))} values")
    return shape, dtype


def write_idx(values: np.ndarray) -> bytes:
    """Return `values` as a plain IDX file.

    >>> write_idx(np.array([[1, 2]], dtype=np.uint8)).hex(" ", -4)
    '00000802 00000001 00000002 0102'
    """
    dtype = values.dtype.newbyteorder(">")
    codes = [code for code, name in _TYPES.items() if np.dtype(name) == dtype]
    if not codes:
        raise DataError(f"IDX has no type for {values.dtype.name}")
    header = bytes([0, 0, codes[0], values.ndim]) + np.array(values.shape, dtype=">u4").tobytes()
    return header + values.astype(dtype).tobytes()
