"""Answers of a trained network for files and folders of images."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from striate._errors import DataError, RecipeError
from striate._events import Moved, Progress, silent
from striate.data.decoding import read_image
from striate.data.wording import few
from striate.infer import predict_scores
from striate.jobs.environment import choose_device
from striate.jobs.found import find_images
from striate.metrics import probabilities
from striate.runs import OpenNetwork, open_network

__all__ = ["Prediction", "predict"]

BATCH = 256


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The likeliest classes of one file, best first; or why it could not be read.

    Attributes:
        path: The file as it was found.
        top: Pairs of class name and probability.
        error: Why there is no answer; None if there is one.
    """

    path: str
    top: tuple[tuple[str, float], ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        r"""Return plain values; a name that is not UTF-8 keeps its bytes as `\udcNN`."""
        if self.error is not None:
            return {"path": self.path, "error": self.error}
        answers = [{"class": name, "probability": value} for name, value in self.top]
        return {"path": self.path, "top": answers}


def predict(
    model: str | os.PathLike[str],
    paths: Sequence[str | os.PathLike[str]],
    *,
    top: int = 5,
    code: str | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Iterator[Prediction]:
    """Yield an answer for every image in `paths`, in order, folders with all they hold.

    Images are prepared as the run's own were. A file that cannot be read, a path that is not there
    and a folder without images each give a Prediction with `error`, and the others go on. At most a
    few hundred images are in memory at a time.

    Raises:
        StriateError: No such model, or nothing to predict at all.
    """
    if top < 1:
        raise RecipeError(f"top is {top}, but must be 1 or more")
    opened = open_network(os.fspath(model), code=code, device=choose_device(device))
    if not paths:
        raise DataError("there is no image to predict; name files or folders of images")
    files: list[Path | Prediction] = []
    for path in paths:
        try:
            files += [file.path for file in find_images([path], progress=progress)]
        except DataError as error:
            files.append(Prediction(path=os.fspath(path), error=str(error)))
    refused = [file.error or "" for file in files if isinstance(file, Prediction)]
    if len(refused) == len(files):
        raise DataError(few(refused))
    return _answers(opened, files, top, progress)


def _answers(
    opened: OpenNetwork, files: list[Path | Prediction], top: int, progress: Progress
) -> Iterator[Prediction]:
    remaining, done = iter(files), 0
    while chunk := list(islice(remaining, BATCH)):
        progress(Moved(task="predict", done=done, total=len(files), unit="images"))
        yield from _chunk(opened, chunk, top)
        done += len(chunk)
    progress(Moved(task="predict", done=done, total=done, unit="images"))


def _chunk(opened: OpenNetwork, files: list[Path | Prediction], top: int) -> Iterator[Prediction]:
    """Decode and answer a few files; what cannot be answered keeps its place in the order."""
    images: dict[int, Tensor] = {}
    errors: dict[int, str] = {}
    for place, file in enumerate(files):
        if isinstance(file, Prediction):
            continue
        try:
            images[place] = read_image(file, opened.card.preprocessing)
        except DataError as error:
            errors[place] = str(error)
    answers: dict[int, tuple[tuple[str, float], ...]] = {}
    if images:
        sure = _probabilities(opened, torch.stack(list(images.values())))
        best = sure.topk(min(top, sure.shape[1]), dim=1)
        names = opened.card.classes
        for row, place in enumerate(images):
            pairs = zip(best.indices[row].tolist(), best.values[row].tolist(), strict=True)
            answers[place] = tuple((names[label], value) for label, value in pairs)
    for place, file in enumerate(files):
        if isinstance(file, Prediction):
            yield file
        else:
            yield Prediction(path=str(file), top=answers.get(place, ()), error=errors.get(place))


def _probabilities(opened: OpenNetwork, images: Tensor) -> Tensor:
    scores = predict_scores(
        opened.network, images, opened.card.preprocessing, classes=len(opened.card.classes)
    )
    return probabilities(scores, len(opened.card.classes))
