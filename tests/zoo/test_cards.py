"""Every network against its card, and what holds for all of them."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from striate import zoo
from striate._errors import ShapeError
from striate.layers import NORMS, ORDERS

NAMED = pytest.mark.parametrize("name", sorted(zoo.CARDS))
# Instance norm needs more than one position behind the last stage.
VARIANTS = [
    pytest.param(name, norm, order, id=f"{name}-{norm}-{order}")
    for name, card in sorted(zoo.CARDS.items())
    for norm, order in itertools.product(NORMS, ORDERS)
    if {"norm", "order"} <= set(card.options)
]


def size_of(name: str) -> tuple[int, int]:
    """Return a small size, height and width apart, that is not the card's."""
    card = zoo.CARDS[name]
    height = min(max(card.least, card.side) + 7, 80)
    return height, height - 5


def units(name: str, classes: int) -> int:
    return 1 if zoo.CARDS[name].one_unit and classes == 2 else classes


@NAMED
def test_card(name: str) -> None:
    card = zoo.CARDS[name]
    with torch.device("meta"):
        network = zoo.build(name).eval()
        images = torch.empty(2, card.in_channels, card.side, card.side)
        with FlopCounterMode(display=False) as counter:
            scores = network(images)
    assert scores.shape == (2, units(name, card.classes))
    assert sum(p.numel() for p in network.parameters()) == card.parameters
    assert counter.get_total_flops() == card.multiply_adds * 2 * 2  # two images; a pair is 2 flops
    with torch.device("meta"):
        bare = card.build().state_dict()
    assert [*bare] == [*network.state_dict()]
    assert all(bare[key].shape == value.shape for key, value in network.state_dict().items())


@NAMED
@pytest.mark.parametrize(("in_channels", "classes"), [(1, 2), (4, 3), (3, 1)])
def test_any_channels_and_classes_and_size(name: str, in_channels: int, classes: int) -> None:
    size = size_of(name)
    network = zoo.build(name, in_channels=in_channels, classes=classes, size=size).eval()
    scores = network(torch.randn(2, in_channels, *size))
    assert scores.shape == (2, units(name, classes))
    assert scores.isfinite().all()
    assert (scores[0] != scores[1]).all()


@pytest.mark.parametrize(("name", "norm", "order"), VARIANTS)
def test_norms_and_orders(name: str, norm: str, order: str) -> None:
    size = size_of(name)
    network = zoo.build(name, classes=4, size=size, norm=norm, order=order)
    images = torch.randn(3, zoo.CARDS[name].in_channels, *size)
    for mode in (True, False):
        scores = network.train(mode)(images)
        assert scores.shape == (3, 4)
        assert scores.isfinite().all()
        assert (scores.std(0) > 1e-4).all()  # what is told apart is not normed away
    kinds = {"batch": "BatchNorm2d", "group": "GroupNorm", "instance": "InstanceNorm2d"}
    made = {type(module).__name__ for module in network.modules()}
    assert made & set(kinds.values()) == ({kinds[norm]} if norm != "none" else set())
    block = next(m for m in network.modules() if type(m).__name__ == "ConvBlock")
    expected = ["conv", *(kind for kind in order.split("-") if norm != "none" or kind != "norm")]
    assert [child for child, _ in block.named_children()] == expected


@NAMED
def test_the_least_size_works_and_one_less_does_not(name: str) -> None:
    card = zoo.CARDS[name]
    with torch.device("meta"):
        network = zoo.build(name, size=card.least).eval()
        assert network(torch.empty(1, card.in_channels, card.least, card.least)).ndim == 2
    if card.least == 1:
        return
    wanted = rf"images of {card.least - 1} x 99 .*small for {name}; {card.least} x {card.least} is"
    with pytest.raises(ShapeError, match=wanted):
        zoo.build(name, size=(card.least - 1, 99))
    if card.sized:
        with pytest.raises(ShapeError, match=f"{card.least} is the least that works"):
            card.build(size=(99, card.least - 1))
        return
    with pytest.raises(RuntimeError), torch.device("meta"):
        network(torch.empty(1, card.in_channels, 99, card.least - 1))


@NAMED
def test_gradient_reaches_every_parameter(name: str) -> None:
    size = size_of(name)
    network = zoo.build(name, size=size)
    scores = network(torch.randn(4, zoo.CARDS[name].in_channels, *size))
    if scores.shape[1] == 1:
        loss = F.binary_cross_entropy_with_logits(scores[:, 0], torch.tensor([0.0, 1, 0, 1]))
    else:
        loss = F.cross_entropy(scores, torch.tensor([0, 1, 0, 1]))
    loss.backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.any(), key


@NAMED
def test_layouts_and_half_precision_change_little(name: str) -> None:
    size = size_of(name)
    network = zoo.build(name, size=size).eval()
    images = torch.randn(4, zoo.CARDS[name].in_channels, *size)
    with torch.no_grad():
        expected = network(images)
        with torch.autocast("cpu", torch.bfloat16):
            half = network(images)
        network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        last = network(images.to(memory_format=torch.channels_last))
    assert half.dtype == torch.bfloat16
    assert (half - expected).norm() < 0.05 * expected.norm()
    assert (last - expected).norm() < 1e-5 * expected.norm()


@NAMED
def test_a_batch_equals_one_by_one(name: str) -> None:
    size = size_of(name)
    network = zoo.build(name, size=size).double().eval()
    images = torch.randn(3, zoo.CARDS[name].in_channels, *size, dtype=torch.float64)
    one_by_one = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), one_by_one)
    assert network(images[:0]).shape == (0, one_by_one.shape[1])


@NAMED
def test_weights_follow_the_global_seed(name: str) -> None:
    def draw(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return zoo.build(name, size=size_of(name)).state_dict()

    first, again, other = draw(5), draw(5), draw(6)
    for key, value in first.items():
        assert torch.equal(value, again[key])
        assert value.ndim < 2 or not torch.equal(value, other[key])
