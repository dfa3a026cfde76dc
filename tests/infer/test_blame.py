"""Whatever a network of the user's raises is one line that says where."""

from pathlib import Path

import pytest
import torch

from striate._errors import DataError, NetworkError
from striate.infer import blamed


def raising(folder: Path, line: str) -> None:
    code = compile(f"\n\n{line}\n", str(folder / "nets.py"), "exec")
    exec(code, {"torch": torch})  # noqa: S102 - stands for the user's file


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{}['width']", "it failed: KeyError: 'width' (nets.py, line 3)"),
        ("assert False", "it failed: AssertionError (nets.py, line 3)"),
        ("raise RuntimeError('a\\n  b')", "it failed: a b (nets.py, line 3)"),
        ("raise RuntimeError", "it failed: RuntimeError (nets.py, line 3)"),
        ("raise ValueError('\\x1b[2J')", "it failed: ValueError: \\x1b[2J (nets.py, line 3)"),
        (
            "torch.zeros(2, 3) @ torch.zeros(2, 3)",
            "it failed: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3) (nets.py, line 3)",
        ),
        ("torch.nn.Linear(2, 2)(torch.zeros(1, 3))", "(1x3 and 2x2) (nets.py, line 3)"),
    ],
)
def test_what_was_raised_and_where_in_one_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(NetworkError) as found, blamed("it failed"):
        raising(tmp_path, line)
    assert str(found.value).endswith(said)
    assert "\n" not in str(found.value)
    assert found.value.__cause__ is not None  # whoever debugs the network sees all of it


def test_our_own_errors_and_the_user_s_wish_to_stop_pass_through() -> None:
    for error in (DataError("ours"), KeyboardInterrupt(), SystemExit(3)):
        with pytest.raises(type(error)) as found, blamed("it failed"):
            raise error
        assert found.value is error


def test_long_texts_are_cut() -> None:
    with pytest.raises(NetworkError) as found, blamed("it failed"):
        raise ValueError("long " * 1000)
    assert len(str(found.value)) < 500


def test_nothing_happens_to_a_block_that_ends_well() -> None:
    with blamed("it failed"):
        value = 3
    assert value == 3
