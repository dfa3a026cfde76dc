"""Dense layers as convolutions: the map equals the crops one by one, and the refusals."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from striate import zoo
from striate._errors import NetworkError, ShapeError
from striate.layers import head_as_convolution, linear_as_convolution
from tests.conftest import unchanged


def crops(network, images, size, stride):
    """Scores of each crop, as a map."""
    height, width = size
    rows = range(0, images.shape[2] - height + 1, stride)
    columns = range(0, images.shape[3] - width + 1, stride)
    cells = [[network(images[:, :, r : r + height, c : c + width]) for c in columns] for r in rows]
    return torch.stack([torch.stack(row, -1) for row in cells], -2)


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_by_hand():
    linear = nn.Linear(4, 1)
    linear.load_state_dict({"weight": torch.tensor([[1.0, 2, 3, 4]]), "bias": torch.tensor([0.5])})
    convolution = linear_as_convolution(linear, (1, 2, 2))
    # 1 2 3 / 4 5 6: 1 + 4 + 12 + 20 + .5, and 10 more a pixel further
    image = torch.arange(1.0, 7).view(1, 1, 2, 3)
    assert convolution(image).tolist() == [[[[37.5, 47.5]]]]


@given(shape=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)), bias=st.booleans())
def test_a_dense_layer_is_exactly_a_convolution(shape, bias):
    linear = nn.Linear(shape[0] * shape[1] * shape[2], 5, bias=bias)
    convolution = linear_as_convolution(linear, shape)
    maps = torch.randn(2, *shape)
    torch.testing.assert_close(convolution(maps).flatten(1), linear(maps.flatten(1)))
    larger = torch.randn(2, shape[0], shape[1] + 2, shape[2] + 1)
    expected = crops(lambda crop: linear(crop.flatten(1)), larger, shape[1:], 1)
    torch.testing.assert_close(convolution(larger), expected)


def test_traits_are_kept_and_weights_are_copies():
    linear = nn.Linear(12, 5, dtype=torch.bfloat16).eval().requires_grad_(False)
    convolution = linear_as_convolution(linear, [3, 2, 2])
    assert convolution.weight.dtype is torch.bfloat16
    assert not convolution.training
    assert not any(p.requires_grad for p in convolution.parameters())
    convolution.weight.zero_()
    assert linear.weight.any()


def test_a_shape_that_does_not_fit():
    linear = nn.Linear(400, 10)
    with pytest.raises(
        ShapeError, match=r"\(8, 5, 5\) has 200 numbers, .* reads 400; \(16, 5, 5\)"
    ):
        linear_as_convolution(linear, (8, 5, 5))
    assert linear_as_convolution(linear, (16, 5, 5)).kernel_size == (5, 5)
    with pytest.raises(ShapeError, match=r"has 18 numbers, but the dense layer reads 400$"):
        linear_as_convolution(linear, (2, 3, 3))
    with pytest.raises(
        ShapeError, match=r"shape is .*; it must be one number, or one for each of 3"
    ):
        linear_as_convolution(linear, (20, 20))


def classifier() -> nn.Sequential:
    """A valid convolution and a pooling, so a map cell is 2 pixels; made for 10 x 12."""
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Sequential(nn.Linear(4 * 4 * 5, 6), nn.BatchNorm1d(6), nn.PReLU(6)),
        nn.Linear(6, 3),
        nn.Softmax(dim=-1),
    )
    norm = network.get_submodule("3.1")
    for tensor in (*norm.parameters(), norm.get_buffer("running_mean")):
        nn.init.normal_(tensor)
    nn.init.uniform_(norm.get_buffer("running_var"), 0.5, 2)
    return network.eval()


def test_the_map_equals_the_crops():
    network = classifier()
    with unchanged(network):
        sliding = head_as_convolution(network, (2, 10, 12))
    images = torch.randn(2, 2, 17, 20)
    torch.testing.assert_close(sliding(images), crops(network, images, (10, 12), 2))
    assert sliding(images).shape == (2, 3, 4, 5)
    assert sliding(images[:, :, :10, :12]).shape == (2, 3, 1, 1)


def test_names_and_modes_are_kept_and_nothing_is_shared():
    network = classifier().train()
    network[0].eval()
    sliding = head_as_convolution(network, (2, 10, 12))
    assert [n for n, _ in sliding.named_modules()] == [n for n, _ in network.named_modules()]
    modes = [m.training for m in sliding.modules()]
    assert modes == [m.training for m in network.modules()]
    assert {name: tensor.numel() for name, tensor in sliding.state_dict().items()} == {
        name: tensor.numel() for name, tensor in network.state_dict().items()
    }
    theirs = {tensor.data_ptr() for tensor in network.state_dict().values()}
    assert theirs.isdisjoint(tensor.data_ptr() for tensor in sliding.state_dict().values())


@pytest.mark.parametrize("pool", [nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d((1, None))])
def test_global_pooling_goes_over_windows_of_its_size(pool):
    columns = 1 if isinstance(pool, nn.AdaptiveAvgPool2d) else 4
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), pool, nn.Flatten(), nn.Linear(4 * columns, 3)
    ).eval()
    images = torch.randn(2, 1, 9, 8)
    sliding = head_as_convolution(network, (1, 6, 6))
    torch.testing.assert_close(sliding(images), crops(network, images, (6, 6), 1))


def test_pooling_to_the_size_it_has_falls_away():
    head = nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(18, 4), nn.ReLU())
    maps = torch.randn(1, 2, 5, 6)
    sliding = head_as_convolution(head, (2, 3, 3))
    torch.testing.assert_close(sliding(maps), crops(head, maps, (3, 3), 1))


def test_a_network_of_the_zoo_reads_a_larger_page():
    network = zoo.build("lenet5", in_channels=1, classes=10, size=32).eval()
    parts = nn.Sequential(network.get_submodule("stages"), network.get_submodule("head"))
    sliding = head_as_convolution(parts, (1, 32, 32))
    page = torch.randn(1, 1, 40, 44)
    torch.testing.assert_close(sliding(page), crops(network, page, (32, 32), 4))


REFUSED = [
    (nn.Sequential(nn.Conv2d(1, 2, 3)), "no nn.Flatten in the sequence"),
    (nn.Sequential(nn.Flatten(), nn.LayerNorm(36)), "layer 1, LayerNorm, has no equal among"),
    (nn.Sequential(nn.Flatten(), nn.BatchNorm1d(36)), "layer 1, BatchNorm1d, has no equal"),
    (nn.Sequential(nn.Flatten(), nn.Softmax(dim=1)), "layer 1, Softmax, has no equal"),
    (nn.Sequential(nn.Sequential(nn.Flatten(2))), r"layer 0.0 is Flatten\(.*\); it must flatten"),
    (nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()), "layer 0 pools 6 x 6 to 2 x 2; over la"),
    (nn.Sequential(nn.Unflatten(1, (1, 1)), nn.Flatten()), "layer 0, Unflatten, gives shape"),
]


@pytest.mark.parametrize(("network", "text"), REFUSED)
def test_what_cannot_be_done(network, text):
    with unchanged(network), pytest.raises(NetworkError, match=text):
        head_as_convolution(network, (1, 6, 6))


def test_a_head_for_another_size():
    head = nn.Sequential(nn.Flatten(), nn.Linear(400, 10))
    with pytest.raises(ShapeError, match=r"has 576 numbers, but the dense layer reads 400$"):
        head_as_convolution(head, (16, 6, 6))


class Mean(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 4, 3)
        self.classes = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classes(self.features(x).mean((2, 3)))


class Doubled(nn.Sequential):
    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - the name in Sequential
        return 2 * super().forward(input)


def test_a_forward_of_its_own_is_refused_and_the_remedy_works(unannotated):
    networks: list[Any] = [Mean(), Doubled(nn.Flatten(), nn.Linear(3 * 32 * 32, 5))]
    for network in networks:
        text = f"{type(network).__name__} has a forward of its own; it must be an nn.Sequential"
        with unchanged(network), pytest.raises(NetworkError, match=text):
            head_as_convolution(network, (3, 32, 32))
    mean = Mean()
    plain = nn.Sequential(mean.features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), mean.classes)
    images = torch.rand(2, 3, 32, 32)
    maps = head_as_convolution(plain, (3, 32, 32))(images)
    torch.testing.assert_close(maps[:, :, 0, 0], mean(images))
