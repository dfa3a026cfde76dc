"""What a table may be asked for: one number, lengths, shapes of several inputs, tensors."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from striate import zoo
from striate._errors import NetworkError, ShapeError
from striate.anatomy import table
from tests.conftest import unchanged


class Two(nn.Module):
    """A map and a vector, joined."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(5, 4)

    def forward(self, images: Tensor, numbers: Tensor) -> Tensor:
        return self.conv(images) + self.linear(numbers)[:, :, None, None]


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(10, 4), nn.Linear(4, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.words(tokens).mean(1))


def test_several_inputs() -> None:
    found = table(Two(), [(3, 8, 8), (5,)], batch=2)
    assert found.inputs == ((2, 3, 8, 8), (2, 5))
    assert found.multiply_adds == 2 * (4 * 36 * 27 + 5 * 4)
    assert "input 2 x 3 x 8 x 8 and 2 x 5 of float32" in str(found)


def test_tensors_say_it_themselves() -> None:
    given = (torch.zeros(2, 3, 8, 8), torch.zeros(2, 5))
    assert table(Two(), given) == table(Two(), [(3, 8, 8), (5,)], batch=2)


def test_whole_numbers_stay_whole() -> None:
    network, tokens = Words(), torch.zeros(3, 7, dtype=torch.int64)
    with unchanged(network):
        found = table(network, tokens)
    assert [row.kind for row in found.rows] == ["embedding", "reduction", "linear"]
    assert found.parameters == 40 + 10
    assert table(network, tokens, dtype=torch.float64).memory.weights == 400  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ([(3, 8, 8), ()], "must be > 0"),
        ([(3, 0, 8)], "must be > 0"),
        ((), "must be > 0"),
        ([torch.zeros(1, 3, 8, 8), 5], "mixes tensors and numbers"),
        ([5, (3, 8)], r"size has \(3, 8\) among numbers"),
    ],
)
def test_sizes_that_say_nothing(size: object, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        table(Two(), size)  # pyright: ignore[reportArgumentType]


def test_too_few_inputs_are_the_networks_own_error() -> None:
    with pytest.raises(NetworkError, match="missing 1 required positional argument: 'numbers'"):
        table(Two(), 8)


def test_a_type_that_weights_cannot_have() -> None:
    with pytest.raises(ShapeError, match=r"torch.int8 is no kind of real number; take torch"):
        table(Two(), [(3, 8, 8), (5,)], dtype=torch.int8)


def test_vgg16_takes_no_compiler_and_little_memory() -> None:
    # 1 s and 120 MB beyond `import torch` are promised; a busy machine may be slow, so that the
    # time is measured in benchmarks and the causes, what is loaded and kept, are held here.
    script = (
        "import resource, sys\n"
        "import torch\n"
        "from tests.torchvision_nets import torchvision_net\n"
        "with torch.device('meta'):\n"
        "    network = torchvision_net('vgg16')\n"
        "loaded = 'torch._dynamo' in sys.modules\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "from striate import anatomy\n"
        "found = anatomy.table(network, 224)\n"
        "assert found.parameters == 138_357_544\n"
        "assert loaded or 'torch._dynamo' not in sys.modules\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 120


@pytest.mark.parametrize(
    ("network", "size", "shape"),
    [
        (nn.Conv2d(3, 4, 3), (3, 64, 32), (1, 3, 64, 32)),
        (nn.Conv1d(2, 4, 3), (2, 100), (1, 2, 100)),
        (nn.Conv1d(2, 4, 3), 100, (1, 2, 100)),
        (nn.Conv3d(2, 4, 3), 5, (1, 2, 5, 5, 5)),
        (nn.Conv3d(2, 4, 3), (2, 5, 6, 7), (1, 2, 5, 6, 7)),
        (nn.Sequential(nn.Flatten(2, 3), nn.Conv1d(3, 4, 3)), 6, (1, 3, 6, 6)),
        (nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 4, 3)), (6, 7), (1, 3, 6, 7)),
    ],
)
def test_lengths_as_the_first_convolution_takes_them(
    network: nn.Module, size: int | tuple[int, ...], shape: tuple[int, ...]
) -> None:
    assert table(network, size).inputs == (shape,)


def test_channels_that_the_caller_said_are_not_asked_for_again() -> None:
    with pytest.raises(NetworkError, match=r"\(1, 5, 8, 8\)") as caught:
        table(nn.Conv2d(3, 4, 3), (5, 8, 8))
    assert "say how many channels" not in str(caught.value)


# The checks of types that the tests run under would speak first, so these run without them.
MISTAKES = """
from torch import nn
from striate import anatomy
from striate._errors import StriateError

net = nn.Sequential(nn.Conv2d(3, 4, 3))

def captured(network, layers):
    with anatomy.capture(network, layers):
        pass

for mistake in (
    lambda: anatomy.table("resnet18", 224),
    lambda: anatomy.table(nn.ReLU, 8),
    lambda: anatomy.table(5, 8),
    lambda: anatomy.table(net, "3x64x64"),
    lambda: captured("resnet18", "0"),
    lambda: captured(net, [3]),
    lambda: captured(net, 3),
    lambda: anatomy.LayerTable.from_json("{}"),
):
    try:
        mistake()
    except StriateError as error:
        print(type(error).__name__, error)
"""


def test_mistakes_of_type_are_told_in_a_line_with_the_remedy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MISTAKES], capture_output=True, text=True, check=True
    )
    named = (
        "NetworkError the network is the name 'resnet18', no module; "
        "build it first: from striate import zoo; zoo.build('resnet18')"
    )
    layer = "NetworkError 3 is no layer; give a module, a class or a name: there are 0"
    assert done.stdout.splitlines() == [
        named,
        "NetworkError the network is the class ReLU; make one of it: ReLU(...)",
        "NetworkError the network is of type int; it must be a torch.nn.Module",
        "ShapeError size is '3x64x64', text; give numbers: (3, 64, 64)",
        named,
        layer,
        layer,
        "RunError a layer table is read from a dict, not from str; "
        "give it what json.loads makes of the text",
    ]
    assert table(zoo.build("lenet5"), 28).parameters == 61706  # the remedies
    assert table(nn.Conv2d(3, 4, 3), (3, 64, 64)).inputs == ((1, 3, 64, 64),)
