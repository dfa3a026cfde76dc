import re

import pytest
import torch

from striate._errors import RecipeError
from striate.jobs.environment import choose_device, describe_environment, now


def test_the_time_is_utc_to_the_second() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", now())


def test_the_environment_tells_what_decides_the_bits() -> None:
    found = describe_environment(torch.device("cpu"))
    assert found["torch"] == str(torch.__version__)
    assert found["threads"] == torch.get_num_threads()
    assert found["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert found["device"] == "cpu"
    assert found["processor"]
    assert list(found) == [
        "striate", "torch", "python", "platform", "processor", "cpu_capability", "threads",
        "device",
    ]  # fmt: skip


def test_automatic_is_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")
    with pytest.raises(RecipeError, match=r"there is auto, cpu, cuda, mps$"):
        choose_device("gpu")


@pytest.mark.parametrize("name", ["gpu", "meta", "", "CPU", "cpu:x", "cuda:99", "xla", "mkldnn"])
def test_devices_that_no_network_runs_on_are_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RecipeError, match=f"device is '{name}', which is not there; there is auto"):
        choose_device(name)
