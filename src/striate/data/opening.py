"""Opening image files that nobody vouches for: six formats, a limit, a reason when it fails."""

import ctypes
import errno
import importlib
import logging
import os
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import cache
from io import BufferedReader
from pathlib import Path

from PIL import Image, UnidentifiedImageError, _imaging
from PIL.ImageFile import ImageFile

from striate._errors import DataError
from striate.files import printable

__all__ = [
    "FORMATS",
    "LARGEST",
    "BrokenImageError",
    "open_file",
    "open_image",
    "quiet",
    "signature",
]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
LARGEST = 100_000_000  # pixels
_LARGEST_FILE = 1 << 30  # bytes: LARGEST pixels of 16-bit RGBA, uncompressed, and room to spare
_UNKNOWN = "none of the formats that are read: JPEG, PNG, WebP, BMP, GIF, TIFF"

# Else the first file would make Pillow import all of its forty formats, in several threads.
for _name in ("Jpeg", "Mpo", "Png", "WebP", "Bmp", "Gif", "Tiff"):
    importlib.import_module(f"PIL.{_name}ImagePlugin")

# What Pillow's decoders were seen to raise on damaged files. It is nearly everything: they are
# parsers of foreign bytes, and the one thing to learn is that this file cannot be read.
_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


class BrokenImageError(DataError):
    """An image file that cannot be read; `reason` says why, without the file's name."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(f"{printable(os.fspath(path))}: {reason}")
        self.reason = reason


@contextmanager
def open_file(path: str | os.PathLike[str]) -> Generator[BufferedReader, None, None]:
    """Open a regular file of at most 1 GiB; errors inside the block become BrokenImageError.

    A pipe or a device is not opened: reading it might never end.
    """
    try:
        facts = Path(path).stat()
        if not stat.S_ISREG(facts.st_mode):
            raise BrokenImageError(path, "not a file" + _kind(facts.st_mode))
        if facts.st_size == 0:
            raise BrokenImageError(path, "empty file")
        if facts.st_size > _LARGEST_FILE:
            raise BrokenImageError(path, f"{facts.st_size >> 20} MiB; files up to 1 GiB are read")
        with Path(path).open("rb") as file, quiet():
            yield file
    except BrokenImageError:
        raise
    except _FAILURES as error:
        raise BrokenImageError(path, _reason(error, path)) from error


@contextmanager
def open_image(
    file: BufferedReader, path: str | os.PathLike[str]
) -> Generator[ImageFile, None, None]:
    """Open the first image of `file`, header only, and refuse what decodes to too many pixels.

    Raises:
        BrokenImageError: None of the six formats, a damaged header, or over 100 million pixels.
    """
    head = file.read(16)
    file.seek(0)
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        kind = signature(head)
        known = f"a {kind} file, but its header is damaged, cut short or of a kind that is not read"
        raise BrokenImageError(path, known if kind else _UNKNOWN) from error
    except Image.DecompressionBombError as error:
        raise BrokenImageError(path, _too_large("the header's number of pixels")) from error
    with image:
        width, height = image.size
        if width < 1 or height < 1:
            raise BrokenImageError(path, f"an image of {width} x {height} pixels")
        if width * height > LARGEST:
            raise BrokenImageError(path, _too_large(f"{width} x {height} pixels"))
        yield image


def signature(head: bytes) -> str | None:
    """Return which of the six formats a file that begins with these 16 bytes claims to be.

    >>> signature(bytes.fromhex("89504e470d0a1a0a"))
    'PNG'
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if head.startswith(b"BM") and head[6:10] == bytes(4):  # reserved; else it may be a text
        return "BMP"
    return None


class _Silence:
    """Counts who asks for silence, in any thread: the last one out restores what was."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.stack = ExitStack()


_silence = _Silence()


@contextmanager
def quiet() -> Generator[None, None, None]:
    """Keep Pillow's remarks about metadata off the terminal while the block runs.

    They are about EXIF and TIFF tags, not pixels: a file with an odd tag is a good image. What
    makes an image unreadable is raised, never warned about.
    """
    with _silence.lock:
        if _silence.users == 0:
            logger, handler = logging.getLogger("PIL"), logging.NullHandler()
            logger.addHandler(handler)
            _silence.stack.callback(logger.removeHandler, handler)
            _silence.stack.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
            _silence_libtiff(_silence.stack)
        _silence.users += 1
    try:
        yield
    finally:
        with _silence.lock:
            _silence.users -= 1
            if _silence.users == 0:
                _silence.stack.close()


def _silence_libtiff(stack: ExitStack) -> None:
    """Keep the C library from writing to the terminal: Pillow raises the same as an exception."""
    set_handler = _libtiff_handler()
    if set_handler is not None:
        stack.callback(set_handler, set_handler(None))


@cache
def _libtiff_handler() -> Callable[[int | None], int | None] | None:
    try:
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (OSError, AttributeError):  # built into Pillow out of reach, as on Windows
        return None
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    return set_handler


def _kind(mode: int) -> str:
    return " but a folder" if stat.S_ISDIR(mode) else " but a pipe or a device"


def _too_large(what: str) -> str:
    return f"{what} is more than {LARGEST:,}: a decompression bomb, or too large to read"


def _reason(error: BaseException, path: str | os.PathLike[str]) -> str:
    if isinstance(error, FileNotFoundError):
        return "a link that leads nowhere" if Path(path).is_symlink() else "does not exist"
    if isinstance(error, MemoryError):
        return "takes more memory than there is"
    if isinstance(error, OSError) and error.errno is not None:
        known = {
            errno.EACCES: "no permission to read it",
            errno.EPERM: "no permission to read it",
            errno.ELOOP: "a link that leads in a circle",
        }
        return known.get(error.errno, os.strerror(error.errno))
    text = " ".join(str(error).split())
    kind = "cut short" if "truncated" in text.lower() else "cannot be decoded"
    return f"{kind} ({printable(text)[:120] or type(error).__name__})"
