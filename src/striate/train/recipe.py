"""The recipe: every choice of a training run, as one frozen record that TOML can hold."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args, get_type_hints

from striate._errors import RecipeError
from striate.data import Augmentation, ImageSet

__all__ = ["AUGMENTATIONS", "Recipe", "parse_setting", "setting_names"]

OPTIMIZERS = ("sgd", "adamw", "rmsprop")
SCHEDULES = ("one-cycle", "cosine", "constant")
PRECISIONS = ("auto", "float32", "bfloat16")
AUGMENTATIONS = (
    "flip", "shift", "rotate", "scale", "shear", "erase",
    "brightness", "contrast", "saturation", "fill",
)  # fmt: skip
# Of a batch of 128: for a network with norms, which bears a higher rate, and for one without.
DEFAULT_RATES = {"sgd": (0.2, 0.02), "adamw": (0.01, 0.004), "rmsprop": (1e-3, 1e-3)}
# AdamW subtracts rate * decay * weight, where the gradient's step is about the rate itself; its
# rates are some 1/20 of sgd's, so at sgd's decay it would have next to none.
DEFAULT_DECAYS = {"sgd": 5e-4, "adamw": 0.05, "rmsprop": 5e-4}
BATCH = 128
# (low, high) of each number, both allowed.
RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, 100_000), "minutes": (1e-3, 100_000), "batch_size": (1, 65_536),
    "learning_rate": (1e-8, 100), "momentum": (0, 0.9999), "least_momentum": (0, 0.9999),
    "weight_decay": (0, 10), "warm_up": (0, 1), "label_smoothing": (0, 0.99),
    "mixup": (0, 10), "ema": (0, 0.99999), "early_stopping": (0, 100_000),
    "clip_gradient": (0, 1e9), "statistics": (0, 1000), "seed": (0, 2**63 - 1),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every choice of a training run. None means: chosen for the data, by `resolved`.

    Attributes:
        epochs: Passes over the training images; None is 120,000 images' worth, but 10 to 40.
        minutes: Train for this long in place of `epochs`; the schedule follows the clock.
        batch_size: Images a step; None is 128, but at most an eighth of the training images.
        learning_rate: Highest rate of the schedule; None is 0.01 for adamw (0.004 if the network
            has no norms), 0.2 (0.02) for sgd, 0.001 for rmsprop; with a batch below 128 less, sgd's
            in proportion, the others' by the square root.
        optimizer: `adamw`, `sgd` (with Nesterov momentum) or `rmsprop`.
        schedule: `one-cycle` (rate up, then down; momentum mirrored), `cosine` or `constant`.
        warm_up: Share of the one-cycle or cosine schedule in which the rate rises.
        momentum: Momentum of sgd, first beta of adamw (rmsprop has none); highest in one-cycle.
        least_momentum: Momentum where one-cycle's rate is highest.
        weight_decay: Decay of weights; biases and norms are never decayed. None is 0.0005, for
            adamw, which takes it from the weights past the gradient's scaling, 0.05.
        label_smoothing: Share of the target spread evenly over the classes.
        mixup: Alpha of MixUp's Beta distribution; 0 is off.
        ema: Decay of the weights' moving average that is validated and kept; 0 is off.
        early_stopping: Stop after so many epochs without a better validation; 0 is never.
        class_weights: `none`, or `balanced`: loss weighted by the inverse class count.
        clip_gradient: Largest norm of the gradient; 0 is no limit.
        precision: `float32`, `bfloat16` (autocast) or `auto`: the faster one, measured.
        statistics: Points in time at which activations are measured; 0 is off.
        seed: Every draw of training is a function of (seed, epoch, step, use), the first weights
            too. The split of the images has a seed of its own, that of `data.load`.
        flip, shift, rotate, scale, shear, erase, brightness, contrast, saturation, fill:
            Augmentation, as in `striate.data.Augmentation`.
    """

    epochs: int | None = None
    minutes: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    warm_up: float = 0.25
    momentum: float = 0.95
    least_momentum: float = 0.85
    weight_decay: float | None = None
    label_smoothing: float = 0.1
    mixup: float = 0.0
    ema: float = 0.0
    early_stopping: int = 0
    class_weights: str = "none"
    clip_gradient: float = 0.0
    precision: str = "auto"
    statistics: int = 128
    seed: int = 0
    flip: bool | None = None
    shift: int | None = None
    rotate: float | None = None
    scale: float | None = None
    shear: float | None = None
    erase: float | None = None
    brightness: float | None = None
    contrast: float | None = None
    saturation: float | None = None
    fill: str | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and low <= value <= high):
                raise RecipeError(f"{name} is {value}, but must lie in {low:g} to {high:g}")
        for name, allowed in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("precision", PRECISIONS),
            ("class_weights", ("none", "balanced")),
        ):
            if getattr(self, name) not in allowed:
                raise RecipeError(
                    f"{name} is {getattr(self, name)!r}, but must be one of {', '.join(allowed)}"
                )
        if self.epochs is not None and self.minutes is not None:
            raise RecipeError("epochs and minutes are both given; give one of them")
        if self.least_momentum > self.momentum and self.schedule == "one-cycle":
            raise RecipeError(
                f"least_momentum is {self.least_momentum}, but must not be over momentum "
                f"({self.momentum})"
            )
        given = {k: getattr(self, k) for k in AUGMENTATIONS if getattr(self, k) is not None}
        Augmentation(**given)  # raises for a value out of range

    @property
    def augmentation(self) -> Augmentation:
        """Return the augmentation of a resolved recipe; fields still None are off."""
        given = {k: getattr(self, k) for k in AUGMENTATIONS if getattr(self, k) is not None}
        return Augmentation(**given)

    def resolved(self, images: ImageSet, *, norms: bool = True) -> "Recipe":
        """Return the recipe with every None replaced by a choice for `images`.

        Augmentation takes `Augmentation.default` for the set's kind and size. A batch is at most
        all training images, also if a larger one is asked for.

        Args:
            images: What will be trained on.
            norms: Whether the network has norms.
        """
        geometry = images.preprocessing
        default = asdict(Augmentation.default(images.flip, geometry.height))
        filled: dict[str, Any] = {
            name: default[name] for name in AUGMENTATIONS if getattr(self, name) is None
        }
        if geometry.channels == 1:
            filled.pop("saturation", None)
        count = len(images["train"])
        batch = min(self.batch_size or min(BATCH, max(8, count // 8)), count)
        filled["batch_size"] = batch
        if self.learning_rate is None:
            share = min(1.0, batch / BATCH)
            if self.optimizer != "sgd":
                share = math.sqrt(share)  # their steps are scaled by the gradient's noise already
            filled["learning_rate"] = DEFAULT_RATES[self.optimizer][not norms] * share
        if self.weight_decay is None:
            filled["weight_decay"] = DEFAULT_DECAYS[self.optimizer]
        if self.epochs is None and self.minutes is None:
            filled["epochs"] = min(40, max(10, round(120_000 / count)))
        return replace(self, **filled)

    def to_toml(self) -> dict[str, Any]:
        """Return the fields that are set, for TOML (which has no null)."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_toml(cls, values: Mapping[str, Any]) -> "Recipe":
        """Return the recipe of `to_toml`; an unknown or wrong field raises RecipeError."""
        checked = {name: check_kind(name, value) for name, value in values.items()}
        return cls(**checked)


def setting_names() -> tuple[str, ...]:
    """Return the names of all fields, in their order."""
    return tuple(field.name for field in fields(Recipe))


def _kind(name: str) -> type:
    """Return the type of a field: bool, int, float or str."""
    hints = get_type_hints(Recipe)
    if name not in hints:
        near = difflib.get_close_matches(name, hints, n=3)
        advice = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(hints)}"
        raise RecipeError(f"the recipe has no field {name!r}; {advice}")
    kinds = [kind for kind in get_args(hints[name]) if kind is not type(None)]
    return kinds[0] if kinds else hints[name]


def check_kind(name: str, value: object) -> Any:
    """Return `value` as the type of field `name`; a whole number passes for a float."""
    kind = _kind(name)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise RecipeError(f"{name} is {value!r}, but must be of type {kind.__name__}")
    return value


def parse_setting(text: str) -> tuple[str, Any]:
    """Return name and value of one `field=value` of the command line.

    >>> parse_setting("learning_rate=0.2")
    ('learning_rate', 0.2)

    Raises:
        RecipeError: No `=`, no such field, or a value of another type.
    """
    name, equals, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not equals:
        raise RecipeError(f"setting {text!r} has no '='; write field=value, such as epochs=20")
    kind = _kind(name)
    if kind is bool:
        words = {"true": True, "yes": True, "on": True, "1": True}
        words |= {"false": False, "no": False, "off": False, "0": False}
        if value.lower() not in words:
            raise RecipeError(f"{name} is {value!r}, but must be true or false")
        return name, words[value.lower()]
    try:
        return name, kind(value)
    except ValueError:
        word = {int: "a whole number", float: "a number"}[kind]
        raise RecipeError(f"{name} is {value!r}, but must be {word}") from None
