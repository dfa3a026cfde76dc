"""What each operation of PyTorch makes of the receptive fields of what it is given.

A rule takes the operation's arguments by name and a function that gives the field of a tensor; it
returns the fields of the outputs. Operations without a rule that work cell by cell are known by
PyTorch's own tag; for what is left, every cell may see everything, and the field says that this is
an upper bound.
"""

from torch import Tensor

from striate.anatomy.fields import arranged, blurred, joined, read, viewed
from striate.anatomy.forms import NOTHING, Field, reduced
from striate.anatomy.rule_types import Arguments, Of, Rule, alike, named
from striate.anatomy.view_rules import VIEW_RULES
from striate.anatomy.windows import adaptive, each, interpolated, sliding, turned

__all__ = ["RULES"]


def _convolution(a: Arguments, of: Of, out: Tensor) -> Field:
    axes = out.ndim - 2
    seen = reduced(of(a["input"]), [1])
    sizes = a["weight"].shape[2:]
    numbers = [each(a[name], axes) for name in ("stride", "padding", "dilation")]
    reads = turned if a["transposed"] else sliding
    for axis, (size, stride, padding, dilation) in enumerate(zip(sizes, *numbers, strict=True)):
        run = reads(size, stride, padding, dilation)
        seen = read(seen, axis + 2, out.shape[axis + 2], run)
    seen = alike(seen, 1, out.shape[1])
    weight = of(a["weight"])  # made from the input, perhaps
    return joined([seen, blurred([weight], out.shape)], out.shape) if weight.forms else seen


def _pooling(a: Arguments, of: Of, out: Tensor) -> Field:
    axes = int(a["op"].partition("pool")[2][0])
    sizes = each(a["kernel_size"], axes)
    strides = each(a["stride"], axes) if a["stride"] else sizes
    paddings, dilations = each(a["padding"], axes), each(a.get("dilation", 1), axes)
    seen = of(a["self"])
    for i, numbers in enumerate(zip(sizes, strides, paddings, dilations, strict=True)):
        axis = out.ndim - axes + i
        seen = read(seen, axis, out.shape[axis], sliding(*numbers))
    return seen


def _adaptive(a: Arguments, of: Of, out: Tensor) -> Field:
    seen = of(a["self"])
    for axis in range(out.ndim - len(a["output_size"]), out.ndim):
        run = adaptive(a["self"].shape[axis], out.shape[axis])
        seen = read(seen, axis, out.shape[axis], run)
    return seen


def _resize(reach: int) -> Rule:
    def rule(a: Arguments, of: Of, out: Tensor) -> Field:
        seen, corners = of(a["self"]), bool(a.get("align_corners"))
        for axis in range(2, out.ndim):
            before, after = a["self"].shape[axis], out.shape[axis]
            run = interpolated(before, after, reach, corners=corners)
            factors = [v for k, v in a.items() if k.startswith("scale") and v is not None]
            even = all(v * before == after for v in factors)
            seen = read(seen, axis, after, run, exact=corners or even or before == after)
        return seen

    return rule


def _reduction(a: Arguments, of: Of, out: Tensor) -> Field:
    if "other" in a:  # the larger of two
        return _same(a, of, out)
    axes = a.get("dim")
    if axes is None or axes == []:
        axes = range(a["self"].ndim)
    axes = [axis % max(a["self"].ndim, 1) for axis in ([axes] if isinstance(axes, int) else axes)]
    keep = out.ndim == a["self"].ndim
    seen = reduced(of(a["self"]), axes, keep=keep)
    for axis in axes if keep and out.ndim else ():
        seen = alike(seen, axis, 1)
    return seen


def _along(a: Arguments, of: Of, out: Tensor) -> Field:
    """Softmax and its like: every cell along an axis sees all of that axis."""
    return reduced(of(a["self"]), [a["dim"] % out.ndim])


def _layer_norm(a: Arguments, of: Of, out: Tensor) -> Field:
    last = range(out.ndim - len(a["normalized_shape"]), out.ndim)
    return reduced(of(a["input"]), last)


def _group_norm(a: Arguments, of: Of, out: Tensor) -> Field:
    return reduced(of(a["input"]), range(1, out.ndim))


def _batch_norm(a: Arguments, of: Of, out: Tensor) -> Field:
    seen = of(a["input"])
    own = a.get("training", a.get("running_mean") is None)
    return reduced(seen, [axis for axis in range(out.ndim) if axis != 1]) if own else seen


def _im2col(a: Arguments, of: Of, out: Tensor) -> Field:
    before, sizes = a["self"], a["kernel_size"]
    seen, places = reduced(of(before), [1]), []
    for i, (size, dilation, padding, stride) in enumerate(
        zip(sizes, a["dilation"], a["padding"], a["stride"], strict=True)
    ):
        length = (before.shape[i + 2] + 2 * padding - dilation * (size - 1) - 1) // stride + 1
        places.append(length)
        seen = read(seen, i + 2, length, sliding(size, stride, padding, dilation))
    lead = before.shape[0]
    seen = alike(seen, 1, out.shape[1])
    return viewed(joined([seen], (lead, out.shape[1], *places)), out.shape)


def _product(first: str, second: str, added: str = "") -> Rule:
    def rule(a: Arguments, of: Of, out: Tensor) -> Field:
        one, other = a[first], a[second]
        rows = reduced(of(one), [one.ndim - 1])
        columns = reduced(of(other), [other.ndim - 2])
        if one.ndim == 1 or other.ndim == 1:
            return blurred([rows, columns], out.shape)
        parts = [
            alike(rows, out.ndim - 1, out.shape[-1]),
            alike(columns, out.ndim - 2, out.shape[-2]),
            of(a[added]) if added else NOTHING,
        ]
        return joined(parts, out.shape)

    return rule


def _linear(a: Arguments, of: Of, out: Tensor) -> Field:
    seen = reduced(of(a["input"]), [a["input"].ndim - 1])
    return alike(seen, out.ndim - 1, out.shape[-1])


def _attention(a: Arguments, of: Of, out: Tensor) -> Field:
    """Each place of the query sees itself and all places of key and value."""
    query = alike(reduced(of(a["query"]), [out.ndim - 1]), out.ndim - 1, out.shape[-1])
    others = []
    for tensor in (a["key"], a["value"]):
        seen = reduced(of(tensor), [out.ndim - 2, out.ndim - 1])
        for axis in (out.ndim - 2, out.ndim - 1):
            seen = alike(seen, axis, out.shape[axis])
        others.append(seen)
    return joined([query, *others], out.shape)


def _embedding(a: Arguments, of: Of, out: Tensor) -> Field:
    seen = of(a["indices"])
    places = [*range(out.ndim - 1), None]
    return joined([arranged(seen, places)], out.shape) if seen.forms else NOTHING


def _same(a: Arguments, of: Of, out: Tensor) -> Field:
    return joined([of(v) for v in a.values() if isinstance(v, Tensor)], out.shape)


def _vector(a: Arguments, of: Of, out: Tensor) -> Field:
    seen = reduced(of(a["self"]), [1], keep=False)
    return joined([seen, reduced(of(a["vec"]), [0], keep=False)], out.shape)


def _top(a: Arguments, of: Of, out: Tensor) -> Field:
    axis = a["dim"] % out.ndim
    return alike(reduced(of(a["self"]), [axis]), axis, out.shape[axis])


def _copied(a: Arguments, of: Of, out: Tensor) -> Field:
    """`copy_` and `fill_`: what stood there before is gone."""
    return joined([of(a.get("src", a.get("value")))], out.shape)


def _nothing(_a: Arguments, _of: Of, _out: Tensor) -> Field:
    return NOTHING


RULES: dict[str, Rule] = VIEW_RULES | {
    **named(_convolution, "convolution _convolution convolution_overrideable"),
    **named(
        _pooling,
        "max_pool2d_with_indices max_pool3d_with_indices max_pool1d max_pool2d max_pool3d "
        "avg_pool1d avg_pool2d avg_pool3d",
    ),
    **named(
        _adaptive,
        "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d "
        "adaptive_avg_pool2d adaptive_avg_pool3d",
    ),
    **named(_resize(0), "upsample_nearest1d upsample_nearest2d upsample_nearest3d"),
    **named(_resize(1), "upsample_linear1d upsample_bilinear2d upsample_trilinear3d"),
    **named(_resize(2), "upsample_bicubic2d"),
    **named(
        _reduction,
        "mean sum amax amin max min prod var std any all argmax argmin logsumexp norm "
        "linalg_vector_norm var_mean std_mean median nansum",
    ),
    **named(_along, "_softmax _log_softmax _safe_softmax cumsum cumprod sort logcumsumexp"),
    **named(_layer_norm, "native_layer_norm _fused_rms_norm"),
    **named(_group_norm, "native_group_norm"),
    **named(
        _batch_norm,
        "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training "
        "_batch_norm_no_update _batch_norm_with_update cudnn_batch_norm miopen_batch_norm",
    ),
    **named(_im2col, "im2col"),
    **named(_product("self", "mat2"), "mm bmm"),
    **named(_product("mat1", "mat2", "self"), "addmm"),
    **named(_product("batch1", "batch2", "self"), "baddbmm"),
    **named(_vector, "mv"),
    **named(_top, "topk"),
    **named(_linear, "linear"),
    **named(
        _attention,
        "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_flash_attention "
        "_scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention "
        "_scaled_dot_product_attention_math _scaled_dot_product_fused_attention_overrideable",
    ),
    **named(_embedding, "embedding"),
    **named(
        _same,
        "clone _to_copy contiguous detach alias lift_fresh native_dropout dropout "
        "masked_fill tril triu bernoulli rrelu_with_noise nan_to_num hardswish _prelu_kernel prelu "
        "log_sigmoid_forward leaky_relu elu softplus mish silu hardsigmoid hardshrink softshrink "
        "threshold celu addcmul addcdiv where",
    ),
    **named(_copied, "copy fill"),
    **named(
        _nothing,
        "zero uniform normal random "
        "empty_like zeros_like ones_like full_like rand_like randn_like new_empty new_zeros "
        "new_ones new_full new_empty_strided _local_scalar_dense",
    ),
}
