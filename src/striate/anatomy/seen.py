"""A receptive field in four numbers: size, stride, offset, whole."""

from dataclasses import dataclass
from fractions import Fraction

from striate.anatomy.fields import single
from striate.anatomy.forms import Axis, Field, Form, reduced
from striate.anatomy.spans import Run

__all__ = ["SeenAxis", "summed"]


@dataclass(frozen=True, kw_only=True)
class SeenAxis:
    """What one cell of an output sees of one axis of an input.

    Attributes:
        input: Which input, from 0.
        axis: Which axis of it; the images' height is axis 2.
        size: Cells from the first to the last that is seen, at most, the image's border not heeded.
        stride: Cells from one output cell's field to its neighbour's; below 1 behind an upsampling,
            0 where all cells see the same.
        offset: The first cell that output cell 0 sees; -3 lies three cells before the image.
        whole: Whether every output cell sees the whole axis.
        exact: False if `size` is an upper bound: an operation on the way is not known.
    """

    input: int
    axis: int
    size: int
    stride: Fraction
    offset: int
    whole: bool = False
    exact: bool = True


def summed(found: Field) -> tuple[SeenAxis, ...]:
    """Return what a cell sees, an entry an input axis that it sees of.

    Where an output axis is a flattened map (both input axes run along it), what is said is of the
    map. Where an input axis runs along several output axes, as behind a space-to-depth, it is of
    the one with the longest stride, all cells along the others taken together.
    """
    along = [
        axis for forms in found.forms.values() for axis in {a for f in forms for a, _ in f.moving}
    ]
    flat = {axis for axis in along if along.count(axis) > 1}
    for axis in range(len(found.atoms)):
        if axis not in flat:
            found = single(found, axis)
    return tuple(_one(found, key) for key in sorted(found.forms))


def _one(found: Field, axis: Axis) -> SeenAxis:
    alone = Field(found.atoms, {axis: found.forms[axis]})
    moving = {place for form in alone.forms[axis] for place in form.moving}
    if len({a for a, _ in moving}) > 1:
        strides = {
            a: max(_stride(f, p) for f in alone.forms[axis] for p in moving if p[0] == a)
            for a, _ in moving
        }
        longest = max(strides, key=lambda a: strides[a])
        alone = reduced(alone, [a for a in strides if a != longest])
    forms = alone.forms[axis]
    exact = all(form.exact for form in forms)
    if len(forms) == 1 and len(forms[0].moving) == 1:
        ((a, i),) = forms[0].moving
        return _along(forms[0].runs[a][i], axis, exact=exact)
    flat = reduced(alone, range(len(alone.atoms))).forms[axis]
    low, high = min(f.base[0] for f in flat), max(f.base[1] for f in flat)
    whole = low <= 0 and high >= axis.length - 1
    return SeenAxis(
        input=axis.input, axis=axis.axis, size=axis.length if whole else high - low + 1,
        stride=Fraction(0), offset=0 if whole else low, whole=whole,
        exact=exact and len(forms) == 1,
    )  # fmt: skip


def _stride(form: Form, place: tuple[int, int]) -> Fraction:
    run = form.runs[place[0]][place[1]]
    return abs(Fraction(run.stride, len(run.windows)))


def _along(run: Run, axis: Axis, *, exact: bool) -> SeenAxis:
    return SeenAxis(
        input=axis.input, axis=axis.axis, size=_size(run),
        stride=abs(Fraction(run.stride, len(run.windows))), offset=_first_cell(run), exact=exact,
    )  # fmt: skip


def _size(run: Run) -> int:
    return max((w[1] - w[0] + 1 for w in run.windows if w is not None), default=0)


def _first_cell(run: Run) -> int:
    return next((w[0] for w in run.windows if w is not None), 0)
