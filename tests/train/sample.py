"""Images, networks and recipes so small that a training run takes milliseconds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from striate.data import Augmentation, ImageSet, Preprocessing, Split
from striate.train import Fitted, Recipe

GREY = Preprocessing(channels=1, height=8, width=8, mean=(0.3,), deviation=(0.25,))
# Where each class is bright: rows, columns.
CORNERS = (
    (slice(0, 4), slice(0, 4)),
    (slice(0, 4), slice(4, 8)),
    (slice(4, 8), slice(0, 4)),
    (slice(4, 8), slice(4, 8)),
)


class Sealed(Mapping[str, Split]):
    """The splits of a set whose test half may be known to exist, but must not be read."""

    def __init__(self, splits: dict[str, Split]) -> None:
        self._splits = splits

    def __getitem__(self, name: str) -> Split:
        if name == "test":
            raise AssertionError("the test split was read")
        return self._splits[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._splits, "test"))

    def __len__(self) -> int:
        return len(self._splits) + 1


def split(count: int, *, classes: int = 4, seed: int = 0) -> Split:
    """Return noise of 0..119 with one corner 100 brighter; the classes take turns."""
    noise = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 120, (count, 1, 8, 8), generator=noise, dtype=torch.uint8)
    labels = torch.arange(count) % classes
    for image, label in zip(images, labels.tolist(), strict=True):
        image[0][CORNERS[label]] += 100
    return Split(images=images, labels=labels, names=tuple(f"{seed}-{i}" for i in range(count)))


def image_set(
    train: int = 32, validation: int = 16, *, classes: int = 4, fingerprint: str = "a" * 64
) -> ImageSet:
    """Return a set of bright corners, whose test split raises when it is read."""
    splits = {"train": split(train, classes=classes, seed=1)}
    if validation:
        splits["validation"] = split(validation, classes=classes, seed=2)
    return ImageSet(
        name="corners",
        source="corners",
        options={},
        classes=("north-west", "north-east", "south-west", "south-east")[:classes],
        splits=Sealed(splits),
        preprocessing=GREY,
        manifest={},
        fingerprint=fingerprint,
    )


def network(outputs: int = 4, *, dropout: float = 0.0, seed: int = 0) -> nn.Sequential:
    """Return conv, batch norm, ReLU, pool, dropout, linear; its weights a function of `seed`."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(96, outputs),
    )


OFF = {name: value for name, value in asdict(Augmentation()).items() if value is not None}
PLAIN = OFF | {
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 0.05,
    "optimizer": "sgd",
    "weight_decay": 5e-4,
    "precision": "float32",
    "label_smoothing": 0.0,
    "statistics": 0,
}


def recipe(**changes: Any) -> Recipe:
    """Return 2 epochs of 4 steps of 8 images, everything else off, but for `changes`."""
    return Recipe(**(PLAIN | changes))


def weights(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of weights and buffers."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Return whether two dictionaries of tensors are equal bit for bit."""
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def assert_same_end(one: Fitted, other: Fitted) -> None:
    """Fail unless two runs ended with the same bits: weights, rows, best epoch, statistics."""
    assert one.log.csv("steps") == other.log.csv("steps")
    assert one.log.csv("epochs") == other.log.csv("epochs")
    assert (one.best_epoch, one.weights) == (other.best_epoch, other.weights)
    assert same(weights(one.network), weights(other.network))
    assert (one.activations is None) == (other.activations is None)
    if one.activations is not None and other.activations is not None:
        assert one.activations.names == other.activations.names
        for name in ("steps", "mean", "deviation", "near_zero", "limit", "histogram"):
            mine, theirs = getattr(one.activations, name), getattr(other.activations, name)
            assert mine.tobytes() == theirs.tobytes(), name


def after(steps: int) -> Callable[[], bool]:
    """Return a `stop` that says True when it has been asked `steps` times."""
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= steps

    return stop


def never(*_: object) -> NoReturn:
    """Fail when called."""
    raise AssertionError("this must not be called")
