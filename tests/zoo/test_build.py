"""`zoo.build` and its errors; the default network; the registry."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from striate import zoo
from striate._errors import NetworkError, ShapeError
from striate.zoo.registry import register

SHIPPED = {
    "cats_and_dogs",
    "large_net",
    "lenet5",
    "mlp",
    "mnist_convnet",
    "resnet18",
    "resnet34",
    "ten_digits",
    "three_or_seven",
}


def test_names():
    assert set(zoo.names()) >= SHIPPED
    assert list(zoo.names()) == sorted(zoo.CARDS)


def test_one_number_is_both_sides_and_a_list_from_json_works():
    square = zoo.build("lenet5", size=40).state_dict()
    assert square["head.c5.weight"].shape == (120, 16 * 7 * 7)
    wide = zoo.build("lenet5", size=[40, 28]).state_dict()
    assert wide["head.c5.weight"].shape == (120, 16 * 7 * 5)


def test_builds_on_meta_without_memory():
    with torch.device("meta"):
        network = zoo.build("resnet34", norm="instance")
    assert all(p.is_meta for p in network.parameters())


@pytest.mark.parametrize(
    ("size", "name"),
    [(28, "small_resnet"), (64, "small_resnet"), (65, "resnet18"), ((28, 96), "resnet18")],
)
def test_default_network(size, name):
    assert zoo.default_network(size) == name


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("resnet81", {}, "no network 'resnet81'; nearest: resnet"),
        ("LeNet", {}, "no network 'LeNet'; nearest: lenet5"),
        ("", {}, "the name of the network is empty; there are cats_and_dogs, "),
        ("lenet5", {"order": "act-norm"}, "lenet5 has no option 'order'; it has none"),
        ("ten_digits", {"dropout": 0.1}, "no option 'dropout'; its options are norm, order$"),
        ("resnet18", {"widhts": 3}, "no option 'widhts'; its options are norm, order, dropout, z"),
        ("resnet18", {"norm": "layer"}, "norm is 'layer'; it must be one of batch, group"),
        ("resnet18", {"order": "norm"}, "order is 'norm'; it must be one of norm-act, act-norm"),
        ("resnet18", {"dropout": 1.0}, "dropout is 1.0; it must be at least 0 and below 1"),
        ("resnet18", {"dropout": float("nan")}, "dropout is nan; it must be at least 0"),
        ("resnet18", {"zero_gamma": 1}, "zero_gamma is 1; it must be true or false"),
        ("resnet18", {"zero_gamma": True, "norm": "none"}, "zero_gamma needs a norm"),
        ("resnet18", {"classes": 0}, "classes is 0; it must be a whole number of at least 1"),
        ("resnet18", {"in_channels": True}, "in_channels is True; it must be a whole number"),
        ("resnet18", {"size": (8, 8, 3)}, r"size is \(8, 8, 3\); it must be one number, or height"),
        ("resnet18", {"size": 0}, "size is 0; it must be a whole number of at least 1"),
        ("large_net", {"size": (15, 40)}, "15 x 40 .* too small for large_net; 16 x 16 is the le"),
    ],
)
def test_refused(name: str, options: dict[str, Any], match: str) -> None:
    with pytest.raises((NetworkError, ShapeError), match=match):
        zoo.build(name, **options)


WRONG_KINDS = """
from striate import zoo
from striate._errors import NetworkError

for options in (
    {"dropout": "x"}, {"dropout": True}, {"classes": "10"}, {"in_channels": 2.0},
    {"size": "big"}, {"size": [9, 2.5]}, {"size": {}}, {"norm": ["batch"]},
):
    try:
        zoo.build("resnet18", **options)
    except NetworkError as error:
        print(error)
"""


def test_values_of_the_wrong_kind_are_refused():
    # A damaged run folder may hold them. A process of its own, where annotations are not checked.
    ended = subprocess.run([sys.executable, "-c", WRONG_KINDS], capture_output=True, text=True)
    assert ended.stderr == ""
    assert [line.split(";")[0] for line in ended.stdout.splitlines()] == [
        "dropout is 'x'",
        "dropout is True",
        "classes is '10'",
        "in_channels is 2.0",
        "size is 'big'",
        "size is 2.5",
        "size is {}",
        "norm is ['batch']",
    ]


def test_an_instance_norm_over_one_position_is_refused():
    zoo.build("resnet18", norm="instance", size=33)
    with pytest.raises(ShapeError, match=r"images of 32 x 32 .* map of 1 x 1; .* norm='batch'"):
        zoo.build("resnet18", norm="instance", size=32)


def test_the_check_of_instance_norms_leaves_the_network_as_it_is():
    network = zoo.build("resnet18", norm="instance", size=40)
    assert network.training
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert not any(parameter.is_meta for parameter in network.parameters())


def test_dropout_stands_before_the_dense_layers_and_works_in_training_only():
    for name in ("resnet18", "cats_and_dogs"):
        plain, dropped = zoo.build(name, size=46), zoo.build(name, size=46, dropout=0.5)
        assert not any(isinstance(module, nn.Dropout) for module in plain.modules())
        dropped.load_state_dict(plain.state_dict())
        images = torch.randn(4, 3, 46, 46)
        torch.testing.assert_close(plain.eval()(images), dropped.eval()(images))
        assert not torch.equal(dropped.train()(images), dropped(images))
        assert next(m for m in dropped.modules() if isinstance(m, nn.Dropout)).p == 0.5


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="'lenet5' is registered twice"):

        @register(parameters=1, multiply_adds=1)
        def lenet5() -> nn.Module:
            return nn.Identity()
