"""Receptive fields: of published networks, against enumeration and against gradients."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import ShapeError
from striate.ops import ReceptiveField, Window, receptive_field, transposed_receptive_field

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "receptive_fields.json").read_text())
W = Window
SAME = W(3, padding="same")


def vgg(*stages: int) -> dict[str, list[Window]]:
    """Return the chain up to each end point: 3 x 3 SAME convolutions, 2 x 2 VALID pools."""
    ends, chain = {}, []
    for number, count in enumerate(stages, start=1):
        for index in range(1, count + 1):
            chain = [*chain, SAME]
            ends[f"conv{number}/conv{number}_{index}"] = chain
        ends[f"pool{number}"] = chain = [*chain, W(2, stride=2)]
    return ends


def alexnet() -> dict[str, list[Window]]:
    pool, wide = W(3, stride=2), W(5, padding="same")
    names = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
    chain = [W(11, stride=4), pool, wide, pool, SAME, SAME, SAME, pool]
    return {name: chain[: index + 1] for index, name in enumerate(names)}


def mobilenet() -> dict[str, list[Window]]:
    strides = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    chain = [W(3, stride=stride, padding="same") for stride in strides]
    names = ["Conv2d_0", *(f"Conv2d_{n}_pointwise" for n in range(1, 14))]
    return {name: chain[: index + 1] for index, name in enumerate(names)}


def slim_resnet(*blocks: int) -> dict[str, list[Window]]:
    """Return the widest path: bottlenecks whose stride stands in the last of a block."""
    chain = [W(7, stride=2, padding=3), W(3, stride=2, padding="same")]
    ends = {}
    for number, count in enumerate(blocks, start=1):
        chain = [*chain, *[W(3, padding=1)] * (count - 1)]
        chain = [*chain, W(3, stride=1 if number == 4 else 2, padding=1)]
        ends[f"block{number}"] = chain
    return ends


NETWORKS = {
    "alexnet_v2": alexnet(),
    "vgg_a": vgg(1, 1, 2, 2, 2),
    "vgg_16": vgg(2, 2, 3, 3, 3),
    "mobilenet_v1": mobilenet(),
    "resnet_v1_50": slim_resnet(3, 4, 6, 3),
    "resnet_v1_101": slim_resnet(3, 4, 23, 3),
    "resnet_v1_152": slim_resnet(3, 8, 36, 3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_published_fields_at_every_end_point(name):
    rows = [row for row in FACTS["rows"] if row["net"] == name]
    assert rows
    for row in rows:
        chain = NETWORKS[name][row["endpoint"].removeprefix(f"{name}/")]
        field = receptive_field(chain, size=row["resolution"] or 224)
        assert (field.size, field.stride) == (row["rf"], row["stride"]), row
        if row["pad"] is not None:
            assert field.offset == -row["pad"], row


def torchvision(name: str) -> list[Window]:
    """Return the widest path through a network of torchvision's, head cut off."""
    pool = W(3, stride=2)
    if name == "alexnet":
        three = [W(3, padding=1)] * 3
        return [W(11, stride=4, padding=2), pool, W(5, padding=2), pool, *three, pool]
    if name == "squeezenet1_1":
        fires = [W(3, padding=1)] * 2
        return [W(3, stride=2), pool, *fires, pool, *fires, pool, *fires, *fires]
    stem = [W(7, stride=2, padding=3), W(3, stride=2, padding=1)]
    convolutions, blocks = {  # 3 x 3 convolutions a block; blocks a stage
        "resnet18": (2, (2, 2, 2, 2)),
        "resnet34": (2, (3, 4, 6, 3)),
        "resnet50": (1, (3, 4, 6, 3)),
        "resnet101": (1, (3, 4, 23, 3)),
    }[name]
    for stage, count in enumerate(blocks):
        stem.append(W(3, stride=2 if stage else 1, padding=1))
        stem += [W(3, padding=1)] * (convolutions * count - 1)
    return stem


@pytest.mark.parametrize(
    "name", ["alexnet", "squeezenet1_1", "resnet18", "resnet34", "resnet50", "resnet101"]
)
def test_fields_measured_on_torchvisions_networks(name):
    fact = FACTS["torchvision_numeric"][name]
    field = receptive_field(torchvision(name))
    assert field == ReceptiveField(fact["rf"], fact["stride"], -fact["pad"])


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("vgg11", (1, 1, 2, 2, 2)),
        ("vgg13", (2,) * 5),
        ("vgg16", (2, 2, 3, 3, 3)),
        ("vgg19", (2, 2, 4, 4, 4)),
    ],
)
def test_fields_measured_on_torchvisions_vggs(name, stages):
    fact = FACTS["torchvision_numeric"][name]
    field = receptive_field(vgg(*stages)["pool5"])
    assert field == ReceptiveField(fact["rf"], fact["stride"], -fact["pad"])


small = st.integers(1, 4)
paddings = st.one_of(
    st.sampled_from(["valid", "same", "full"]), st.integers(0, 3), st.tuples(small, small)
)
windows = st.builds(Window, small, small, paddings, small)


@given(chain=st.lists(windows, max_size=4), size=st.integers(60, 80), output=st.integers(0, 5))
def test_pixels_collected_one_by_one(chain, size, output):
    sizes = [size]
    for window in chain:
        if window.span > sizes[-1] + sum(window.pads(sizes[-1])):
            return
        sizes.append(window.output_size(sizes[-1]))
    read = {output}
    for window, before_it in zip(reversed(chain), reversed(sizes[:-1]), strict=True):
        before, _ = window.pads(before_it)
        taps = [tap * window.dilation for tap in range(window.kernel_size)]
        read = {place * window.stride - before + tap for place in read for tap in taps}
    field = receptive_field(chain, size=size)
    assert field.interval(output) == (min(read), max(read))
    assert field.centre == (min(read) + max(read)) / 2 - output * field.stride


@given(chain=st.lists(windows, max_size=3))
def test_without_a_size_only_what_depends_on_none(chain):
    if any(window.padding == "same" and window.stride > 1 for window in chain):
        with pytest.raises(ShapeError, match=r"padding 'same' with stride .* give size= as well"):
            receptive_field(chain)
    else:
        assert receptive_field(chain) == receptive_field(chain, size=200)


def test_the_field_is_the_support_of_the_gradient():
    # 5 taps, stride 2, padding 2, then 3 taps dilated by 2: 1 + 4 + 4 * 2 = 13 pixels, 2 apart
    field = receptive_field([Window(5, stride=2, padding=2), Window(3, dilation=2)])
    assert field == ReceptiveField(size=13, stride=2, offset=-2)
    axis = torch.zeros(1, 1, 40, dtype=torch.float64, requires_grad=True)
    ones = torch.ones(1, 1, 5, dtype=torch.float64)
    middle = F.conv1d(axis, ones, stride=2, padding=2)
    out = F.conv1d(middle, ones[..., :3], dilation=2)
    (gradient,) = torch.autograd.grad(out[0, 0, 4], axis)
    read = gradient[0, 0].nonzero().flatten().tolist()
    assert (read[0], read[-1]) == field.interval(4) == (6, 18)


def test_by_hand():
    assert receptive_field([]) == ReceptiveField(1, 1, 0)
    assert receptive_field([Window(3)] * 3).size == receptive_field([Window(7)]).size == 7
    assert receptive_field([Window(3, padding=1)]).centre == 0.0
    assert receptive_field([Window(2, stride=2)]).centre == 0.5  # between two pixels
    # An odd size under SAME: 225 needs (1, 1), 224 only (0, 1).
    assert receptive_field([Window(3, stride=2, padding="same")], size=225).offset == -1
    assert receptive_field([Window(3, stride=2, padding="same")], size=224).offset == 0


@given(taps=st.integers(1, 7), stride=st.integers(1, 6), dilation=st.integers(1, 6))
def test_what_an_output_of_a_transposed_convolution_reads(taps, stride, dilation):
    widest = 0
    for output in range(100, 100 + stride):  # the pattern repeats with the stride
        reached = [output - tap * dilation for tap in range(taps)]
        read = [place // stride for place in reached if place % stride == 0]
        widest = max([widest, *(max(read) - place + 1 for place in read)])
    found = transposed_receptive_field(taps, stride=stride, dilation=dilation)
    assert found == widest


def test_errors():
    with pytest.raises(ShapeError, match="least that fits"):
        receptive_field([Window(5)], size=4)
    with pytest.raises(ShapeError, match="stride is 0"):
        receptive_field([Window(3, stride=0)])
    with pytest.raises(ShapeError, match="dilation is 0"):
        transposed_receptive_field(3, dilation=0)
