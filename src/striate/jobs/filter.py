"""Kernels applied to photos: pictures of kernels and responses, or the raw responses."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from striate._errors import DataError
from striate._events import Progress, silent
from striate.jobs.filter_files import target_of, write_responses
from striate.jobs.filter_pictures import draw_folder, draw_one
from striate.jobs.filter_plan import FilterPlan
from striate.jobs.found import find_images
from striate.ops.notation import parse_filters

__all__ = ["Filtered", "filter_photos"]


@dataclass(frozen=True)
class Filtered:
    """What was done.

    Attributes:
        written: Files, in the order in which they were written.
        failed: A line for each photo that could not be read, or is too small for a kernel.
    """

    written: tuple[Path, ...]
    failed: tuple[str, ...]


def filter_photos(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    kernels: str | Sequence[str],
    *,
    out: str | os.PathLike[str] | None = None,
    npz: str | os.PathLike[str] | None = None,
    colour: str = "grey",
    size: int | None = None,
    padding_mode: str | None = None,
    show: str | None = None,
    plain: bool = False,
    progress: Progress = silent,
) -> Filtered:
    """Filter photos with kernels, write what comes out, and return what was written.

    One photo and one kernel give three panels: the photo, the kernel, the response. More give a
    grid of kernels against photos. A photo that cannot be read is named in `failed`, and the
    others go on.

    Args:
        paths: Image files, and folders of them; or one.
        kernels: One line, or several, as `ops.parse_filters` takes them: `sobel-x`,
            `gabor:theta=45`, `all`, `1,0,-1;2,0,-2;1,0,-1`.
        out: A `.png`; or a folder (it exists, or its name has no ending) for a picture a photo; or
            a `.npz` as below.
        npz: A `.npz` for kernels and raw responses, of photos in 0..1; see docs/kernels.md.
        colour: `grey`, or `planes` for each colour by itself.
        size: Larger photos are shrunk until their longer side has so many pixels, before they are
            filtered. None: 512 beside one kernel, 192 in a grid, and as they are if plain or raw.
        padding_mode: What lies beyond the border: `zeros`, `reflect`, `replicate`, `circular`;
            None is `reflect`, and `circular` for magnitudes of Gabor kernels.
        show: `signed`, `magnitude` or `photo`; None chooses by the kernel.
        plain: Whether a picture is the response alone, a pixel each.
        progress: Told which photo is at work, and what is left out of a folder.

    Raises:
        StriateError: A kernel, an option or a path that makes no sense; no photo could be read; a
            file that cannot be written.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    kernels = [kernels] if isinstance(kernels, str) else kernels
    filters = tuple(found for line in kernels for found in parse_filters(line))
    plan = FilterPlan(
        files=find_images(paths, progress=progress), filters=filters, colour=colour, size=size,
        padding_mode=padding_mode, show=show, plain=plain, progress=progress,
    )  # fmt: skip
    plan.check()
    targets = [target_of(place, plan.files) for place in (out, npz) if place is not None]
    if not targets:
        raise DataError("there is nothing to write; out takes a .png, a folder or a .npz")
    if npz is not None and targets[-1].kind != "npz":
        raise DataError(f"npz is {os.fspath(npz)}; raw responses go into a file that ends in .npz")
    written: list[Path] = []
    for target in targets:
        if target.kind == "folder":
            written += draw_folder(plan, target.path)
            continue
        (draw_one if target.kind == "png" else write_responses)(plan, target.path)
        written.append(target.path)
    return Filtered(tuple(written), tuple(plan.failed))
