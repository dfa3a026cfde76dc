"""The sections with photos: samples, an augmented batch, first-layer filters, worst mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from striate.report import wording
from striate.report.heat import BLUE_ORANGE, EMBER
from striate.report.pictures import (
    Sheet,
    filter_pixels,
    overlay_sheet,
    photo_sheet,
)
from striate.report.sections import Section, class_name
from striate.runs.record import RunRecord

__all__ = ["Mistake", "augmented", "filters", "mistakes", "samples"]

_SHOWN = 64  # pictures of a section at most
_MISTAKES = 32


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One image that was named wrong, and where the network looked."""

    photo: Markup
    overlay: Markup | None
    true: str
    predicted: str
    probability: float | None
    loss: float | None
    name: str
    evidence: bool


def samples(record: RunRecord) -> Section | None:
    """Return training images as they are, class by class where there are some of each."""
    images, labels = _images(record, "sample")
    if images is None:
        return None
    sheet = photo_sheet("samples-sheet", images)
    tiles = _tiles(sheet, labels, record.classes)
    groups: dict[str, list[Markup]] = {}
    for name, tile in tiles:
        groups.setdefault(name, []).append(tile)
    rows = 2 * len(groups) <= len(tiles) and len(groups) <= 20
    return Section(
        id="samples",
        title="What it learned from",
        view={
            "groups": list(groups.items()) if rows else None,
            "tiles": tiles,
            "large": sheet.large,
        },
        sheets=(sheet,),
    )


def augmented(record: RunRecord) -> Section | None:
    """Return a batch as training saw it."""
    images, labels = _images(record, "augmented")
    if images is None:
        return None
    sheet = photo_sheet("augmented-sheet", images)
    return Section(
        id="augmented",
        title="An augmented batch",
        view={"tiles": _tiles(sheet, labels, record.classes), "large": sheet.large},
        sheets=(sheet,),
    )


def filters(record: RunRecord) -> Section | None:
    """Return the weights of the first convolution as pictures."""
    pictures = record.pictures or {}
    weights = pictures.get("filters")
    if weights is None or not weights.size:
        return None
    total, depth = weights.shape[:2]
    colour = depth == 3
    shown = min(total, _SHOWN)
    pixels = filter_pixels(weights[:shown], BLUE_ORANGE)
    sheet = photo_sheet("filters-sheet", pixels)
    layer = pictures.get("filters_layer")
    return Section(
        id="filters",
        title="First-layer filters",
        view={
            "tiles": [sheet.tile(i, f"filter {i + 1}") for i in range(shown)],
            "layer": "" if layer is None else str(layer),
            "total": total,
            "shown": shown,
            "size": f"{weights.shape[2]} × {weights.shape[3]}",
            "depth": depth,
            "fold": int(pictures.get("filters_fold", 1)),
            "colour": colour,
            "largest": float(np.abs(weights[:shown]).max()),
        },
        sheets=(sheet,),
    )


def mistakes(record: RunRecord) -> Section | None:
    """Return the images with the largest loss, each with its Grad-CAM map on one common scale."""
    pictures = record.pictures or {}
    images = pictures.get("mistake_images")
    if images is None or not len(images):
        return None
    images = images[:_MISTAKES]
    photos = photo_sheet("mistakes-sheet", images, budget=500_000)
    maps, largest = _maps(pictures)
    overlay = None if maps is None else overlay_sheet("maps-sheet", maps, EMBER)
    found = [
        _mistake(record, i, photos, overlay, evidence=maps is not None and bool(maps[i].any()))
        for i in range(len(images))
    ]
    return Section(
        id="mistakes",
        title="The worst mistakes",
        view={
            "mistakes": found,
            "largest": largest,
            "maps": overlay is not None,
            "large": photos.large,
        },
        sheets=(photos,) if overlay is None else (photos, overlay),
    )


def _images(record: RunRecord, kind: str) -> tuple[np.ndarray | None, np.ndarray]:
    pictures = record.pictures or {}
    images = pictures.get(f"{kind}_images")
    if images is None or not len(images):
        return None, np.zeros(0, np.int64)
    labels = pictures.get(f"{kind}_labels", np.full(len(images), -1))
    return images[:_SHOWN], labels[:_SHOWN]


def _tiles(sheet: Sheet, labels: Sequence[Any] | np.ndarray, classes: tuple[str, ...]) -> Any:
    names = [class_name(classes, int(label)) for label in labels]
    return [(name, sheet.tile(i, name)) for i, name in enumerate(names)]


def _maps(pictures: dict[str, np.ndarray]) -> tuple[np.ndarray | None, float]:
    """Return the maps as shares of the largest value of all that are shown, and that value."""
    maps = pictures.get("mistake_maps")
    if maps is None:
        return None, 0.0
    maps = np.maximum(np.nan_to_num(maps[:_MISTAKES].astype(np.float64)), 0.0)
    largest = float(maps.max(initial=0.0))
    return maps / (largest or 1.0), largest


def _mistake(
    record: RunRecord, i: int, photos: Sheet, overlay: Sheet | None, *, evidence: bool
) -> Mistake:
    pictures = record.pictures or {}

    def value(name: str) -> float | None:
        array = pictures.get(name)
        return None if array is None else float(array[i])

    true, predicted = (
        class_name(record.classes, int(value(f"mistake_{kind}") or 0))
        for kind in ("labels", "predictions")
    )
    names = pictures.get("mistake_names")
    probability = value("mistake_probabilities")
    said = f"{true}, taken for {predicted} with {wording.percent(probability, 1)}"
    where = "where the evidence lies" if evidence else "the map shows no evidence"
    return Mistake(
        photo=photos.tile(i, said),
        overlay=None
        if overlay is None
        else photos.tile(i, f"the same image, {where}", over=overlay),
        true=true,
        predicted=predicted,
        probability=probability,
        loss=value("mistake_losses"),
        name="" if names is None else str(names[i]),
        evidence=evidence,
    )
