"""After training: weights, test, pictures, report. Each file is written whole; the report last."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate import anatomy, metrics, report
from striate._errors import StriateError
from striate._events import Progress, Said
from striate.data import ImageSet
from striate.files import printable
from striate.infer import predict_scores
from striate.jobs.environment import now
from striate.jobs.pictures import collect_pictures
from striate.runs import Run, WeightsCard, save_weights
from striate.train import Fitted, Recipe

__all__ = ["Training", "finish"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """A training run that has begun: everything that finishing it reads.

    Attributes:
        environment: Contents of environment.json so far.
    """

    run: Run
    network: nn.Module
    images: ImageSet
    name: str
    options: dict[str, Any]
    recipe: Recipe
    environment: dict[str, Any] = field(default_factory=dict)


def finish(begun: Training, fitted: Fitted, progress: Progress) -> None:
    """Write all that a run holds beside its checkpoint.

    Of a run that was interrupted the test half is not read: its numbers are of validation.
    """
    run, images, environment = begun.run, begun.images, begun.environment
    run.report.unlink(missing_ok=True)  # an older report must not pass for this one
    card = WeightsCard(
        name=begun.name,
        code=begun.name.startswith("module ") or ":" in begun.name,
        options=begun.options,
        classes=images.classes,
        preprocessing=images.preprocessing,
        kept=fitted.weights,
    )
    save_weights(run.folder / "model.safetensors", fitted.network, card)
    for name, rows in (("history", "epochs"), ("steps", "steps"), ("timings", "timings")):
        run.write_text(f"{name}.csv", fitted.log.csv(rows))
    _write_layers(begun, fitted.network, progress)
    if fitted.activations is not None:
        fitted.activations.save(run.folder / "activations.npz")
    judged = _judge(begun, fitted, progress)
    run.write_json("metrics.json", judged.metrics)
    _write_pictures(begun, fitted.network, judged, progress)
    seconds = round(environment.get("decide_seconds", 0.0) + fitted.seconds, 3)
    environment |= {
        "ended": now(),
        "seconds": seconds,
        "fit_seconds": seconds,
        "peak_memory_mib": fitted.peak_memory_mib,
        "interrupted": fitted.interrupted,
        "finished": not fitted.interrupted,
    }
    run.write_json("environment.json", environment)
    run.write_text("report.html", report.run_page(run.record))


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """Numbers of metrics.json, and the scores they come from."""

    metrics: dict[str, Any]
    split: str | None
    scores: Tensor
    losses: Tensor


def _judge(begun: Training, fitted: Fitted, progress: Progress) -> Judged:
    """Measure the kept weights: validation always, test only when training has ended."""
    images, classes = begun.images, len(begun.images.classes)
    result: dict[str, Any] = {"weights": fitted.weights, "best_epoch": fitted.best_epoch}
    temperature, split = 1.0, None
    scores, losses = torch.zeros(0, classes), torch.zeros(0)
    for name in ("validation", "test"):
        if name == "test" and fitted.interrupted:
            continue
        held = images.splits.get(name)
        if held is None or len(held) == 0:
            continue
        scores = predict_scores(
            fitted.network, held.images, images.preprocessing, classes=classes,
            precision=begun.recipe.precision, progress=progress, task=name,
        )  # fmt: skip
        lost = int((~scores.isfinite()).any(dim=1).sum())
        # In float64 no difference of finite float32 scores overflows, nor one over a temperature.
        scores = torch.nan_to_num(scores).double()
        losses = _losses(scores, held.labels)
        if name == "validation":
            temperature = metrics.fit_temperature(scores, held.labels)
        result[name] = _numbers(scores, held.labels, losses, temperature)
        if lost:
            result[name] |= {"loss": None, "not_finite": lost}
            progress(Said(text=_without_loss(name, lost, len(held)), warning=True))
        split = name
    result["temperature"] = temperature
    if split is not None:
        result |= _details(scores, images[split].labels, images.classes, split)
    return Judged(metrics=result, split=split, scores=scores.float(), losses=losses)


def _without_loss(split: str, lost: int, images: int) -> str:
    """Say why a split has no loss."""
    return (
        f"the scores of {lost:,} of {images:,} {split} images are not finite, so there is no "
        f"{split} loss; in all else an infinite score counts as the largest number, and NaN as 0"
    )


def _losses(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the negative log-likelihood of each image."""
    if scores.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(scores[:, 0], labels.float(), reduction="none")
    return F.cross_entropy(scores, labels, reduction="none")


def _numbers(scores: Tensor, labels: Tensor, losses: Tensor, temperature: float) -> dict[str, Any]:
    """Return accuracy, loss and calibration error, before and after scaling by temperature."""
    classes = max(2, scores.shape[1])
    plain = metrics.probabilities(scores, classes)
    scaled = metrics.probabilities(scores / temperature, classes)
    return {
        "accuracy": int((plain.argmax(dim=1) == labels).sum()) / len(labels),
        "loss": float(losses.mean()),
        "ece": metrics.calibration(plain, labels).ece,
        "ece_scaled": metrics.calibration(scaled, labels).ece,
        "images": len(labels),
    }


def _details(
    scores: Tensor, labels: Tensor, classes: tuple[str, ...], split: str
) -> dict[str, Any]:
    """Return confusion, scores a class and reliability bins of one split."""
    probabilities = metrics.probabilities(scores, len(classes))
    confusion = metrics.confusion(labels, probabilities.argmax(dim=1), len(classes))
    rows = metrics.class_scores(confusion)
    columns = {
        name: getattr(rows, name).tolist() for name in ("precision", "recall", "f1", "support")
    }
    return {
        "classes_split": split,
        "classes": [
            {"name": name, **{key: column[label] for key, column in columns.items()}}
            for label, name in enumerate(classes)
        ],
        "confusion": confusion.tolist(),
        "calibration": {
            "bins": [asdict(found) for found in metrics.calibration(probabilities, labels).bins]
        },
    }


def _write_layers(begun: Training, network: nn.Module, progress: Progress) -> None:
    """Write the layer table; a network that it cannot read is said, and the run goes on."""
    geometry = begun.images.preprocessing
    try:
        table = anatomy.table(
            network, (geometry.height, geometry.width), in_channels=geometry.channels
        )
    except StriateError as error:
        progress(Said(text=f"no layer table: {error}", warning=True))
        return
    begun.run.write_json("layers.json", table.to_json())


def _write_pictures(
    begun: Training, network: nn.Module, judged: Judged, progress: Progress
) -> None:
    """Write predictions.npz and pictures.npz."""
    images, run = begun.images, begun.run
    if judged.split is not None:
        held = images[judged.split]
        run.write_arrays(
            "predictions.npz",
            {
                "labels": held.labels.numpy(),
                "scores": judged.scores.numpy(),
                "names": np.array([printable(name) for name in held.names], dtype=np.str_),
            },
        )
    pictures = collect_pictures(
        network, images, begun.recipe, split=judged.split, scores=judged.scores,
        losses=judged.losses, progress=progress,
    )  # fmt: skip
    run.write_arrays("pictures.npz", pictures)
