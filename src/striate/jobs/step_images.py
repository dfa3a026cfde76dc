"""What a window is stepped over: a photo made small, a grid of numbers, or a board made up."""

import math
import os
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from striate._errors import DataError
from striate.data.decoding import decode, read_header
from striate.files import printable

__all__ = ["example_board", "read_board", "shrunk_size"]

_GRIDS = (".csv", ".tsv", ".txt")
_BOARD, _PHOTO = 7, 12  # cells a side, where nobody says
_LARGEST = 4096  # cells a side of a photo
_LARGEST_FILE = 1 << 24  # bytes of a grid of numbers


def read_board(
    source: str | os.PathLike[str] | None, size: int | None = None
) -> tuple[Float[Tensor, "h w"], str]:
    """Return a map of one channel, and what it is in a line.

    Args:
        source: An image file, made grey (.299 red + .587 green + .114 blue, in whole levels of 0 to
            255) and shrunk; a grid of numbers as a file (.csv, .tsv, .txt) or as text, rows
            between semicolons: `1,2;3,4`; None is `example_board`.
        size: Cells along the longer side of a photo, along both sides of the example. Default: 12
            and 7. A photo that has fewer stays as it is.

    Raises:
        DataError: A file that cannot be read, a text that is no grid, or a size out of range.

    >>> read_board("1,2;3,4")[0].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if size is not None and not 1 <= size <= _LARGEST:
        raise DataError(f"size is {size}; it must be 1 to {_LARGEST}")
    if source is None:
        board = example_board(_BOARD if size is None else size)
        return board, f"an example of {board.shape[0]} x {board.shape[1]}"
    text, path = os.fspath(source), Path(source)
    if _is_file(path):
        if path.suffix.lower() in _GRIDS:
            board = _numbers(_read(path), str(printable(path)))
            return board, f"{printable(path)}, {board.shape[0]} x {board.shape[1]}"
        return _photo(path, _PHOTO if size is None else size)
    if text.strip() and all(letter in "0123456789+-.eE/,; \t" for letter in text):
        board = _numbers(text.replace(";", "\n"), "the grid")
        return board, f"a grid of {board.shape[0]} x {board.shape[1]}"
    if text[:1] in "0123456789+-." and ("," in text or ";" in text):
        raise DataError(f"{printable(text)!r} is no file, and no grid of numbers such as 1,2;3,4")
    return _photo(path, _PHOTO if size is None else size)  # says that it is not there


def example_board(size: int) -> Float[Tensor, "{size} {size}"]:
    """Return a bright square on a dark ground, its cells 5 to 9 so that they can be told apart.

    >>> example_board(4).tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 5.0, 6.0, 0.0], [0.0, 6.0, 7.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    board, edge = torch.zeros(size, size), max(size // 6, 1) if size > 2 else 0
    side = range(size - 2 * edge)
    inner = torch.tensor([[5.0 + (i + j) % 5 for j in side] for i in side])
    board[edge : size - edge, edge : size - edge] = inner
    return board


def shrunk_size(height: int, width: int, size: int) -> tuple[int, int]:
    """Return height and width of an image whose longer side is brought down to `size`.

    >>> shrunk_size(480, 640, 12), shrunk_size(3, 5, 12)
    ((9, 12), (3, 5))
    """
    longer = max(height, width)
    if longer <= size:
        return height, width
    return max(1, round(height * size / longer)), max(1, round(width * size / longer))


def _photo(path: Path, size: int) -> tuple[Tensor, str]:
    header = read_header(path)
    height, width = shrunk_size(header.height, header.width, size)
    board = decode(path, channels=1, height=height, width=width)[0].float()
    whole = f"{header.height} x {header.width}"
    made = "" if (height, width) == (header.height, header.width) else f" made {height} x {width}"
    return board, f"{printable(path)}, {whole}{made}, grey 0 to 255"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have, such as a long grid
        return False


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{printable(path)} has more than {_LARGEST_FILE >> 20} MiB")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{printable(path)} is no text; a grid is numbers in UTF-8") from error
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be read: {error.strerror or error}") from error


def _numbers(text: str, where: str) -> Tensor:
    """Return the numbers of a text, a row a line, between commas, semicolons, tabs or spaces."""
    lines = [line for line in text.splitlines() if line.strip()]
    rows = [line.replace(",", " ").replace(";", " ").split() for line in lines]
    if not rows or not rows[0]:
        raise DataError(f"{where} is empty; write rows of numbers, such as 1,2;3,4")
    for place, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise DataError(
                f"{where}: row {place} is {len(row)} long, row 0 is {len(rows[0])}; "
                "all rows must be of one length"
            )
    return torch.tensor([[_number(word, where) for word in row] for row in rows])


def _number(word: str, where: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{where}: {printable(word)!r} is no number; write 2, -0.5 or 1e3")
    return number
