"""Grad-CAM: by hand, Captum's numbers, CAM as an oracle, and no trace."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from striate._errors import NetworkError
from striate.explain import grad_cam
from tests.conftest import unchanged
from tests.explain.networks import CaptumNet, PooledNet, two_channel_net

IMAGE = torch.tensor([[[[1.0, 2.0], [-3.0, 0.5]]]])
ARANGE = torch.arange(16.0).view(1, 1, 4, 4)


def first(output: Tensor) -> Tensor:
    return output[:, 0]


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_map_by_hand(inplace: bool, frozen: bool) -> None:
    # d score / d channel 0 = 2/4 where x > 0 (3 of 4 pixels): mean 0.375.
    # d score / d channel 1 = -1/4 where x < 0 (1 of 4): mean -0.0625.
    # map = relu(0.375 * x - 0.0625 * (-x)) = relu(0.4375 * x).
    net = two_channel_net(inplace=inplace).requires_grad_(not frozen)
    found = grad_cam(net, IMAGE, first, layer=net[0])
    torch.testing.assert_close(found.values, torch.tensor([[[0.4375, 0.875], [0.0, 0.21875]]]))
    # The score is twice 3.5 / 4, less 3 / 4.
    assert found.scores.tolist() == [1.0]
    assert (found.method, found.layer, found.targets) == ("grad_cam", "0", None)


def test_a_binary_net_has_two_classes() -> None:
    # Class 1 speaks for the score, so its map is that of the score. Class 0 is the negative of it:
    # weights -0.375 and +0.0625, map = relu(-0.4375 x).
    net = two_channel_net()
    yes, no = (grad_cam(net, IMAGE, target, layer="0") for target in (1, 0))
    torch.testing.assert_close(yes.values, torch.tensor([[[0.4375, 0.875], [0.0, 0.21875]]]))
    torch.testing.assert_close(no.values, torch.tensor([[[0.0, 0.0], [1.3125, 0.0]]]))
    assert (yes.scores.tolist(), no.scores.tolist()) == ([1.0], [-1.0])
    both = grad_cam(net, torch.cat([IMAGE, -IMAGE]), layer="0")
    # -x: score = 2 * 3 / 4 - (1 + 2 + 0.5) / 4 = 0.625 > 0; both are predicted to be of class 1.
    assert both.targets is not None
    assert both.targets.tolist() == [1, 1]
    dark = grad_cam(net, -IMAGE.abs(), layer="0")  # only the channel that speaks against
    assert dark.targets is not None
    assert dark.targets.tolist() == [0]


CAPTUM = [
    pytest.param("conv1", ARANGE, [[11.25, 13.5], [20.25, 22.5]], id="conv1"),
    pytest.param("relu1", ARANGE, [[0, 4], [28, 32.5]], id="relu1"),
    pytest.param("conv1", ARANGE + 1, [[14.5, 19.0], [32.5, 37.0]], id="sum-of-two-inputs"),
    pytest.param(
        "entry",
        torch.where(ARANGE == 5, torch.tensor(-4.0), ARANGE),
        [
            [0.0, 0.5625, 1.125, 1.6875],
            [2.25, 0.0, 3.375, 3.9375],
            [4.5, 5.0625, 5.625, 6.1875],
            [6.75, 7.3125, 7.875, 8.4375],
        ],
        id="input-of-the-layer",
    ),
]


@pytest.mark.parametrize(("layer", "image", "expected"), CAPTUM)
def test_captums_numbers(layer: str, image: Tensor, expected: list[list[float]]) -> None:
    found = grad_cam(CaptumNet(), image, 0, layer=layer)
    torch.testing.assert_close(found.values, torch.tensor([expected]))


@pytest.mark.parametrize("inplace", [False, True])
def test_equal_to_cam_over_z_where_cam_exists(inplace: bool) -> None:
    """Global average and a linear head: the weights of CAM, divided by the Z pixels."""
    net, images = PooledNet(inplace=inplace).eval(), torch.randn(4, 1, 6, 5)
    features = net.features(images).detach()
    for target in range(3):
        cam = torch.einsum("k,nkhw->nhw", net.head.weight[target].detach(), features)
        found = grad_cam(net, images, target)
        assert found.layer == "relu"  # the functional call, found by itself
        torch.testing.assert_close(found.values, cam.relu() / (6 * 5))


def test_targets_of_every_kind_agree() -> None:
    net, images = PooledNet().eval(), torch.randn(3, 1, 5, 5)
    scores = net(images).detach()
    classes = scores.argmax(dim=1)
    predicted = grad_cam(net, images)
    assert predicted.targets is not None
    assert predicted.targets.tolist() == classes.tolist()
    torch.testing.assert_close(predicted.scores, scores.amax(dim=1))
    for target in (classes, lambda s: s.gather(1, classes[:, None])[:, 0]):
        torch.testing.assert_close(grad_cam(net, images, target).values, predicted.values)
    each = torch.cat(
        [grad_cam(net, images[i : i + 1], int(c)).values for i, c in enumerate(classes)]
    )
    torch.testing.assert_close(each, predicted.values)


@given(count=st.integers(0, 5), seed=st.integers(0, 100))
def test_a_batch_is_one_by_one(count: int, seed: int) -> None:
    torch.manual_seed(seed)
    net, images = PooledNet().train(), torch.randn(count, 1, 4, 4)
    together = grad_cam(net, images)
    alone = [grad_cam(net, images[i : i + 1]).values for i in range(count)]
    torch.testing.assert_close(together.values, torch.cat([torch.zeros(0, 4, 4), *alone]))


def test_scale_of_the_score_is_the_scale_of_the_map() -> None:
    net, images = PooledNet(), torch.randn(2, 1, 4, 4)
    once = grad_cam(net, images, lambda s: s[:, 0])
    thrice = grad_cam(net, images, lambda s: 3 * s[:, 0])
    torch.testing.assert_close(thrice.values, 3 * once.values)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_callers_grad_mode_does_not_matter(mode: type) -> None:
    net, images = PooledNet(), torch.randn(2, 1, 4, 4)
    expected = grad_cam(net, images)
    with mode():
        made_inside = images * 1
        found = grad_cam(net, made_inside)
        assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)
    torch.testing.assert_close(found.values, expected.values)


def test_autocast_and_half_precision_give_float32_maps() -> None:
    net, images = PooledNet(), torch.randn(2, 1, 4, 4)
    expected = grad_cam(net, images, 0)
    with torch.autocast("cpu", torch.bfloat16):
        rough = grad_cam(net, images, 0)
    assert rough.values.dtype == torch.float32
    torch.testing.assert_close(rough.values, expected.values, rtol=0.1, atol=0.01)


class WithScores(nn.Module):
    """Returns two things and says itself which are the scores."""

    def __init__(self) -> None:
        super().__init__()
        self.net = PooledNet()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"far": -self.net(x), "near": x}

    def scores(self, outputs: dict[str, Tensor]) -> Tensor:
        return -outputs["far"]


def test_a_networks_own_scores_are_asked() -> None:
    net, images = WithScores(), torch.randn(2, 1, 4, 4)
    expected = grad_cam(net.net, images, 1)
    torch.testing.assert_close(grad_cam(net, images, 1).values, expected.values)
    by_function = grad_cam(net, images, lambda scores: scores[:, 1])
    torch.testing.assert_close(by_function.values, expected.values)


class Reusing(nn.Module):
    """One ReLU for maps and for vectors, as people write it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.fc, self.head = nn.Linear(12, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.act(self.conv(x)))
        return self.head(self.act(self.fc(x.flatten(1))))


def test_the_last_map_of_a_layer_that_is_called_for_vectors_too() -> None:
    net, images = Reusing(), torch.randn(2, 1, 6, 6)
    found = grad_cam(net, images)
    assert found.layer == "act"
    assert found.values.shape == (2, 4, 4)
    conv = net.conv(images).detach().relu().requires_grad_()
    score = net.head(net.fc(net.pool(conv).flatten(1)).relu())
    chosen = score.amax(dim=1).sum()
    weights = torch.autograd.grad(chosen, conv)[0].mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(found.values, (weights * conv).sum(dim=1).relu().detach())


def test_the_last_call_of_a_shared_layer() -> None:
    conv, head = nn.Conv2d(1, 1, 1, bias=False), nn.Linear(1, 1, bias=False)
    conv.weight.data.fill_(2)
    head.weight.data.fill_(1)
    net = nn.Sequential(conv, nn.ReLU(), conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    # The last output is 4 relu(x); the score is its mean over 4 pixels, so the weight is 1/4.
    # (Of the first, 2 x, the mean gradient is 2/4 * 3/4, which would make 0.75 relu(x).)
    found = grad_cam(net, IMAGE, 1, layer="2")
    torch.testing.assert_close(found.values, IMAGE[:, 0].relu())


def test_a_map_of_several_pixels_is_preferred_to_one_of_one() -> None:
    act, conv, head = nn.ReLU(), nn.Conv2d(1, 1, 1, bias=False), nn.Linear(1, 1, bias=False)
    conv.weight.data.fill_(2)
    head.weight.data.fill_(1)
    net = nn.Sequential(act, nn.AdaptiveAvgPool2d(1), conv, act, nn.Flatten(), head)
    # score = 2 * mean(relu(x)), so the weight is 2/4.
    found = grad_cam(net, IMAGE, 1, layer=act)
    torch.testing.assert_close(found.values, IMAGE[:, 0].relu() / 2)


class Frozen(nn.Module):
    """A body that runs without gradients, as people freeze one."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.body(x)
        return self.head(x.mean(dim=(2, 3)))


@pytest.mark.parametrize("layer", [None, "body.0", "body"])
def test_a_network_that_switches_gradients_off_itself(layer: str | None) -> None:
    net, images = Frozen(), torch.randn(2, 1, 4, 4)
    plain = nn.Sequential(net.body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), net.head)
    expected = grad_cam(plain, images, layer=net.body[0] if layer == "body.0" else net.body)
    with unchanged(net):
        found = grad_cam(net, images, layer=layer)
    torch.testing.assert_close(found.values, expected.values)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.enable_grad])
def test_images_are_not_written_to(mode: type) -> None:
    net = nn.Sequential(nn.ReLU(inplace=True), PooledNet())
    with mode():
        images = torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4)
        found = grad_cam(net, images)
        assert torch.equal(images, torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4))
    expected = grad_cam(net[1], images.clone().relu())
    torch.testing.assert_close(found.values, expected.values)


class Drawing(nn.Module):
    """Draws random numbers and writes a buffer in its forward."""

    def __init__(self) -> None:
        super().__init__()
        self.net = PooledNet()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        return self.net(x) + 0 * F.dropout(torch.ones(3), 0.5)


@pytest.mark.parametrize("build", [two_channel_net, PooledNet, Reusing, Drawing, CaptumNet])
@pytest.mark.parametrize("training", [False, True])
def test_no_trace(build: type[nn.Module], training: bool) -> None:
    net = build().train(training)
    next(iter(net.parameters())).requires_grad_(False)
    next(iter(net.parameters())).grad = None
    list(net.parameters())[-1].grad = torch.ones_like(list(net.parameters())[-1])
    size = 6 if build is Reusing else 4
    images = torch.rand(1, 1, size, size)
    with unchanged(net):
        grad_cam(net, images, 0)


def broken(_: Tensor) -> Tensor:
    raise RuntimeError("no such class")


def test_no_trace_when_the_target_raises() -> None:
    net = Drawing().train()
    images = torch.rand(1, 1, 4, 4)
    with unchanged(net), pytest.raises(RuntimeError, match="no such class"):
        grad_cam(net, images, broken, layer="net.body")


def test_no_trace_when_the_forward_raises() -> None:
    net = Drawing().train()
    images = torch.rand(1, 2, 4, 4)
    for layer in (None, "net.body", "activation"):
        with unchanged(net), pytest.raises(RuntimeError, match="channels"):
            grad_cam(net, images, layer=layer)


def test_only_the_head_keeps_a_graph() -> None:
    """What runs before the layer is not recorded, whatever its weights ask for."""
    seen: list[bool] = []

    class Asking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(torch.is_grad_enabled() and x.requires_grad)
            return x

    net = nn.Sequential(nn.Conv2d(1, 2, 1), Asking(), nn.ReLU(), Asking(), nn.Flatten())
    grad_cam(net, torch.rand(1, 1, 2, 2), 0, layer="2")
    assert seen == [False, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 3}, "target 3 is no class; the network has classes 0 to 2"),
        ({"target": -1}, "target -1 is no class"),
        ({"target": "cat"}, "target is 'cat'; it must be \"predicted\" or a class number"),
        ({"target": torch.tensor([0, 1, 2])}, r"target has shape \(3,\) for 2 images"),
        ({"target": lambda s: s}, r"the target function returns \(2, 3\); it must return"),
        ({"layer": "heat"}, "no layer 'heat'; did you mean 'head'"),
        ({"layer": "head"}, r"layer 'head' puts out \(2, 3\); a map needs"),
        ({"layer": nn.Conv2d(1, 1, 1)}, "this Conv2d is no module of the network"),
        (
            {"target": lambda scores: torch.ones(len(scores))},
            "the score does not depend on layer 'relu'",
        ),
    ],
)
def test_errors(options: dict[str, Any], message: str) -> None:
    net = PooledNet()
    with unchanged(net), pytest.raises(NetworkError, match=message):
        grad_cam(net, torch.zeros(2, 1, 4, 4), **options)


class Tupled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = PooledNet()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(x), x


def test_the_remedy_for_a_network_that_returns_a_tuple_works() -> None:
    net, images = Tupled(), torch.randn(1, 1, 4, 4)
    with pytest.raises(NetworkError, match=r"returns tuple in place of scores .* as target"):
        grad_cam(net, images)
    found = grad_cam(net, images, lambda outputs: outputs[0][:, 2])
    torch.testing.assert_close(found.values, grad_cam(net.net, images, 2).values)


def test_a_layer_the_score_does_not_depend_on() -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.aside = PooledNet(), nn.Conv2d(1, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.aside(x)
            return self.used(x)

    with pytest.raises(NetworkError, match="the score does not depend on layer 'aside'"):
        grad_cam(Aside(), torch.zeros(1, 1, 4, 4), layer="aside")


def test_shapes_are_checked_by_the_annotations() -> None:
    with pytest.raises(Exception, match="n c h w"):
        grad_cam(two_channel_net(), torch.rand(1, 2, 2), first)
