"""Probabilities of scores, with one column a class or one alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.metrics import probabilities

scores = st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=5)


def test_by_hand() -> None:
    three = probabilities(torch.tensor([[0.0, 2.0, 1.0]]).log(), 3)
    torch.testing.assert_close(three, torch.tensor([[0.0, 2 / 3, 1 / 3]]))
    one = probabilities(torch.tensor([[3.0]]).log(), 2)  # odds of 3 to 1 for class 1
    torch.testing.assert_close(one, torch.tensor([[0.25, 0.75]]))


@given(values=scores)
def test_one_column_is_the_sigmoid(values: list[float]) -> None:
    z = torch.tensor(values)[:, None].double()
    expected = torch.cat([torch.sigmoid(-z), torch.sigmoid(z)], dim=1)
    torch.testing.assert_close(probabilities(z, 2), expected)


@given(values=scores, shift=st.floats(-20, 20, width=32))
def test_rows_sum_to_one_and_shifts_do_not_matter(values: list[float], shift: float) -> None:
    row = torch.tensor([[*values, 0.0]]).double()
    found = probabilities(row, row.shape[1])
    assert float(found.sum()) == pytest.approx(1)
    torch.testing.assert_close(probabilities(row + shift, row.shape[1]), found)


@pytest.mark.parametrize(("width", "classes"), [(3, 4), (1, 3), (1, 1), (2, 3)])
def test_columns_that_fit_no_classes(width: int, classes: int) -> None:
    with pytest.raises(ShapeError, match=f"scores have {width} columns, but there are {classes}"):
        probabilities(torch.zeros(5, width), classes)
