from pathlib import Path
from typing import Any

import pytest
import tomli_w

from striate._errors import RunError
from striate.runs import Run, read_repeat

TABLES: dict[str, dict[str, Any]] = {
    "striate": {"format": 1, "version": "0.1.0"},
    "data": {"source": "caf\udce9", "size": 64, "classes": ["a", "\udcff"]},
    "network": {"name": "lenet5", "code": False, "options": {"norm": "group"}},
    "recipe": {"epochs": 3, "fill": "nearest"},
}


def written(folder: Path, **changes: Any) -> Path:
    tables = {**TABLES, "data": {"source": "x"}, **changes}
    path = folder / "recipe.toml"
    path.write_text(tomli_w.dumps({k: v for k, v in tables.items() if v is not None}))
    return path


def test_what_a_run_wrote_is_read(tmp_path: Path) -> None:
    Run(tmp_path).write_recipe(TABLES)
    wanted = read_repeat(tmp_path / "recipe.toml")
    assert (wanted.source, wanted.network) == ("caf\udce9", "lenet5")
    assert wanted.loading == {"size": 64, "classes": ["a", "\udcff"]}
    assert wanted.options == {"norm": "group"}
    assert wanted.fields == {"epochs": 3, "fill": "nearest"}
    assert not wanted.code
    assert not wanted.module


@pytest.mark.parametrize(
    ("name", "code", "module"),
    [("nets.py:a", True, False), ("module Net", False, True), ("lenet5", False, False)],
)
def test_the_name_says_what_is_code_whatever_the_file_says(
    tmp_path: Path, name: str, code: bool, module: bool
) -> None:
    for says in (False, True):
        network = {"name": name, "code": says, "options": {}}
        wanted = read_repeat(written(tmp_path, network=network))
        assert (wanted.code, wanted.module) == (code, module)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"striate": {"format": 2}}, r"has format 2, but this version reads 1; read it with the"),
        ({"striate": {}}, r"has format None, but this version reads 1"),
        ({"data": None}, r"is damaged \(it has no table \[data\]\)"),
        ({"network": None}, r"is damaged \(it has no table \[network\]\)"),
        ({"recipe": None}, r"is damaged \(it has no table \[recipe\]\)"),
        ({"recipe": 3}, r"is damaged \(recipe.recipe is int, not dict\)"),
        ({"data": {}}, r"is damaged \(source of \[data\] is missing, but must be text\)"),
        ({"data": {"source": 3}}, r"is damaged \(source of \[data\] is 3, but must be text\)"),
        ({"network": {"name": "a"}}, r"options of \[network\] is missing, but must be a table"),
        ({"network": {"name": "a", "options": 5}}, r"options of \[network\] is 5, but must be"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(RunError, match=rf"recipe.toml {why}|recipe.toml is damaged \({why}"):
        read_repeat(written(tmp_path, **changes))


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"[data", b"a = " + b"[" * 50_000, b"\x00"])
def test_what_is_no_toml_is_damaged(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "recipe.toml").write_bytes(raw)
    with pytest.raises(RunError, match=r"recipe.toml is damaged \("):
        read_repeat(tmp_path / "recipe.toml")


def test_a_recipe_cut_short_anywhere_is_refused_or_whole(tmp_path: Path) -> None:
    Run(tmp_path).write_recipe(TABLES)
    path = tmp_path / "recipe.toml"
    whole = path.read_bytes()
    refused = 0
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            read_repeat(path)
        except RunError:
            refused += 1
    assert refused > len(whole) / 2


def test_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"there is no recipe .*none.toml"):
        read_repeat(tmp_path / "none.toml")
