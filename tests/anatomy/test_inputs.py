"""What a table may be asked for: one number, lengths, shapes of several inputs, tensors."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

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
