"""What moving and cutting does to receptive fields: views, slices, joins, paddings."""

from torch import Tensor

from striate.anatomy.fields import arranged, blurred, joined, pieced, read, viewed
from striate.anatomy.forms import NOTHING, Field, reduced
from striate.anatomy.rule_types import Arguments, Of, Rule, named
from striate.anatomy.spans import Run
from striate.anatomy.windows import shift

__all__ = ["VIEW_RULES"]


def _view(a: Arguments, of: Of, out: Tensor) -> Field:
    return viewed(of(a["self"]), out.shape)


def _permute(a: Arguments, of: Of, out: Tensor) -> Field:
    return arranged(of(a["self"]), [axis % out.ndim for axis in a["dims"]])


def _transpose(a: Arguments, of: Of, out: Tensor) -> Field:
    order = list(range(out.ndim))
    if out.ndim > 1:
        one, other = a.get("dim0", 0) % out.ndim, a.get("dim1", 1) % out.ndim
        order[one], order[other] = order[other], order[one]
    return arranged(of(a["self"]), order)


def _unsqueeze(a: Arguments, of: Of, out: Tensor) -> Field:
    places: list[int | None] = list(range(out.ndim - 1))
    places.insert(a["dim"] % out.ndim, None)
    return arranged(of(a["self"]), places)


def _expand(a: Arguments, of: Of, out: Tensor) -> Field:
    return joined([of(a["self"])], out.shape)


def _select(a: Arguments, of: Of, _out: Tensor) -> Field:
    before = a["self"]
    axis = a["dim"] % before.ndim
    seen = read(of(before), axis, 1, shift(a["index"] % before.shape[axis]))
    return reduced(seen, [axis], keep=False)


def _slice(a: Arguments, of: Of, out: Tensor) -> Field:
    before, axis = a["self"], a["dim"] % out.ndim
    length = before.shape[axis]
    start = min(max(s if (s := a["start"] or 0) >= 0 else s + length, 0), length)
    if start == 0 and a["step"] == 1 and out.shape[axis] == length:
        return of(before)
    return read(of(before), axis, out.shape[axis], shift(start, a["step"]))


def _cat(a: Arguments, of: Of, out: Tensor) -> Field:
    axis, at, parts = a["dim"] % out.ndim, 0, []
    for tensor in a["tensors"]:
        if tensor.ndim == out.ndim:
            parts.append(read(of(tensor), axis, out.shape[axis], shift(-at)))
            at += tensor.shape[axis]
    return pieced(parts, axis, out.shape)


def _stack(a: Arguments, of: Of, out: Tensor) -> Field:
    axis = a["dim"] % out.ndim
    shape = [*out.shape[:axis], 1, *out.shape[axis + 1 :]]
    places: list[int | None] = list(range(out.ndim - 1))
    places.insert(axis, None)
    parts = [arranged(f, places) if (f := of(t)).forms else NOTHING for t in a["tensors"]]
    return joined([joined(parts, shape)], out.shape)


def _pad(a: Arguments, of: Of, out: Tensor) -> Field:
    pads, seen = a.get("pad", a.get("padding")) or [], of(a["self"])
    for i in range(len(pads) // 2):
        axis = out.ndim - 1 - i
        if pads[2 * i] or pads[2 * i + 1]:
            seen = read(seen, axis, out.shape[axis], shift(-pads[2 * i]))
    return seen


def _flip(a: Arguments, of: Of, out: Tensor) -> Field:
    seen = of(a["self"])
    for axis in a["dims"]:
        last = out.shape[axis] - 1
        seen = read(seen, axis % out.ndim, last + 1, Run(-1, ((last, last),)))
    return seen


def _roll(a: Arguments, of: Of, out: Tensor) -> Field:
    """What comes round from the other end is in the hull: an upper bound."""
    seen = of(a["self"])
    if not a["dims"]:  # all axes as one
        return blurred([seen], out.shape)
    for axis, by in zip(a["dims"], a["shifts"], strict=True):
        length = out.shape[axis]
        if by % length:
            run = Run(0, ((0, length - 1),))
            seen = read(seen, axis % out.ndim, length, run, exact=False)
    return seen


def _repeat(a: Arguments, of: Of, out: Tensor) -> Field:
    before = a["self"]
    shape: list[int] = []
    for time, length in zip(
        a["repeats"], [1] * (out.ndim - before.ndim) + [*before.shape], strict=True
    ):
        shape += [time, length]
    places: list[int | None] = []
    new = out.ndim - before.ndim
    for axis in range(out.ndim):
        places += [None, None if axis < new else axis - new]
    return viewed(joined([arranged(of(before), places)], shape), out.shape)


def _unfold(a: Arguments, of: Of, out: Tensor) -> Field:
    """`Tensor.unfold`: windows along an axis, their cells in a new last axis."""
    axis = a["dimension"] % a["self"].ndim
    window = Run(a["step"], ((0, a["size"] - 1),))
    seen = read(of(a["self"]), axis, out.shape[axis], window)
    return joined([arranged(seen, [*range(out.ndim - 1), None])], out.shape)


def _shuffle(a: Arguments, of: Of, out: Tensor) -> Field:
    n, c, h, w = (1, 1, *out.shape)[-4:]
    r = a["upscale_factor"]
    seen = viewed(of(a["self"]), (n, c, r, r, h // r, w // r))
    return viewed(arranged(seen, [0, 1, 4, 2, 5, 3]), out.shape) if seen.forms else NOTHING


def _unshuffle(a: Arguments, of: Of, out: Tensor) -> Field:
    n, c, h, w = (1, 1, *out.shape)[-4:]
    r = a["downscale_factor"]
    seen = viewed(of(a["self"]), (n, c // (r * r), h, r, w, r))
    return viewed(arranged(seen, [0, 1, 3, 5, 2, 4]), out.shape) if seen.forms else NOTHING


def _restrided(a: Arguments, of: Of, out: Tensor) -> Field:
    """`as_strided` as PyTorch itself uses it: the same cells, only said to lie in another order."""
    same = tuple(a["self"].shape) == tuple(out.shape)
    return of(a["self"]) if same else blurred([of(a["self"])], out.shape)


def _glu(a: Arguments, of: Of, out: Tensor) -> Field:
    axis = a["dim"] % out.ndim
    half = out.shape[axis]
    parts = [read(of(a["self"]), axis, half, shift(start)) for start in (0, half)]
    return joined(parts, out.shape)


def _channels(a: Arguments, of: Of, _out: Tensor) -> Field:
    return reduced(of(a["self"]), [1])


VIEW_RULES: dict[str, Rule] = {
    **named(_view, "view _unsafe_view _reshape_alias squeeze reshape"),
    **named(_permute, "permute"),
    **named(_transpose, "transpose t"),
    **named(_unsqueeze, "unsqueeze"),
    **named(_expand, "expand"),
    **named(_select, "select"),
    **named(_slice, "slice"),
    **named(_cat, "cat"),
    **named(_stack, "stack"),
    **named(
        _pad,
        "constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d "
        "replication_pad1d replication_pad2d replication_pad3d",
    ),
    **named(_flip, "flip"),
    **named(_roll, "roll"),
    **named(_repeat, "repeat"),
    **named(_unfold, "unfold"),
    **named(_shuffle, "pixel_shuffle"),
    **named(_unshuffle, "pixel_unshuffle"),
    **named(_restrided, "as_strided"),
    **named(_glu, "glu"),
    **named(_channels, "channel_shuffle native_channel_shuffle"),
}
