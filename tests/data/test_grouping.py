"""Splits that keep identical images together: by hand, against brute force, and as laws."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import DataError
from striate.data.grouping import cut, same_images, three_parts

SHARES = st.floats(0.01, 0.99)


@st.composite
def sets(draw: st.DrawFn) -> tuple[list[int], list[str]]:
    """Draw labels and hashes; a few images are the same, also across classes."""
    contents = draw(st.lists(st.integers(0, 25), min_size=1, max_size=40))
    labels = [
        draw(st.integers(0, 2)) if draw(st.integers(0, 9)) == 0 else content % 3
        for content in contents
    ]
    return labels, [f"hash of {content}" for content in contents]


def pure(labels: list[int], groups: list[int]) -> dict[int, set[int]]:
    """Return the groups of each class that are of no other class."""
    classes: dict[int, set[int]] = {}
    for label, group in zip(labels, groups, strict=True):
        classes.setdefault(group, set()).add(label)
    found: dict[int, set[int]] = {label: set() for label in labels}
    for group, of in classes.items():
        if len(of) == 1:
            found[next(iter(of))].add(group)
    return found


def test_groups_by_hand() -> None:
    assert same_images([]) == []
    assert same_images(["a", "b", "c"]) == [0, 1, 2]
    # 0 and 2 share bytes, 2 and 3 share pixels: all three are one
    assert same_images(["a", "b", "a", "d"], ["p", "q", "r", "r"]) == [0, 1, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=15))
def test_groups_are_what_is_connected(marks: list[tuple[int, int]]) -> None:
    count = len(marks)
    reach = [
        [any(x == y for x, y in zip(marks[a], marks[b], strict=True)) for b in range(count)]
        for a in range(count)
    ]
    for middle in range(count):  # Warshall: the transitive closure
        for a in range(count):
            for b in range(count):
                reach[a][b] = reach[a][b] or (reach[a][middle] and reach[middle][b])
    expected = [next(b for b in range(count) if reach[a][b]) for a in range(count)]
    assert same_images([str(a) for a, _ in marks], [str(b) for _, b in marks]) == expected


def test_shares_by_hand() -> None:
    # 20 and 10 different images: 15 % are 3 and 1.5, rounded 2; 10 % of 17 and 8 are 1.7 and .8
    labels = [0] * 20 + [1] * 10
    keys = [str(place) for place in range(30)]
    parts = three_parts(labels, list(range(30)), keys, seed=0)
    assert {split: len(places) for split, places in parts.items()} == {
        "train": 22,
        "validation": 3,
        "test": 5,
    }
    assert Counter(labels[place] for place in parts["test"]) == {0: 3, 1: 2}
    assert Counter(labels[place] for place in parts["validation"]) == {0: 2, 1: 1}


@pytest.mark.parametrize(
    ("groups", "sizes"),
    [
        pytest.param([0], (1, 0, 0), id="one"),
        pytest.param([0, 0, 0], (3, 0, 0), id="three-copies"),
        pytest.param([0, 1], (1, 0, 1), id="two"),
        pytest.param([0, 1, 2], (1, 1, 1), id="three"),
        # Nothing fits into 15 % of 11, so the smaller group goes, however large
        pytest.param([0] * 6 + [6] * 5, (6, 0, 5), id="two-large-groups"),
        # 15 % of 20 is 3: the single images, never the copies
        pytest.param([0] * 16 + [16, 17, 18, 19], (16, 1, 3), id="copies-stay"),
    ],
)
def test_small_classes(groups: list[int], sizes: tuple[int, int, int]) -> None:
    keys = [f"hash of {group}" for group in groups]
    parts = three_parts([0] * len(groups), groups, keys, seed=0)
    assert (len(parts["train"]), len(parts["validation"]), len(parts["test"])) == sizes


def test_images_of_two_classes_are_for_training() -> None:
    labels = [0] * 10 + [1] * 10
    groups = [0, *range(1, 10), 0, *range(11, 20)]
    keys = [f"hash of {group}" for group in groups]
    for seed in range(30):
        assert {0, 10} <= set(three_parts(labels, groups, keys, seed=seed)["train"])


def test_the_largest_part() -> None:
    labels = [0] * 600 + [1] * 400
    keys = [str(place) for place in range(1000)]
    taken = cut(labels, list(range(1000)), keys, 0.5, seed=0, use="validation", largest=100)
    assert Counter(labels[place] for place in taken) == {0: 60, 1: 40}


def test_validation_is_at_most_five_thousand() -> None:
    labels = [0, 1] * 40_000
    keys = [str(place) for place in range(80_000)]
    parts = three_parts(labels, list(range(80_000)), keys, seed=0)
    assert len(parts["test"]) == 12_000
    assert len(parts["validation"]) == 5_000


def test_given_parts_are_left_alone() -> None:
    labels = [0] * 20 + [1] * 20
    keys = [str(place) for place in range(40)]
    given_parts = {"test": [0, 5, 39]}
    parts = three_parts(labels, list(range(40)), keys, given=given_parts, seed=0)
    assert parts["test"] == [0, 5, 39]
    assert len(parts["validation"]) == 4  # 10 % of 18 and of 19
    both = given_parts | {"validation": [1]}
    parts = three_parts(labels, list(range(40)), keys, given=both, seed=0)
    assert (parts["validation"], len(parts["train"])) == ([1], 36)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_share_outside_of_0_to_1(fraction: float) -> None:
    with pytest.raises(DataError, match="must be above 0 and below 1"):
        cut([0, 0], [0, 1], ["a", "b"], fraction, seed=0, use="test")


@given(sets(), SHARES, SHARES, st.integers(0, 99))
def test_every_image_once_and_groups_whole(
    images: tuple[list[int], list[str]], test: float, validation: float, seed: int
) -> None:
    labels, keys = images
    groups = same_images(keys)
    parts = three_parts(labels, groups, keys, test=test, validation=validation, seed=seed)
    assert list(parts) == ["train", "validation", "test"]
    assert sorted(place for part in parts.values() for place in part) == [*range(len(labels))]
    assert all(places == sorted(places) for places in parts.values())
    side = {place: split for split, places in parts.items() for place in places}
    for group in groups:
        assert len({side[place] for place, other in enumerate(groups) if other == group}) == 1


@given(sets(), SHARES, SHARES, st.integers(0, 99))
def test_every_class_is_trained_and_tested_if_it_can_be(
    images: tuple[list[int], list[str]], test: float, validation: float, seed: int
) -> None:
    labels, keys = images
    groups = same_images(keys)
    parts = three_parts(labels, groups, keys, test=test, validation=validation, seed=seed)
    has = {split: {labels[place] for place in places} for split, places in parts.items()}
    assert has["train"] == set(labels)
    kept = {label: len(units) for label, units in pure(labels, groups).items()}
    assert has["test"] == {label for label, units in kept.items() if units >= 2}
    left = {groups[place] for place in parts["train"] + parts["validation"]}
    for label, units in pure(labels, groups).items():
        assert (label in has["validation"]) == (len(units & left) >= 2)


@given(sets(), st.integers(0, 99), st.randoms(use_true_random=False))
def test_order_of_the_files_does_not_matter(
    images: tuple[list[int], list[str]], seed: int, random: object
) -> None:
    labels, keys = images
    order = list(range(len(labels)))
    random.shuffle(order)  # pyright: ignore[reportAttributeAccessIssue]

    def sides(order: list[int]) -> dict[str, Counter[tuple[int, str]]]:
        shown = [labels[place] for place in order], [keys[place] for place in order]
        parts = three_parts(shown[0], same_images(shown[1]), shown[1], seed=seed)
        return {
            split: Counter((shown[0][place], shown[1][place]) for place in places)
            for split, places in parts.items()
        }

    assert sides(order) == sides(list(range(len(labels))))


def test_the_seed_decides() -> None:
    keys = [str(place) for place in range(100)]
    labels, groups = [0] * 100, list(range(100))
    drawn = [three_parts(labels, groups, keys, seed=seed)["test"] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_new_image_moves_hardly_any_other() -> None:
    keys = [f"hash of {place}" for place in range(101)]
    before = three_parts([0] * 100, list(range(100)), keys[:100], seed=0)
    after = three_parts([0] * 101, list(range(101)), keys, seed=0)
    for split in before:
        assert len(set(before[split]) - set(after[split])) <= 2
