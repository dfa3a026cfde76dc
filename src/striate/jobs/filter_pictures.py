"""Pictures of filtered photos: one with three panels, a grid, or one for each photo."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from striate._errors import DataError, ShapeError
from striate.files import printable
from striate.jobs.filter_files import picture_paths, save_picture
from striate.jobs.filter_plan import FilterPlan
from striate.jobs.found import FoundFile
from striate.report.filter_sheets import Photo, Row, filter_figure, filter_grid, grid_size
from striate.report.responses import response_picture, scale_for

__all__ = ["draw_folder", "draw_one"]

_PANEL, _CELL = 512, 192  # pixels of a photo's longer side beside one kernel, and in a grid
_MOST_PHOTOS = 24  # in one picture
_MOST_PIXELS = 150_000_000

Read = tuple[FoundFile, UInt8[Tensor, "_ _ _"]]  # each of its own size


def draw_one(plan: FilterPlan, path: Path) -> None:
    """Write one picture with all photos.

    Raises:
        DataError: There are too many photos, or none can be read.
        ShapeError: A photo is too small for a kernel, or the picture would be too large.
        StorageError: The file cannot be written.
    """
    if plan.plain and len(plan.files) > 1:
        raise DataError(
            f"plain shows one photo, but there are {len(plan.files)}; "
            f"name a folder for a picture each: {printable(path.with_suffix(''))}/"
        )
    if len(plan.files) > _MOST_PHOTOS:
        raise DataError(
            f"{len(plan.files)} photos are too many for one picture, which has room for "
            f"{_MOST_PHOTOS}; name a folder for a picture each: {printable(path.with_suffix(''))}/"
        )
    _check_size(plan, len(plan.files))
    read = list(plan.photos(_side(plan, len(plan.files))))
    if not read:
        raise plan.nothing()
    save_picture(path, _picture(plan, read))


def draw_folder(plan: FilterPlan, folder: Path) -> Iterator[Path]:
    """Write a picture for each photo and yield where.

    Raises:
        DataError: Two pictures would have one name, or lie on a photo; no photo can be read.
        ShapeError: A picture would be too large.
        StorageError: A file cannot be written.
    """
    places = dict(zip(plan.files, picture_paths(folder, plan.files), strict=True))
    _check_size(plan, 1)
    written = False
    for file, photo in plan.photos(_side(plan, 1)):
        try:
            pixels = _picture(plan, [(file, photo)])
        except ShapeError as error:
            plan.failed[str(error)] = None
            continue
        save_picture(places[file], pixels)
        written = True
        yield places[file]
    if not written:
        raise plan.nothing()


def _side(plan: FilterPlan, photos: int) -> int | None:
    """Return how long a photo may be."""
    if plan.plain or plan.size is not None:
        return plan.size
    return _PANEL if photos == len(plan.filters) == 1 else _CELL


def _check_size(plan: FilterPlan, photos: int) -> None:
    """Refuse a grid that no viewer would open."""
    side = _side(plan, photos)
    if side is None or photos == len(plan.filters) == 1:
        return

    def pixels(side: int) -> int:
        height, width = grid_size(photos, len(plan.filters), side)
        return height * width

    if pixels(side) > _MOST_PIXELS:
        most = next(s for s in range(side, 0, -1) if pixels(s) <= _MOST_PIXELS)
        raise ShapeError(
            f"size is {side}, which makes a grid of {pixels(side) / 1e6:.0f} million pixels; "
            f"size={most} is the most for {len(plan.filters)} kernels and {photos} photos"
        )


def _picture(plan: FilterPlan, read: list[Read]) -> UInt8[np.ndarray, "h w 3"]:
    if plan.plain:
        row = _row(plan, read, 0)
        return response_picture(row.values[0], scale_for(row.weights, row.values, row.look))
    photos = [_photo(file, pixels) for file, pixels in read]
    if len(read) == len(plan.filters) == 1:
        return filter_figure(photos[0], _row(plan, read, 0))
    rows = (_row(plan, read, place) for place in range(len(plan.filters)))
    side = _side(plan, len(read))
    return filter_grid(photos, rows, count=len(plan.filters), side=side or _CELL)


def _row(plan: FilterPlan, read: list[Read], place: int) -> Row:
    entry = plan.filters[place]
    values = [plan.answer(entry, file, photo) for file, photo in read]
    return Row(name=entry.name, weights=entry.weights.numpy(), values=values, look=plan.show)


def _photo(file: FoundFile, photo: UInt8[Tensor, "c h w"]) -> Photo:
    height, width = photo.shape[1:]
    return Photo(
        name=file.name,
        pixels=photo.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy(),
        note=f"filtered at {width} x {height} pixels",
    )
