import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from striate import zoo
from striate._errors import NetworkError, RunError, ShapeError, WeightsError
from striate.data import Preprocessing
from striate.runs import NetworkSpec, Run, WeightsCard, open_network, save_weights

CARD = WeightsCard(
    name="lenet5", code=False, options={}, classes=tuple("abc"), kept="best",
    preprocessing=Preprocessing(
        channels=1, height=28, width=28, mean=(0.5,), deviation=(0.25,)
    ),
)  # fmt: skip
MINE = (
    "from pathlib import Path\nfrom torch import nn\n"
    "Path(__file__).with_name('was-imported').touch()\n"
    "def make(in_channels, classes, width=2):\n"
    "    return nn.Sequential(nn.Conv2d(in_channels, width, 3), nn.Flatten(), "
    "nn.Linear(26 * 26 * width, classes))\n"
)


def lenet() -> nn.Module:
    return zoo.build("lenet5", classes=3).train()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = Run.create(tmp_path / "run")
    run.write_recipe({})
    save_weights(run.folder / "model.safetensors", lenet(), CARD)
    return run.folder


@pytest.fixture
def mine(tmp_path: Path) -> tuple[Path, str]:
    """A run folder of code, and the name of the code."""
    (tmp_path / "nets.py").write_text(MINE)
    name = f"{tmp_path / 'nets.py'}:make"
    network = NetworkSpec(name=name).build(in_channels=1, classes=3, size=(28, 28))
    (tmp_path / "was-imported").unlink()
    run = Run.create(tmp_path / "run")
    run.write_recipe({})
    card = replace(CARD, name=name, code=True)
    save_weights(run.folder / "model.safetensors", network, card)
    return run.folder, name


def test_a_run_opens_as_the_network_that_was_saved(folder: Path) -> None:
    torch.manual_seed(0)
    wanted = lenet()
    save_weights(folder / "model.safetensors", wanted, CARD)
    for model in (folder, str(folder), folder / "model.safetensors"):
        opened = open_network(model)
        assert opened.card == CARD
        assert opened.folder == folder
        assert not any(module.training for module in opened.network.modules())
        images = torch.rand(2, 1, 28, 28)
        assert torch.equal(opened.network(images), wanted.eval()(images))


def test_weights_alone_are_enough(folder: Path) -> None:
    """A folder from a hub: weights and card, no recipe."""
    (folder / "recipe.toml").unlink()
    assert open_network(folder).card == CARD


def test_options_of_the_network_come_from_the_card(folder: Path) -> None:
    network = zoo.build("ten_digits", classes=3, norm="group")
    card = replace(CARD, name="ten_digits", options={"norm": "group"})
    save_weights(folder / "model.safetensors", network, card)
    kinds = {type(module) for module in open_network(folder).network.modules()}
    assert nn.GroupNorm in kinds
    assert nn.BatchNorm2d not in kinds


def test_code_is_imported_only_when_it_is_named_again(mine: tuple[Path, str]) -> None:
    folder, name = mine
    with pytest.raises(RunError, match=r"needs code, .*nets.py:make, which is not run unasked; if"):
        open_network(folder)
    assert not (folder.parent / "was-imported").exists()
    assert isinstance(open_network(folder, code=name).network, nn.Sequential)
    assert (folder.parent / "was-imported").exists()


def test_a_card_that_hides_that_it_names_code_does_not_get_it_run(mine: tuple[Path, str]) -> None:
    folder, name = mine
    network = nn.Linear(1, 1)
    save_weights(folder / "model.safetensors", network, replace(CARD, name=name, code=False))
    with pytest.raises(RunError, match="which is not run unasked"):
        open_network(folder)
    assert not (folder.parent / "was-imported").exists()


def test_the_code_named_is_run_and_not_what_the_folder_names(
    mine: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = mine
    (tmp_path / "other.py").write_text(MINE.replace("was-imported", "other-imported"))
    open_network(folder, code=f"{tmp_path / 'other.py'}:make")
    assert not (tmp_path / "was-imported").exists()


@pytest.mark.parametrize("code", ["nets.py", "resnet18", ""])
def test_code_that_is_no_code(mine: tuple[Path, str], code: str) -> None:
    with pytest.raises(NetworkError, match=rf"code is '{code}', but must be file.py:function"):
        open_network(mine[0], code=code)


def test_code_of_another_architecture(mine: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(MINE.replace("width=2", "width=4"))
    with pytest.raises(WeightsError, match=r"is of another network: 0.weight has shape \(2,"):
        open_network(mine[0], code=mine[1])


def test_code_where_none_is_needed(folder: Path) -> None:
    with pytest.raises(RunError, match="is of the network lenet5, and needs no code"):
        open_network(folder, code="nets.py:make")


def test_a_module_built_in_python_says_how_it_can_be_opened(
    mine: tuple[Path, str],
) -> None:
    folder, name = mine
    network = NetworkSpec(name=name).build(in_channels=1, classes=3, size=(28, 28))
    save_weights(folder / "model.safetensors", network, replace(CARD, name="module Net", code=True))
    with pytest.raises(RunError, match="module Net that was built in Python; name code that bu"):
        open_network(folder)
    assert isinstance(open_network(folder, code=name).network, nn.Sequential)


@pytest.mark.parametrize("model", ["resnet18", "nets.py:make"])
def test_a_name_has_no_weights(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetworkError, match=f"{model} has no trained weights; name a run folder"):
        open_network(model)


def test_no_name_at_all() -> None:
    with pytest.raises(RunError, match="the name of the model is empty; name a run that"):
        open_network("")


@pytest.mark.parametrize("model", ["runs/none", "a" * 5000, "a\0b"])
def test_no_such_folder(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"there is no run folder|is no run folder of striate"):
        open_network(model)


def test_a_folder_or_a_file_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    for path in (tmp_path, tmp_path / "a.txt"):
        with pytest.raises(RunError, match="is no run folder of striate"):
            open_network(path)


def test_a_run_without_weights_yet(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(RunError, match="has no weights yet; finish it: striate train --resume"):
        open_network(folder)


def test_weights_of_another_architecture(folder: Path) -> None:
    save_weights(folder / "model.safetensors", nn.Linear(2, 2), CARD)
    with pytest.raises(WeightsError, match=r"model.safetensors is of another network"):
        open_network(folder)


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"name": "lenet6"}, NetworkError, "no network 'lenet6'; nearest: lenet5"),
        ({"options": {"size": 3}}, NetworkError, "size is no option of a network"),
        ({"options": {"classes": 3}}, NetworkError, "classes is no option of a network"),
        ({"options": {"in_channels": 3}}, NetworkError, "in_channels is no option"),
        ({"options": {"name": "a"}}, NetworkError, "name is no option"),
        ({"options": {"depth": 3}}, NetworkError, "lenet5 has no option 'depth'"),
        ({"classes": ()}, NetworkError, "classes is 0"),
        (
            {"preprocessing": replace(CARD.preprocessing, height=4, width=4)},
            ShapeError,
            "too small for lenet5",
        ),
    ],
)
def test_a_card_that_fits_nothing(
    folder: Path, changes: dict[str, object], error: type[Exception], why: str
) -> None:
    card = replace(CARD, **changes)  # pyright: ignore[reportArgumentType]
    save_weights(folder / "model.safetensors", lenet(), card)
    with pytest.raises(error, match=why):
        open_network(folder)


def test_check_knows_names_without_building_or_importing(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(MINE)
    NetworkSpec(name=f"{tmp_path / 'nets.py'}:make").check()
    assert not (tmp_path / "was-imported").exists()
    NetworkSpec(name="resnet34").check()
    with pytest.raises(NetworkError, match="no network 'resnet19'; nearest: resnet18"):
        NetworkSpec(name="resnet19").check()
    with pytest.raises(NetworkError, match="there is no file"):
        NetworkSpec(name=f"{tmp_path / 'nest.py'}:make").check()


def test_a_path_is_no_network_to_train(folder: Path) -> None:
    with pytest.raises(NetworkError, match="is a path, but a network to train is a zoo name or"):
        NetworkSpec(name=str(folder)).check()


def test_an_option_that_comes_from_the_data_is_refused_for_code_too(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(MINE)
    spec = NetworkSpec(name=f"{tmp_path / 'nets.py'}:make", options={"classes": 4})
    with pytest.raises(NetworkError, match="classes is no option of a network; it comes from"):
        spec.build(in_channels=1, classes=3, size=(28, 28))


def test_the_card_in_the_file_is_json(folder: Path) -> None:
    assert json.loads(CARD.to_json())["architecture"]["name"] == open_network(folder).card.name
