"""The recipe: its ranges, its choices for the data, and TOML."""

import math
import tomllib
from typing import Any

import pytest
import tomli_w
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import RecipeError, StriateError
from striate.data import Augmentation, ImageSet, Preprocessing, Split
from striate.train import Recipe, setting_names
from striate.train.optimizers import build_optimizer
from striate.train.recipe import AUGMENTATIONS

# A number just below, and one just above what a field may be; None where there is no such.
OUTSIDE: dict[str, tuple[float | None, float | None]] = {
    "epochs": (0, 100_001),
    "minutes": (0.0009, 100_001.0),
    "batch_size": (0, 65_537),
    "learning_rate": (0.9e-8, 100.1),
    "momentum": (-0.01, 1.0),
    "least_momentum": (-0.01, 1.0),
    "weight_decay": (-1e-9, 10.1),
    "warm_up": (-0.01, 1.01),
    "label_smoothing": (-0.01, 1.0),
    "mixup": (-0.01, 10.1),
    "ema": (-0.01, 1.0),
    "early_stopping": (-1, 100_001),
    "clip_gradient": (-0.01, 1.1e9),
    "statistics": (-1, 1001),
    "seed": (-1, 2**63),
}
EDGES: list[dict[str, Any]] = [
    {"epochs": 1},
    {"minutes": 0.001},
    {"batch_size": 65_536},
    {"learning_rate": 1e-8},
    {"learning_rate": 100.0},
    {"momentum": 0.0, "least_momentum": 0.0},
    {"weight_decay": 0.0},
    {"warm_up": 0.0},
    {"warm_up": 1.0},
    {"ema": 0.9999},
    {"seed": 2**63 - 1},
    {"statistics": 0},
]


def images_of(count: int, *, size: int = 8, channels: int = 1, flip: bool = True) -> ImageSet:
    """Return a set of `count` black images."""
    black = torch.zeros(count, channels, 1, 1, dtype=torch.uint8).expand(-1, -1, size, size)
    part = Split(images=black, labels=torch.zeros(count, dtype=torch.int64), names=("",) * count)
    return ImageSet(
        name="black",
        source="black",
        options={},
        classes=("a", "b"),
        splits={"train": part},
        preprocessing=Preprocessing(
            channels=channels, height=size, width=size,
            mean=(0.5,) * channels, deviation=(0.5,) * channels,
        ),
        manifest={},
        fingerprint="0",
        flip=flip,
    )  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_number_out_of_range_is_refused(name: str):
    numbers = [*OUTSIDE[name]]
    if isinstance(OUTSIDE[name][0], float):
        numbers += [math.nan, math.inf]
    for value in numbers:
        outside: dict[str, Any] = {name: value}
        with pytest.raises(RecipeError, match=rf"^{name} is {value}, but must lie in \S+ to \S+$"):
            Recipe(**outside)


@pytest.mark.parametrize("fields", EDGES, ids=str)
def test_the_ends_of_a_range_belong_to_it(fields: dict[str, Any]):
    recipe = Recipe(**fields)
    assert {name: getattr(recipe, name) for name in fields} == fields


def test_every_number_has_its_range_here():
    words = {"optimizer", "schedule", "precision", "class_weights", *AUGMENTATIONS}
    assert set(setting_names()) == set(OUTSIDE) | words


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("optimizer", "sgd, adamw, rmsprop"),
        ("schedule", "one-cycle, cosine, constant"),
        ("precision", "auto, float32, bfloat16"),
        ("class_weights", "none, balanced"),
    ],
)
def test_a_word_that_is_none_of_the_words(name: str, allowed: str):
    for word in allowed.split(", "):
        assert getattr(Recipe(**{name: word}), name) == word  # pyright: ignore[reportArgumentType]
    with pytest.raises(RecipeError, match=rf"^{name} is 'new', but must be one of {allowed}$"):
        Recipe(**{name: "new"})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"shift": -1}, "shift"),
        ({"rotate": -1.0}, "rotate"),
        ({"scale": 1.5}, "scale"),
        ({"shear": -1.0}, "shear"),
        ({"erase": 1.5}, "erase"),
        ({"brightness": -0.5}, "brightness"),
        ({"contrast": -0.5}, "contrast"),
        ({"saturation": -0.5}, "saturation"),
        ({"fill": "mirror"}, "fill"),
    ],
)
def test_augmentation_out_of_range_is_refused(fields: dict[str, Any], said: str):
    with pytest.raises(StriateError, match=said):
        Recipe(**fields)


def test_epochs_and_minutes_together():
    with pytest.raises(RecipeError, match="epochs and minutes are both given; give one of them"):
        Recipe(epochs=1, minutes=1.0)


def test_momentum_cannot_fall_to_more_than_it_was():
    with pytest.raises(
        RecipeError, match=r"least_momentum is 0\.85, but must not be over momentum \(0\.5\)"
    ):
        Recipe(momentum=0.5)
    assert Recipe(momentum=0.5, schedule="cosine").momentum == 0.5  # which does not use it


@pytest.mark.parametrize(
    ("fields", "name", "kind"),
    [
        ({"epochs": 2.5}, "epochs", "int"),
        ({"epochs": True}, "epochs", "int"),
        ({"batch_size": "64"}, "batch_size", "int"),
        ({"learning_rate": "0.1"}, "learning_rate", "float"),
        ({"flip": 1}, "flip", "bool"),
        ({"optimizer": 3}, "optimizer", "str"),
    ],
)
def test_a_value_of_another_type_is_refused(fields: dict[str, Any], name: str, kind: str):
    said = rf"^{name} is .*, but must be of type {kind}$"
    with pytest.raises(RecipeError, match=said):
        Recipe.from_toml(fields)


def test_a_whole_number_passes_for_a_float():
    rate = Recipe.from_toml({"learning_rate": 1}).learning_rate
    assert (rate, type(rate)) == (1.0, float)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"learning_rte": 0.1}, "no field 'learning_rte'; did you mean learning_rate"),
        ({"zzz": 1}, "no field 'zzz'; there are epochs, minutes, batch_size"),
    ],
)
def test_an_unknown_field_is_answered_with_the_nearest(fields: dict[str, Any], said: str):
    with pytest.raises(RecipeError, match=said):
        Recipe.from_toml(fields)


SOME = st.fixed_dictionaries(
    {},
    optional={
        "epochs": st.integers(1, 100),
        "learning_rate": st.floats(1e-8, 100),
        "optimizer": st.sampled_from(["sgd", "adamw", "rmsprop"]),
        "weight_decay": st.floats(0, 10),
        "seed": st.integers(0, 2**63 - 1),
        "flip": st.booleans(),
        "shift": st.integers(0, 2),
        "early_stopping": st.integers(0, 9),
    },
)


@given(SOME)
def test_toml_and_back(fields: dict[str, Any]):
    recipe = Recipe(**fields)
    text = tomli_w.dumps(recipe.to_toml())
    assert Recipe.from_toml(tomllib.loads(text)) == recipe


def test_toml_has_no_null():
    assert None not in Recipe().to_toml().values()
    assert "epochs" not in Recipe().to_toml()


@pytest.mark.parametrize(
    ("count", "epochs", "batch"),
    [
        (9, 40, 8),  # an eighth would be 1: 8 at least
        (5, 40, 5),  # but never more than there are
        (800, 40, 100),
        (3_000, 40, 128),  # 120,000 / 3,000
        (9_000, 13, 128),  # 13.3
        (54_000, 10, 128),  # 2.2, 10 at least
    ],
)
def test_epochs_and_batch_by_hand(count: int, epochs: int, batch: int):
    resolved = Recipe().resolved(images_of(count, size=1))
    assert (resolved.epochs, resolved.batch_size) == (epochs, batch)


@pytest.mark.parametrize(
    ("optimizer", "norms", "count", "rate"),
    [
        ("sgd", True, 2000, 0.2),
        ("sgd", False, 2000, 0.02),
        ("sgd", True, 256, 0.05),  # a batch of 256 / 8 = 32, a quarter of 128
        ("sgd", False, 256, 0.005),
        ("adamw", True, 2000, 0.01),
        ("adamw", False, 2000, 0.004),
        ("adamw", True, 256, 0.005),  # the root of a quarter
        ("rmsprop", False, 256, 0.0005),
    ],
)
def test_each_optimiser_has_its_rate(optimizer: str, norms: bool, count: int, rate: float):
    images = images_of(count, size=1)
    assert Recipe(optimizer=optimizer).resolved(images, norms=norms).learning_rate == rate
    given = Recipe(optimizer=optimizer, learning_rate=0.7).resolved(images, norms=norms)
    assert given.learning_rate == 0.7


@pytest.mark.parametrize(
    ("optimizer", "decay"), [("sgd", 5e-4), ("adamw", 0.05), ("rmsprop", 5e-4)]
)
def test_each_optimiser_has_its_decay(optimizer: str, decay: float):
    images = images_of(256, size=1)
    open_, given = Recipe(optimizer=optimizer), Recipe(optimizer=optimizer, weight_decay=0.0)
    assert open_.weight_decay is None
    assert open_.resolved(images).weight_decay == decay
    assert given.resolved(images).weight_decay == 0.0  # which is no open choice
    groups = build_optimizer(torch.nn.Linear(2, 2), open_.resolved(images)).param_groups
    assert [group["weight_decay"] for group in groups] == [decay, 0.0]


def test_a_larger_batch_keeps_the_rate_and_is_at_most_all_images():
    resolved = Recipe(batch_size=512).resolved(images_of(300, size=1))
    assert (resolved.batch_size, resolved.learning_rate) == (300, 0.01)


def test_what_is_given_is_kept_and_what_is_open_is_chosen():
    default = Augmentation.default(True, 8)
    resolved = Recipe(minutes=2.0, shift=0, flip=False).resolved(images_of(10, channels=3))
    assert (resolved.minutes, resolved.epochs) == (2.0, None)
    assert (resolved.shift, resolved.flip) == (0, False)
    for name in set(AUGMENTATIONS) - {"shift", "flip"}:
        assert getattr(resolved, name) == getattr(default, name), name


def test_digits_are_not_mirrored():
    assert Recipe().resolved(images_of(10, size=28)).flip is True
    assert Recipe().resolved(images_of(10, size=28, flip=False)).flip is False


def test_grey_images_have_no_saturation():
    assert Recipe().resolved(images_of(10)).saturation is None
    assert Recipe().resolved(images_of(10, channels=3)).saturation is not None


@pytest.mark.parametrize("channels", [1, 3])
def test_resolving_twice_changes_nothing(channels: int):
    images = images_of(700, channels=channels)
    resolved = Recipe().resolved(images)
    assert resolved.resolved(images) == resolved
    assert Recipe.from_toml(resolved.to_toml()) == resolved


def test_the_augmentation_is_made_of_the_fields():
    assert Recipe().augmentation == Augmentation()
    made = Recipe(flip=True, shift=2, fill="constant").augmentation
    assert (made.flip, made.shift, made.fill) == (True, 2, "constant")
