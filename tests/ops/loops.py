"""Convolutions and poolings written out as NumPy loops: the oracle for every setting at once."""

from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

MODES: dict[str, Any] = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def pairs_of(padding, sizes, taps, strides, steps):
    """Padding from its definitions, told anew."""
    pairs = []
    for axis, (n, k, s, d) in enumerate(zip(sizes, taps, strides, steps, strict=True)):
        span = d * (k - 1) + 1
        if padding == "valid":
            pairs.append((0, 0))
        elif padding == "full":
            pairs.append((span - 1, span - 1))
        elif padding == "same":
            places = int(np.ceil(n / s))
            total = max((places - 1) * s + span - n, 0)
            pairs.append((total // 2, (total + 1) // 2))
        else:
            entry = padding if isinstance(padding, int) else padding[axis]
            pairs.append((entry, entry) if isinstance(entry, int) else tuple(entry))
    return pairs


def places(x, taps, strides, steps):
    """Yield each place of the kernel with the pixels under its taps: (..., *taps)."""
    counts = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], taps, strides, steps, strict=True)
    ]
    for place in product(*map(range, counts)):
        corner = [p * s for p, s in zip(place, strides, strict=True)]
        rows = [c + d * np.arange(k) for c, k, d in zip(corner, taps, steps, strict=True)]
        yield counts, place, x[(slice(None), slice(None), *np.ix_(*rows))]


def convolve(images, weight, *, stride, padding, dilation, groups, padding_mode="zeros"):
    """Cross-correlation, one place, group and output channel after the other."""
    taps = weight.shape[2:]
    pairs = pairs_of(padding, images.shape[2:], taps, stride, dilation)
    x = np.pad(images, [(0, 0), (0, 0), *pairs], mode=MODES[padding_mode])
    per_group, read = weight.shape[0] // groups, weight.shape[1]
    out = None
    for counts, place, window in places(x, taps, stride, dilation):
        if out is None:
            out = np.zeros((len(images), len(weight), *counts))
        for o in range(len(weight)):
            first = o // per_group * read
            seen = window[:, first : first + read]
            out[(slice(None), o, *place)] = (seen * weight[o]).reshape(len(images), -1).sum(1)
    if out is None:
        raise ValueError("the kernel fits nowhere")
    return out


def pool(images, reduce, *, kernel_size, stride, padding, dilation):
    """Reduce the real cells of each place; `reduce` is np.nanmax, np.nanmean or np.nanmin."""
    pairs = pairs_of(padding, images.shape[2:], kernel_size, stride, dilation)
    x = np.pad(images, [(0, 0), (0, 0), *pairs], constant_values=np.nan)
    out = None
    for counts, place, window in places(x, kernel_size, stride, dilation):
        if out is None:
            out = np.zeros((*images.shape[:2], *counts))
        out[(slice(None), slice(None), *place)] = reduce(window.reshape(*images.shape[:2], -1), 2)
    if out is None:
        raise ValueError("the window fits nowhere")
    return out


def axis_numbers(axes, most):
    """One whole number an axis, from 1 to `most`."""
    return st.tuples(*[st.integers(1, most)] * axes)


def paddings(axes, most=2):
    """Words, a number, one number an axis, or a pair an axis."""
    number = st.integers(0, most)
    return st.one_of(
        st.sampled_from(["valid", "same", "full"]),
        number,
        st.tuples(*[number] * axes),
        st.tuples(*[st.tuples(number, number)] * axes),
    )
