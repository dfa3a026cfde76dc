"""All images of a folder: headers and hashes first, then pixels straight into one tensor."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import TypeVar

from jaxtyping import UInt8
from torch import Tensor

from striate._events import Moved, Progress
from striate.data.decoding import BrokenImageError, Header, decode, read_header
from striate.data.listing import Found
from striate.data.memory import available_memory, give_back
from striate.data.opening import quiet
from striate.data.parallel import Budget, in_threads, processors
from striate.data.store import allocate

__all__ = ["Broken", "Picture", "decode_all", "scan", "target_size"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_BYTES_A_PIXEL = 16  # while decoding: with alpha, without, on paper, and the alpha and file
_LARGE = 8_000_000  # pixels: from here on what decoding took is returned at once
_DARK = 15


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A file that cannot be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A file that was read.

    Attributes:
        found: Its name, class and part.
        header: Size, colour and SHA-256 of the file.
        pixels: SHA-256 of the image as it lies in the tensor.
        remark: `flat` if all its values are equal, `dark` if none is above 15, else "".
    """

    found: Found
    header: Header
    pixels: str = ""
    remark: str = ""


def scan(
    root: Path, files: Sequence[Found], *, workers: int | None = None, progress: Progress
) -> list[Picture | Broken]:
    """Return header and hash of each file, or why it cannot even be opened."""

    def look(found: Found) -> Picture | Broken:
        try:
            return Picture(found=found, header=read_header(root / found.name))
        except BrokenImageError as error:
            return Broken(name=found.name, reason=error.reason)

    return list(_counted("scan", look, files, workers, progress))


def target_size(headers: Sequence[Header], size: int) -> tuple[int, int]:
    """Return height and width for all images of a set.

    Images that are all of one size, no side above `size`, stay as they are. Else the target is a
    square with the median of their short sides, at most `size`: half of them are not enlarged.

    >>> def header(height, width):
    ...     return Header(format="PNG", height=height, width=width, grey=True, sha256="")
    >>> target_size([header(20, 30), header(20, 30)], 128), target_size([header(20, 30)] * 2, 24)
    ((20, 30), (20, 20))
    """
    first = (headers[0].height, headers[0].width)
    if max(first) <= size and all((h.height, h.width) == first for h in headers):
        return first
    side = min(size, median_low(min(header.height, header.width) for header in headers))
    return side, side


def decode_all(
    root: Path,
    pictures: Sequence[Picture],
    *,
    channels: int,
    height: int,
    width: int,
    workers: int | None = None,
    progress: Progress,
) -> tuple[UInt8[Tensor, "n c h w"], list[Picture | Broken]]:
    """Decode every file in threads, each into its place of one tensor.

    Memory beyond the tensor is bounded: few files are under way, and together they hold at most a
    quarter of the memory that is available, or one file is under way.

    Returns:
        The tensor and what was found, image i being the i-th of `pictures`; the image of a file
        that is broken is undefined.
    """
    images = allocate((len(pictures), channels, height, width))
    rows = images.numpy()
    budget = Budget(available_memory() // 4 // _BYTES_A_PIXEL)

    def read(place: int) -> Picture | Broken:
        picture = pictures[place]
        path = root / picture.found.name
        try:
            size = picture.header.height * picture.header.width
            with budget.hold(size):
                image = decode(path, channels=channels, height=height, width=width).numpy()
                if size >= _LARGE:
                    give_back()
        except BrokenImageError as error:
            return Broken(name=picture.found.name, reason=error.reason)
        rows[place] = image
        low, high = image.min(), image.max()
        return Picture(
            found=picture.found,
            header=picture.header,
            pixels=hashlib.sha256(image.data).hexdigest(),
            remark="flat" if low == high else "dark" if high <= _DARK else "",
        )

    return images, list(_counted("decode", read, range(len(pictures)), workers, progress))


def _counted(
    task: str,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int | None,
    progress: Progress,
) -> Iterable[Result]:
    progress(Moved(task=task, done=0, total=len(items), unit="images"))
    results = in_threads(function, items, workers=workers or processors())
    with quiet(), closing(results):
        for done, result in enumerate(results, start=1):
            yield result
            progress(Moved(task=task, done=done, total=len(items), unit="images"))
