"""`field=value` of the command line."""

from typing import Any

import pytest
from hypothesis import given

from striate._errors import RecipeError
from striate.train import parse_setting
from tests.train.test_recipe import SOME


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("epochs=3", "epochs", 3),
        (" epochs = 3 ", "epochs", 3),
        ("learning_rate=1e-3", "learning_rate", 0.001),
        ("learning_rate=1", "learning_rate", 1.0),
        ("optimizer=adamw", "optimizer", "adamw"),
        ("flip=true", "flip", True),
        ("flip=Yes", "flip", True),
        ("flip=on", "flip", True),
        ("flip=1", "flip", True),
        ("flip=False", "flip", False),
        ("flip=no", "flip", False),
        ("flip=off", "flip", False),
        ("flip=0", "flip", False),
        ("shift=2", "shift", 2),
        ("fill=nearest", "fill", "nearest"),
    ],
)
def test_settings_by_hand(text: str, name: str, value: object):
    found = parse_setting(text)
    assert found == (name, value)
    assert type(found[1]) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs", r"setting 'epochs' has no '='; write field=value, such as epochs=20"),
        ("epochs=2.5", r"^epochs is '2\.5', but must be a whole number$"),
        ("epochs=", r"^epochs is '', but must be a whole number$"),
        ("learning_rate=fast", r"^learning_rate is 'fast', but must be a number$"),
        ("flip=maybe", r"^flip is 'maybe', but must be true or false$"),
        ("epoch=3", r"the recipe has no field 'epoch'; did you mean epochs"),
        ("weight-decay=0", r"no field 'weight-decay'; did you mean weight_decay"),
        ("=3", r"no field ''; there are epochs, minutes"),
    ],
)
def test_settings_that_are_none(text: str, said: str):
    with pytest.raises(RecipeError, match=said):
        parse_setting(text)


@given(SOME)
def test_every_field_can_be_written_as_a_setting(fields: dict[str, Any]):
    assert dict(parse_setting(f"{name}={value}") for name, value in fields.items()) == fields
