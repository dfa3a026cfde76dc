"""What a tensor's cells see of the inputs, as data: forms, fields, and how forms become one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, NamedTuple

from striate.anatomy.spans import ALL_ALIKE, Run, Window, hull, shifted, together

__all__ = ["NOTHING", "Axis", "Field", "Form", "changed", "put", "reduced", "window_sum"]

_MOST_FORMS = 4  # more are kept as one, with the remark that it is an upper bound


class Axis(NamedTuple):
    """One axis of one input: which input, which axis of it, and how long it is."""

    input: int
    axis: int
    length: int


Runs = tuple[tuple[Run, ...], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """What a cell sees of one input axis: the sum of its runs, an atom each, and of `base`.

    `exact` is False where more may be covered than is seen.
    """

    runs: Runs
    base: tuple[int, int] = (0, 0)
    exact: bool = True

    @property
    def moving(self) -> list[tuple[int, int]]:
        """Places of the runs that differ from cell to cell."""
        return [
            (axis, at)
            for axis, own in enumerate(self.runs)
            for at, run in enumerate(own)
            if not run.is_constant
        ]

    def covers(self, axis: Axis) -> bool:
        """Whether every cell sees the whole axis."""
        return not self.moving and self.base[0] <= 0 and self.base[1] >= axis.length - 1


@dataclass(frozen=True, slots=True)
class Field:
    """Forms for one tensor; `atoms` are the lengths that each axis is made of, outermost first."""

    atoms: tuple[tuple[int, ...], ...] = ()
    forms: dict[Axis, tuple[Form, ...]] = field(default_factory=dict)


NOTHING = Field()
"""Of a tensor that depends on no input."""


def reduced(seen: Field, axes: Iterable[int], *, keep: bool = True) -> Field:
    """Return the field where each cell sees all that the cells along `axes` see.

    Args:
        seen: The field.
        axes: Axes summed over, or normalised over.
        keep: Whether the axes remain, with their length; False leaves them out.
    """
    if not seen.forms:
        return NOTHING
    gone = set(axes)

    def change(form: Form) -> Form:
        first, last = form.base
        for axis in gone:
            for run, atom in zip(form.runs[axis], seen.atoms[axis], strict=True):
                window = run.over(0, atom - 1) or (0, 0)
                first, last = first + window[0], last + window[1]
        runs = tuple(
            (ALL_ALIKE,) * len(own) if axis in gone else own
            for axis, own in enumerate(form.runs)
            if keep or axis not in gone
        )
        return Form(runs, (first, last), form.exact)

    atoms = tuple(own for axis, own in enumerate(seen.atoms) if keep or axis not in gone)
    return changed(replace(seen, atoms=atoms), change)


def changed(seen: Field, change: Callable[[Form], Form]) -> Field:
    """Return the field with each form changed, and those that keep step made one."""
    forms = {
        axis: _union([_settled(change(form)) for form in own], axis, seen.atoms)
        for axis, own in seen.forms.items()
    }
    return Field(seen.atoms, forms)


def _settled(form: Form) -> Form:
    """Return the form with constant runs moved to its base, or the base to its only other run."""
    base = form.base
    runs = [list(own) for own in form.runs]
    for own in runs:
        for at, run in enumerate(own):
            if run.is_constant and run is not ALL_ALIKE:
                base, own[at] = window_sum(base, run.windows[0]), ALL_ALIKE
    form = Form(tuple(tuple(own) for own in runs), base, form.exact)
    if base == (0, 0) or len(form.moving) != 1:
        return form
    ((axis, at),) = form.moving
    runs[axis][at] = shifted(runs[axis][at], base)
    return Form(tuple(tuple(own) for own in runs), (0, 0), form.exact)


def _union(forms: list[Form], axis: Axis, atoms: tuple[tuple[int, ...], ...]) -> tuple[Form, ...]:
    if len(forms) == 1:
        return (forms[0],)
    for form in forms:
        if form.exact and form.covers(axis):
            return (form,)  # who sees all cannot see more
    kept: list[Form] = []
    for form in forms:
        for i, other in enumerate(kept):
            if (one := _one(form, other)) is not None:
                kept[i] = one
                break
        else:
            kept.append(form)
    if len(kept) <= _MOST_FORMS:
        return tuple(kept)
    whole = reduced(Field(atoms, {axis: tuple(kept)}), range(len(atoms))).forms[axis]
    base = reduce(_widest, (form.base for form in whole))
    return (Form(whole[0].runs, base, exact=False),)


def _one(form: Form, other: Form) -> Form | None:
    """Return the form of both, if they differ in one run or in the base alone."""
    exact = form.exact and other.exact
    if form.runs == other.runs:
        return Form(form.runs, _widest(form.base, other.base), exact)
    if form.base != other.base or form.moving != other.moving or len(form.moving) != 1:
        return None
    ((axis, at),) = form.moving
    one = together((form.runs[axis][at], other.runs[axis][at]))
    if one is None:
        return None
    own = form.runs[axis]
    return Form(put(form.runs, axis, (*own[:at], one, *own[at + 1 :])), form.base, exact)


def _widest(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return hull([one, other]) or one


def window_sum(base: tuple[int, int], *windows: Window) -> tuple[int, int]:
    """Return the window of all sums of a cell from each; one that holds no cell adds nothing."""
    for window in windows:
        if window is not None:
            base = (base[0] + window[0], base[1] + window[1])
    return base


def put(values: tuple[Any, ...], at: int, value: object) -> tuple[Any, ...]:
    """Return the values with the one at `at` replaced."""
    return (*values[:at], value, *values[at + 1 :])
