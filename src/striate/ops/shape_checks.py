"""Why a convolution or a pooling cannot take its tensors, with the remedy where there is one."""

from collections.abc import Sequence
from math import gcd
from typing import Any

from torch import Tensor

from striate._errors import ShapeError
from striate.ops.borders import AXIS_NAMES
from striate.ops.padding import Padding, padding_pairs, per_axis

__all__ = [
    "check_channels",
    "check_dtypes",
    "check_fit",
    "check_groups",
    "check_is_tensor",
    "check_spatial",
    "check_tensor",
]


def check_tensor(tensor: Tensor, axes: int, name: str = "images") -> None:
    """Refuse a tensor that has not two axes and `axes` more, or holds no real numbers.

    Raises:
        ShapeError: No tensor, another rank, whole or complex numbers.
    """
    check_is_tensor(tensor, name)
    if tensor.ndim != axes + 2:
        layout = ", ".join(("n", "c") if name == "images" else ("o", "i"))
        hint = ""
        if name == "images" and tensor.ndim == axes + 1:
            hint = "; images[None] makes a batch of one, images[:, None] one channel each"
        raise ShapeError(
            f"{name}: shape {tuple(tensor.shape)}; it must be "
            f"({layout}, {', '.join(AXIS_NAMES[axes])}){hint}"
        )
    if tensor.is_complex():
        raise ShapeError(
            f"{name}: {_dtype(tensor)} numbers; take {name}.real and {name}.imag one by one"
        )
    if not tensor.is_floating_point():
        raise ShapeError(
            f"{name}: {_dtype(tensor)} numbers; they must be floating point: {name}.float()"
        )


def check_is_tensor(value: Any, name: str) -> None:
    """Refuse arrays, lists and all else that is no tensor.

    Raises:
        ShapeError: It is none; the text says how to make one.
    """
    if isinstance(value, Tensor):
        return
    make = "from_numpy" if type(value).__module__ == "numpy" else "tensor"
    raise ShapeError(
        f"{name}: {type(value).__module__}.{type(value).__qualname__}; it must be a torch.Tensor: "
        f"torch.{make}({name})".replace("builtins.", "")
    )


def check_dtypes(images: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Refuse images and a bias whose numbers are of another type than the weight's.

    Raises:
        ShapeError: They are.
    """
    for name, tensor in (("images", images), ("bias", bias)):
        if tensor is not None and tensor.dtype != weight.dtype:
            raise ShapeError(
                f"{name}: {_dtype(tensor)} numbers, but weight has {_dtype(weight)}; they must be "
                f"alike: {name}.to(weight.dtype)"
            )


def check_spatial(images: Tensor) -> int:
    """Return how many axes stand behind batch and channels: one to three.

    Raises:
        ShapeError: Another rank, whole or complex numbers.
    """
    if images.ndim not in (3, 4, 5):
        raise ShapeError(
            f"images: shape {tuple(images.shape)}; it must be (n, c) and one to three axes more"
        )
    check_tensor(images, images.ndim - 2)
    return images.ndim - 2


def check_groups(in_channels: int, out_channels: int, groups: int) -> None:
    """Refuse groups that do not divide the channels before or after.

    Raises:
        ShapeError: They do not; the text says which numbers do.
    """
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if groups < 1 or channels % groups:
            common = gcd(in_channels, out_channels)
            fitting = [str(g) for g in range(1, common + 1) if common % g == 0]
            raise ShapeError(
                f"groups is {groups}, which does not divide {name}, {channels}; "
                f"one of {', '.join(fitting)} divides in_channels and out_channels"
            )


def check_channels(images: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    """Refuse a kernel (o, i, ...) and a bias (o) that do not fit the channels and groups.

    Raises:
        ShapeError: They do not.
    """
    check_groups(images.shape[1], weight.shape[0], groups)
    expected = images.shape[1] // groups
    if weight.shape[1] != expected:
        raise ShapeError(
            f"weight has shape {tuple(weight.shape)} and reads {weight.shape[1]} channels a group; "
            f"images have {images.shape[1]} in groups={groups}, so it must read {expected}"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise ShapeError(
            f"bias has shape {tuple(bias.shape)}; it must be one number for each of the "
            f"{weight.shape[0]} output channels"
        )


def check_fit(
    sizes: Sequence[int],
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
) -> None:
    """Refuse a kernel that spans more than the padded axes, or numbers that make no sense.

    Raises:
        ShapeError: It does; the text says the least padding that fits all axes.
    """
    axes = len(sizes)
    taps = per_axis(kernel_size, axes, "kernel_size")
    steps = per_axis(dilation, axes, "dilation")
    per_axis(stride, axes, "stride")
    pairs = padding_pairs(padding, sizes, taps, stride=stride, dilation=steps)
    spans = [d * (k - 1) + 1 for k, d in zip(taps, steps, strict=True)]
    least = max((span - size + 1) // 2 for span, size in zip(spans, sizes, strict=True))
    for axis, name in enumerate(AXIS_NAMES[axes]):
        if spans[axis] > (room := sizes[axis] + sum(pairs[axis])):
            raise ShapeError(
                f"kernel spans {spans[axis]} pixels ({taps[axis]} taps, dilation {steps[axis]}), "
                f"but the {name} has {room} (size {sizes[axis]}, padding {pairs[axis]}); "
                f"padding={least} is the least that fits"
            )


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
