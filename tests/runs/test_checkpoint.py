import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from striate._errors import RunError
from tests.runs.test_run import begun


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_round_trips(tmp_path: Path) -> None:
    run = begun(tmp_path)
    assert run.load_checkpoint() is None
    run.save_checkpoint({"a": torch.arange(3), "b": {"c": [1, 0.5, None, "x", True]}})
    state = run.load_checkpoint()
    assert state is not None
    assert state["a"].tolist() == [0, 1, 2]
    assert state["b"] == {"c": [1, 0.5, None, "x", True]}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_in_place_of_the_checkpoint_is_never_executed(
    tmp_path: Path, protocol: int, zipped: bool
) -> None:
    run, trap = begun(tmp_path), tmp_path / "trap"
    if zipped:
        torch.save({"a": Evil(trap)}, tmp_path / "checkpoint.pt", pickle_protocol=protocol)
        why = "it holds more than tensors and numbers"
    else:
        (tmp_path / "checkpoint.pt").write_bytes(pickle.dumps(Evil(trap), protocol))
        why = "it is no zip archive"
    with pytest.raises(RunError, match=rf"checkpoint.pt is damaged \({why}\); delete it to train"):
        run.load_checkpoint()
    assert not trap.exists()
    pickle.loads(pickle.dumps(Evil(trap)))  # noqa: S301 - the trap works
    assert trap.exists()


def test_whatever_lies_in_place_of_the_checkpoint_is_refused_in_one_line(tmp_path: Path) -> None:
    run = begun(tmp_path)
    run.save_checkpoint({"weights": torch.arange(100.0), "clock": {"before": 1.0}})
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    random = np.random.default_rng(0)
    wrong = [b"", b"\x00", b"PK\x03\x04", b"\x80\x02.", random.bytes(500), b"a" * 2000]
    wrong += [whole[:n] for n in range(1, len(whole) - 1, 97)]
    for _ in range(60):
        broken = bytearray(whole)
        for place in random.integers(0, len(whole), 12):
            broken[place] = random.integers(0, 256)
        wrong.append(bytes(broken))
    said: list[str] = []
    for raw in wrong:
        (tmp_path / "checkpoint.pt").write_bytes(raw)
        try:
            run.load_checkpoint()  # what is wrong in the numbers alone cannot be seen
        except RunError as error:
            said.append(str(error))
    assert len(said) > 60
    assert all("\n" not in text and len(text) < 500 for text in said)
    (tmp_path / "checkpoint.pt").unlink()
    (tmp_path / "checkpoint.pt").mkdir()
    with pytest.raises(RunError, match="damaged"):
        run.load_checkpoint()


def test_a_checkpoint_of_no_dictionary_is_refused(tmp_path: Path) -> None:
    run = begun(tmp_path)
    torch.save([1, 2], tmp_path / "checkpoint.pt")
    with pytest.raises(RunError, match=r"checkpoint.pt is no checkpoint of striate"):
        run.load_checkpoint()
