"""What a `recipe.toml` asks for, checked, so that a run can be repeated or gone on with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from striate._errors import RunError
from striate.files import printable
from striate.runs.code import names_code
from striate.runs.quoting import unquoted
from striate.runs.record import read_recipe

__all__ = ["Repeat", "read_repeat"]


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """All that repeats a run.

    Attributes:
        source: What `data.load` took: a set's name or a path.
        loading: Its other arguments.
        network: Zoo name, `file.py:function`, or `module Name` of one built in Python.
        options: Options of the network's builder.
        fields: Fields of the training recipe; their values are not checked yet.
    """

    source: str
    loading: dict[str, Any]
    network: str
    options: dict[str, Any]
    fields: dict[str, Any]

    @property
    def module(self) -> bool:
        """Whether the network was a module built in Python, which no name brings back."""
        return self.network.startswith("module ")

    @property
    def code(self) -> bool:
        """Whether the network is code of the user's, whatever the file says of it."""
        return names_code(self.network)


def read_repeat(path: Path) -> Repeat:
    """Return what the recipe at `path` asks for; no code that it names is imported.

    Raises:
        RunError: There is no such file, it is damaged, or another version wrote it.
    """
    tables = unquoted(read_recipe(path))
    for name in ("data", "network", "recipe"):
        if name not in tables:
            raise RunError(f"{printable(path)} is damaged (it has no table [{name}])")
    loading, network = dict(tables["data"]), dict(tables["network"])
    source, name, options = (
        _taken(path, "data", loading, "source", str),
        _taken(path, "network", network, "name", str),
        _taken(path, "network", network, "options", dict),
    )
    return Repeat(
        source=source, loading=loading, network=name, options=options, fields=tables["recipe"]
    )


def _taken(path: Path, table: str, values: dict[str, Any], key: str, kind: type) -> Any:
    value = values.pop(key, None)
    if not isinstance(value, kind):
        what = "is missing" if value is None else f"is {value!r}"
        wanted = {str: "text", dict: "a table"}[kind]
        raise RunError(
            f"{printable(path)} is damaged ({key} of [{table}] {what}, but must be {wanted})"
        )
    return value
