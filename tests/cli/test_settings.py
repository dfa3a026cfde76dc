import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import RecipeError
from striate.cli.settings import loading, parse_settings


def test_fields_of_the_recipe_get_their_own_type() -> None:
    words = ["epochs=3", "learning_rate=1", "flip=no", "optimizer=adamw", " seed = 7 "]
    found = {"epochs": 3, "learning_rate": 1.0, "flip": False, "optimizer": "adamw", "seed": 7}
    assert parse_settings(words) == found
    found = parse_settings(["learning_rate=1"])
    assert type(found["learning_rate"]) is float


def test_options_of_the_network_are_guessed() -> None:
    found = parse_settings(["norm=group", "dropout=0.5", "width=3", "deep=True", "a=b=c", "e="])
    assert found == {
        "norm": "group", "dropout": 0.5, "width": 3, "deep": True, "a": "b=c", "e": "",
    }  # fmt: skip
    assert [type(value) for value in found.values()] == [str, float, int, bool, str, str]


def test_nothing_is_nothing() -> None:
    assert parse_settings(None) == parse_settings([]) == {}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["epochs"], r"'epochs' has no '='; write field=value, such as epochs=20"),
        (["norm"], r"'norm' has no '='"),
        ([""], r"'' has no '='"),
        (["epochs=3.5"], r"epochs is '3.5', but must be a whole number"),
        (["flip=maybe"], r"flip is 'maybe', but must be true or false"),
        (["epochs=1", "epochs=1"], r"epochs is set twice"),
        (["norm=a", "norm=a"], r"norm is set twice"),
        (["model=lenet5"], r"--set takes fields of the recipe, not model; .*--model"),
        (["per_class=3"], r"not per_class; it is an option of its own, --per-class"),
        (["data=mnist"], r"not data; it is the first argument"),
        (["in_channels=3"], r"not in_channels; it comes from the data"),
        (["stop=1"], r"not stop; it is for Python"),
    ],
)
def test_mistakes(settings: list[str], why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        parse_settings(settings)


def test_no_argument_of_a_job_can_be_set() -> None:
    """As settings they would be given twice, which Python answers with a TypeError."""
    import inspect

    from striate import jobs, zoo

    names = {*inspect.signature(jobs.fit).parameters, *inspect.signature(jobs.find_rate).parameters}
    names |= {"in_channels", "classes", "size", "name"} & {*inspect.signature(zoo.build).parameters}
    for name in names - {"settings"}:
        with pytest.raises(RecipeError, match=f"not {name};"):
            parse_settings([f"{name}=1"])


@given(text=st.text(max_size=20))
def test_whatever_is_written_is_a_value_or_a_mistake_of_ours(text: str) -> None:
    try:
        found = parse_settings([f"width={text}"])
    except RecipeError:
        return
    assert list(found) == ["width"]


def test_loading_gives_what_was_given() -> None:
    assert loading(None, None, None, None) == {}
    assert loading(64, " a, b c ,,d", 3, 7) == {
        "size": 64, "classes": ["a", "b c", "d"], "per_class": 3, "seed": 7,
    }  # fmt: skip
    assert loading(None, "", None, None) == {"classes": []}  # an empty list is a mistake, not "all"
