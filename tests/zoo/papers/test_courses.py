"""The courses' nets and LeNet-5: shapes of facts, and the function written out."""

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from striate import zoo


def shapes(name: str, size: int, in_channels: int, **options) -> list[tuple[int, ...]]:
    """Return the shapes behind every convolution, pooling and linear layer."""
    seen: list[tuple[int, ...]] = []
    with torch.device("meta"):
        network = zoo.build(name, in_channels=in_channels, size=size, **options).eval()
        for module in network.modules():
            if type(module).__name__ in ("Conv2d", "MaxPool2d", "AvgPool2d", "Linear", "Flatten"):
                module.register_forward_hook(lambda _m, _i, y: seen.append(tuple(y.shape[1:])))
        network(torch.empty(1, in_channels, size, size))
    return seen


def parameters(name: str, **options) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in zoo.build(name, **options).parameters())


def test_shapes_three_or_seven():
    sides = [(4, 14, 14), (8, 7, 7), (16, 4, 4), (32, 2, 2), (2, 1, 1), (2,)]
    assert shapes("three_or_seven", 28, 1) == sides


def test_shapes_ten_digits():
    sides = [(8, 14, 14), (16, 7, 7), (32, 4, 4), (64, 2, 2), (10, 1, 1), (10,)]
    assert shapes("ten_digits", 28, 1) == sides


def test_shapes_mlp():
    assert shapes("mlp", 28, 1) == [(784,), (30,), (1,)]


def test_shapes_mnist_convnet():
    maps = [(32, 26, 26), (32, 13, 13), (64, 11, 11), (64, 5, 5), (64, 3, 3)]
    assert shapes("mnist_convnet", 28, 1) == [*maps, (576,), (64,), (10,)]


def test_mnist_convnet_without_poolings():
    with torch.device("meta"):
        stages = zoo.CARDS["mnist_convnet"].build(pools=0).get_submodule("stages")
        assert stages(torch.empty(1, 1, 28, 28)).shape == (1, 64, 22, 22)


def test_shapes_large_net():
    maps = [(5, 28, 28), (5, 14, 14), (10, 10, 10), (10, 5, 5)]
    assert shapes("large_net", 32, 3) == [*maps, (250,), (32,), (1,)]


def test_shapes_cats_and_dogs():
    maps = [(32, 148, 148), (32, 74, 74), (64, 72, 72), (64, 36, 36)]
    maps += [(128, 34, 34), (128, 17, 17), (128, 15, 15), (128, 7, 7)]
    assert shapes("cats_and_dogs", 150, 3) == [*maps, (6272,), (512,), (1,)]


@pytest.mark.parametrize("size", [28, 32])
def test_shapes_lenet5(size):
    maps = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]
    assert shapes("lenet5", size, 1) == [*maps, (400,), (120,), (84,), (10,)]


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("three_or_seven", {}, 6_722),
        ("ten_digits", {"norm": "none"}, 30_282),
        ("ten_digits", {}, 30_542),  # 30,282 + 2 * (8 + 16 + 32 + 64 + 10)
        ("mlp", {}, 784 * 30 + 30 + 30 + 1),
        ("mnist_convnet", {}, 93_322),
        ("large_net", {}, 9_705),
        ("cats_and_dogs", {}, 3_453_121),
        ("cats_and_dogs", {"dropout": 0.5}, 3_453_121),
        ("lenet5", {}, 156 + 2_416 + 48_120 + 10_164 + 850),
        ("lenet5", {"size": 32}, 61_706),
    ],
)
def test_counts(name, options, expected):
    assert parameters(name, **options) == expected


def test_the_convolutions_of_mnist_convnet():
    stages = zoo.build("mnist_convnet").get_submodule("stages")
    assert sum(p.numel() for p in stages.parameters()) == 55_744


def test_one_unit_tells_two_classes_apart_and_three_have_three():
    for name in ("mlp", "large_net", "cats_and_dogs"):
        assert zoo.build(name).get_parameter("head.scores.weight").shape[0] == 1
        assert zoo.build(name, classes=3).get_parameter("head.scores.weight").shape[0] == 3
    assert zoo.build("mnist_convnet", classes=2).get_parameter("head.scores.weight").shape[0] == 2


# What each net computes, written out: `w` are its parameters in the order in which they run.


def strided(x: Tensor, w: Sequence[Tensor], normed: bool) -> Tensor:
    step = 4 if normed else 2
    for index in range(0, len(w), step):
        kernel, bias = w[index], w[index + 1]
        x = F.conv2d(x, kernel, bias, stride=2, padding=kernel.shape[-1] // 2)
        x = F.relu(x) if index + step < len(w) else x
        if normed:
            x = F.batch_norm(x, None, None, w[index + 2], w[index + 3], training=True)
    return x.mean((2, 3))


def pooled(x: Tensor, w: Sequence[Tensor], pools: list[bool]) -> Tensor:
    for index, pool in enumerate(pools):
        x = F.relu(F.conv2d(x, w[2 * index], w[2 * index + 1]))
        x = F.max_pool2d(x, 2) if pool else x
    x = F.relu(F.linear(x.flatten(1), w[-4], w[-3]))
    return F.linear(x, w[-2], w[-1])


def lenet5(x: Tensor, w: Sequence[Tensor]) -> Tensor:
    x = F.pad(x, (2, 2, 2, 2)) if x.shape[2] == 28 else x
    x = F.avg_pool2d(torch.tanh(F.conv2d(x, w[0], w[1])), 2)
    x = F.avg_pool2d(torch.tanh(F.conv2d(x, w[2], w[3])), 2)
    x = torch.tanh(F.linear(x.flatten(1), w[4], w[5]))
    return F.linear(torch.tanh(F.linear(x, w[6], w[7])), w[8], w[9])


def mlp(x: Tensor, w: Sequence[Tensor]) -> Tensor:
    return F.linear(F.relu(F.linear(x.flatten(1), w[0], w[1])), w[2], w[3])


@pytest.mark.parametrize(
    ("name", "size", "reference"),
    [
        ("three_or_seven", 28, lambda x, w: strided(x, w, normed=False)),
        ("three_or_seven", 70, lambda x, w: strided(x, w, normed=False)),
        ("ten_digits", 28, lambda x, w: strided(x, w, normed=True)),
        ("mlp", 28, mlp),
        ("mnist_convnet", 28, lambda x, w: pooled(x, w, [True, True, False])),
        ("large_net", 32, lambda x, w: pooled(x, w, [True] * 2)),
        ("cats_and_dogs", 150, lambda x, w: pooled(x, w, [True] * 4)),
        ("lenet5", 28, lenet5),
        ("lenet5", 32, lenet5),
    ],
)
def test_is_the_function_written_out(
    name: str, size: int, reference: Callable[[Tensor, Sequence[Tensor]], Tensor]
) -> None:
    network = zoo.build(name, size=size).double()
    weights = list(network.parameters())
    for weight in weights:
        if weight.ndim == 1:  # biases and norms do nothing at their first values
            torch.nn.init.normal_(weight)
    images = torch.randn(3, zoo.CARDS[name].in_channels, size, size, dtype=torch.float64)
    torch.testing.assert_close(network(images), reference(images, weights))


def test_mlp_by_hand():
    network = zoo.CARDS["mlp"].build(hidden=2, size=(1, 2))
    w = list(network.parameters())
    w[0].data = torch.tensor([[1.0, 2], [-1, 0]])
    w[2].data = torch.tensor([[3.0, 5]])
    w[3].data = torch.tensor([0.5])
    # (1, 1) -> (3, -1) -> (3, 0) -> 9.5;  (-2, 0) -> (-2, 2) -> (0, 2) -> 10.5
    images = torch.tensor([[[[1.0, 1]]], [[[-2.0, 0]]]])
    assert network(images).tolist() == [[9.5], [10.5]]
