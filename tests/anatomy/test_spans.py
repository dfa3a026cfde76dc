"""Intervals of input cells: by hand, and held against sets of cells."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from striate.anatomy.spans import EVERY, Run, Window, chained, hull, merged, split, together
from striate.anatomy.windows import adaptive, interpolated, shift, sliding, turned

# Made in the tests: what checks types in there draws numbers, which no strategy may.
RUNS = st.one_of(
    st.tuples(
        st.just(sliding), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 2)
    ),
    st.tuples(st.just(turned), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)),
    st.tuples(
        st.just(interpolated), st.integers(1, 6), st.integers(1, 6), st.sampled_from([0, 1, 2])
    ),
    st.tuples(st.just(shift), st.integers(-3, 3), st.integers(1, 2)),
)


def run_of(made: tuple[Any, ...]) -> Run:
    return made[0](*made[1:])


def test_two_convolutions_and_a_pooling_by_hand() -> None:
    # 3x3 padding 1, twice: 5 wide from -2 on; a pooling of 2 makes it 6 wide, 2 apart.
    twice = chained(sliding(3, 1, 1), sliding(3, 1, 1))
    assert twice == Run(1, ((-2, 2),))
    assert chained(twice, sliding(2, 2, 0)) == Run(2, ((-2, 3),))


def test_what_an_upsampling_and_a_stride_give_back() -> None:
    half = interpolated(4, 8, 0)
    assert half == Run(1, ((0, 0), (0, 0)))
    # Every other cell of the doubled image: the image again.
    assert chained(half, sliding(1, 2, 0)) == EVERY
    # A stride of 2 and then a doubling: each pair of cells sees the same.
    assert chained(sliding(3, 2, 1), half) == Run(2, ((-1, 1), (-1, 1)))


def test_a_transposed_convolution_by_hand() -> None:
    # 4 taps, stride 2, padding 1: output 0 is fed by inputs -1 and 0 (taps 3 and 1), output 1 by
    # inputs 0 and 1 (taps 2 and 0).
    assert turned(4, 2, 1) == Run(1, ((-1, 0), (0, 1)))
    assert turned(2, 3, 0) == Run(1, ((0, 0), (0, 0), None))


def test_adaptive_pooling_by_hand() -> None:
    # 7 to 3: cells 0-2, 2-4, 4-6, as PyTorch's floor and ceil give them.
    assert [adaptive(7, 3).at(cell) for cell in range(3)] == [(0, 2), (2, 4), (4, 6)]
    assert adaptive(5, 1) == Run(0, ((0, 4),))


@given(first=RUNS, then=RUNS, cell=st.integers(-9, 9))
def test_a_chain_sees_the_hull_of_what_its_cells_see(
    first: tuple[Any, ...], then: tuple[Any, ...], cell: int
) -> None:
    first_run, then_run = run_of(first), run_of(then)
    window = then_run.at(cell)
    cells = range(window[0], window[1] + 1) if window is not None else ()
    assert chained(first_run, then_run).at(cell) == hull([first_run.at(c) for c in cells])


@given(runs=st.tuples(RUNS, RUNS, RUNS))
def test_chains_may_be_put_in_brackets(runs: tuple[tuple[Any, ...], ...]) -> None:
    one, two, three = (run_of(made) for made in runs)
    if None in one.windows + two.windows + three.windows:
        return  # a hull over cells that see nothing may be wider on one way than on the other
    left = chained(chained(one, two), three)
    right = chained(one, chained(two, three))
    for cell in range(-8, 9):
        assert _inside(left.at(cell), right.at(cell))


def _inside(inner: Window, outer: Window) -> bool:
    """Gaps within a window count as seen, so that the second way may see more."""
    return inner is None or (outer is not None and outer[0] <= inner[0] and inner[1] <= outer[1])


@given(made=RUNS, inner=st.integers(1, 6))
def test_an_axis_split_in_two_and_put_together_again(made: tuple[Any, ...], inner: int) -> None:
    run = run_of(made)
    two = split(run, inner)
    if two is None:
        assert inner % len(run.windows)  # never where the periods fit
        return
    whole = merged(*two, inner)
    assert whole is not None
    assert [whole.at(p) for p in range(24)] == [run.at(p) for p in range(24)]


def test_together_is_the_hull_at_each_cell_or_nothing() -> None:
    assert together((sliding(3, 2, 1), sliding(1, 2, 0))) == Run(2, ((-1, 1),))
    assert together((sliding(3, 2, 1), sliding(1, 1, 0))) is None
