"""First-layer weights as they are."""

from typing import Any

import pytest
import torch
import torch.nn.functional as functional
from torch import nn

from striate import zoo
from striate._errors import NetworkError
from striate.explain import filters
from striate.zoo.papers.small_resnet import Fold
from tests.anatomy.networks import Functional, residual_net
from tests.conftest import unchanged
from tests.explain.networks import PooledNet


def test_the_first_convolution_as_a_copy() -> None:
    network = residual_net()
    with unchanged(network):
        found = filters(network)
        assert found.layer == "stem.0"
        assert torch.equal(found.values, network.stem[0].weight.detach())
        found.values.zero_()


@pytest.mark.parametrize("by", ["name", "module"])
def test_a_named_layer(by: str) -> None:
    network = residual_net()
    chosen = "stages.2.conv" if by == "name" else network.stages[2].conv
    found = filters(network, chosen)
    assert found.layer == "stages.2.conv"
    assert found.values.shape == (4, 4, 3, 3)


def test_weights_of_a_functional_convolution() -> None:
    network = Functional()
    found = filters(network)
    assert torch.equal(found.values, network.first.detach())


class Stem(nn.Sequential):
    """A folding layer, a convolution of `taps` taps on `channels` image channels, and a head."""

    def __init__(self, fold: nn.Module, side: int, channels: int, **options: Any) -> None:
        super().__init__()
        self.fold = nn.Sequential(nn.Identity(), fold)
        self.conv = nn.Conv2d(channels * side**2, 6, 3, **options)
        self.later = nn.Conv2d(6, 2, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("fold", "side"), [(Fold(), 2), (nn.PixelUnshuffle(3), 3)])
def test_filters_behind_a_fold_lie_on_the_image(fold: nn.Module, side: int, channels: int) -> None:
    """A convolution of the image itself with them gives the same map."""
    stem = Stem(fold, side, channels, padding=1, bias=False)
    found = filters(stem)
    assert (found.layer, found.fold) == ("conv", side)
    assert filters(stem, "conv").fold == filters(stem, stem.conv).fold == side
    assert torch.equal(found.values, stem.conv.weight.detach())
    assert found.unfolded.shape == (6, channels, 3 * side, 3 * side)
    images = torch.rand(2, channels, 6 * side, 4 * side)
    direct = functional.conv2d(images, found.unfolded, stride=side, padding=side)
    torch.testing.assert_close(stem.conv(stem.fold(images)).detach(), direct)


def test_one_tap_of_a_folded_filter_by_hand() -> None:
    stem = Stem(Fold(), 2, 3)
    with torch.no_grad():
        stem.conv.weight.zero_()
        stem.conv.weight[4, 2 * 4 + 1, 0, 2] = 5.0  # blue, upper row, right pixel of the square
    (place,) = filters(stem).unfolded.nonzero().tolist()
    assert place == [4, 2, 0, 5]


def test_what_is_not_right_behind_a_fold_stays_as_it_is() -> None:
    stems = [
        Stem(nn.PixelUnshuffle(2), 2, 3, dilation=2),
        Stem(nn.PixelUnshuffle(2), 2, 3, groups=3),
        nn.Sequential(Fold(), nn.ReLU(), nn.Conv2d(4, 2, 3)),
        nn.Sequential(nn.Conv2d(4, 2, 3), Fold()),
    ]
    for stem in stems:
        found = filters(stem)
        assert found.fold == 1
        assert torch.equal(found.unfolded, found.values)
    assert filters(Stem(Fold(), 2, 3), "later").fold == 1
    assert filters(zoo.build("small_resnet")).unfolded.shape == (32, 1, 6, 6)
    assert filters(zoo.build("resnet18")).fold == 1


def test_half_precision_is_given_as_float32() -> None:
    assert filters(PooledNet().bfloat16()).values.dtype == torch.float32


def test_errors() -> None:
    network = PooledNet()
    with pytest.raises(NetworkError, match="layer 'head' has no filters of two dimensions; body"):
        filters(network, "head")
    with pytest.raises(NetworkError, match="layer 'Linear' has no filters"):
        filters(network, network.head)
    with pytest.raises(NetworkError, match="no layer 'boby'; did you mean 'body'"):
        filters(network, "boby")
    with pytest.raises(NetworkError, match="no convolution of two dimensions"):
        filters(nn.Linear(2, 2))
