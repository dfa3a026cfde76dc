"""Which cells of the inputs each cell of a tensor sees, through any graph: the algebra.

A `Form` adds up one run an axis; a `Field` holds the forms of one tensor for each axis of each
input. It keeps every axis of the tensor as the *atoms* it was put together from: `flatten` and
`view` only regroup atoms, so nothing is lost when a later view takes the axis apart again.
All functions are pure; none knows torch.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from striate.anatomy.forms import (
    NOTHING,
    Axis,
    Field,
    Form,
    changed,
    put,
    reduced,
    window_sum,
)
from striate.anatomy.spans import ALL_ALIKE, Run, chained, merged, shifted, split

__all__ = ["arranged", "blurred", "joined", "pieced", "read", "single", "viewed"]


def read(seen: Field, axis: int, length: int, reads: Run, *, exact: bool = True) -> Field:
    """Return the field after an operation whose cells along `axis` read what `reads` says.

    A convolution reads `Run(stride, ((-padding, span - 1 - padding),))`.

    Args:
        seen: Field of what is read.
        axis: Axis along which it is read.
        length: Length of that axis afterwards.
        reads: The cells read by each cell.
        exact: False if it is an upper bound.
    """
    if not seen.forms:
        return NOTHING
    seen = single(seen, axis)

    def change(form: Form) -> Form:
        (run,) = form.runs[axis] or (ALL_ALIKE,)
        now = chained(run, reads)
        return replace(
            form, runs=put(form.runs, axis, (now,)), exact=form.exact and (exact or now == run)
        )

    return changed(replace(seen, atoms=put(seen.atoms, axis, (length,))), change)


def arranged(seen: Field, places: Sequence[int | None]) -> Field:
    """Return the field with its axes in another order; None stands for a new axis of length 1."""
    if not seen.forms:
        return NOTHING

    def change(form: Form) -> Form:
        return replace(form, runs=tuple(() if p is None else form.runs[p] for p in places))

    atoms = tuple(() if place is None else seen.atoms[place] for place in places)
    return changed(replace(seen, atoms=atoms), change)


def viewed(seen: Field, shape: Sequence[int]) -> Field:
    """Return the field after a view: the same cells in the same order, in axes of other lengths."""
    if not seen.forms or 0 in shape:
        return NOTHING
    line = changed(
        replace(seen, atoms=(tuple(atom for own in seen.atoms for atom in own),)),
        lambda form: replace(form, runs=(tuple(run for own in form.runs for run in own),)),
    )
    axes: list[range] = []
    at = 0
    for length in shape:
        start = at
        line, at = _taken(line, at, length)
        axes.append(range(start, at))
    atoms = tuple(tuple(line.atoms[0][i] for i in own) for own in axes)
    return changed(
        Field(atoms, line.forms),
        lambda form: replace(form, runs=tuple(tuple(form.runs[0][i] for i in own) for own in axes)),
    )


def _taken(line: Field, at: int, length: int) -> tuple[Field, int]:
    """Return the one-axis field with atoms from `at` on that fill `length`, and where they end."""
    own = line.atoms[0]
    if length == 1:
        return line, at + (at < len(own) and own[at] == 1)
    while length > 1:
        atom = line.atoms[0][at]
        if length % atom == 0:
            length //= atom
            at += 1
        elif atom % length == 0:
            line, length, at = _divided(line, at, length), 1, at + 1
        else:  # it ends inside an atom: that and the next are made one
            line = _fused(line, 0, at)
    return line, at


def joined(fields: Sequence[Field], shape: Sequence[int]) -> Field:
    """Return what a cell sees that depends on cells of several tensors, broadcast to `shape`."""
    fields = [f for f in fields if f.forms]
    if not fields:
        return NOTHING
    axes = len(shape)
    fields = [
        arranged(f, [*[None] * (axes - len(f.atoms)), *range(len(f.atoms))])
        if len(f.atoms) < axes
        else f
        for f in fields
    ]
    for axis, length in enumerate(shape):
        fields = _alike(fields, axis, length)
    if len(fields) == 1:
        return fields[0]
    forms: dict[Axis, tuple[Form, ...]] = {}
    for one in fields:
        for axis, own in one.forms.items():
            forms[axis] = forms.get(axis, ()) + own
    return changed(Field(fields[0].atoms, forms), lambda form: form)


def pieced(fields: Sequence[Field], axis: int, shape: Sequence[int]) -> Field:
    """Return the field of pieces laid behind one another along `axis`, each with its own place.

    Where the pieces do not go on in step, what any of them sees is an upper bound.
    """
    whole = joined(fields, shape)
    real = [f for f in fields if f.forms]
    if len(real) < 2 or all(joined([f], shape).forms == whole.forms for f in real):
        return whole
    return changed(
        whole,
        lambda form: replace(form, exact=form.exact and all(at != axis for at, _ in form.moving)),
    )


def blurred(fields: Sequence[Field], shape: Sequence[int]) -> Field:
    """Return a field of `shape` where every cell may see all that any cell of `fields` sees."""
    runs = tuple((ALL_ALIKE,) for _ in shape)
    forms: dict[Axis, tuple[Form, ...]] = {}
    for one in fields:
        for axis, own in reduced(one, range(len(one.atoms))).forms.items():
            more = tuple(Form(runs, form.base, exact=False) for form in own)
            forms[axis] = forms.get(axis, ()) + more
    return changed(Field(tuple((length,) for length in shape), forms), lambda form: form)


def _alike(fields: list[Field], axis: int, length: int) -> list[Field]:
    """Return the fields with the same atoms along one axis; an axis of length 1 is spread out."""
    full = {f.atoms[axis] for f in fields if prod(f.atoms[axis]) == length}
    atoms = full.pop() if len(full) == 1 else (length,)
    made: list[Field] = []
    for one in fields:
        own = one.atoms[axis]
        if own == atoms:
            made.append(one)
        elif prod(own) == length and own:
            made.append(single(one, axis))
        else:
            spread = reduced(one, [axis])  # one cell, for all to see
            alike = (ALL_ALIKE,) * len(atoms)
            made.append(
                Field(
                    put(one.atoms, axis, atoms),
                    {
                        key: tuple(replace(f, runs=put(f.runs, axis, alike)) for f in forms)
                        for key, forms in spread.forms.items()
                    },
                )
            )
    return made


def single(seen: Field, axis: int) -> Field:
    """Return the field with one atom, or none, along `axis`."""
    while len(seen.atoms[axis]) > 1:
        seen = _fused(seen, axis, 0)
    return seen


def _fused(seen: Field, axis: int, at: int) -> Field:
    """Return the field with the atoms `at` and `at + 1` of an axis made one."""
    own = seen.atoms[axis]
    outer, inner = own[at], own[at + 1]

    def change(form: Form) -> Form:
        runs = form.runs[axis]
        if outer == 1 or inner == 1:  # one cell, where an axis of length 1 was kept
            long, short = (runs[at], runs[at + 1]) if inner == 1 else (runs[at + 1], runs[at])
            one = shifted(long, short.at(0))
        else:
            one = merged(runs[at], runs[at + 1], inner)
        base, exact = form.base, form.exact
        if one is None:
            spans = (runs[at].over(0, outer - 1), runs[at + 1].over(0, inner - 1))
            base, exact = window_sum(base, *spans), False
            one = ALL_ALIKE
        return Form(put(form.runs, axis, (*runs[:at], one, *runs[at + 2 :])), base, exact)

    atoms = put(seen.atoms, axis, (*own[:at], outer * inner, *own[at + 2 :]))
    return changed(replace(seen, atoms=atoms), change)


def _divided(line: Field, at: int, outer: int) -> Field:
    """Return the one-axis field with the atom `at` made two, the first of length `outer`."""
    own = line.atoms[0]
    inner = own[at] // outer

    def change(form: Form) -> Form:
        runs = form.runs[0]
        two, base, exact = split(runs[at], inner), form.base, form.exact
        if two is None:
            base, exact = window_sum(base, runs[at].over(0, own[at] - 1)), False
            two = (ALL_ALIKE, ALL_ALIKE)
        return Form(((*runs[:at], *two, *runs[at + 1 :]),), base, exact)

    return changed(replace(line, atoms=((*own[:at], outer, inner, *own[at + 1 :]),)), change)
