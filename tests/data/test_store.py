"""Room for images, order in place, memory that is left, threads: by hand and as laws."""

import errno
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import StorageError
from striate.data import memory
from striate.data.memory import available_memory
from striate.data.parallel import Budget, in_threads, processors
from striate.data.store import allocate, rearrange


def test_small_sets_lie_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path / "home"))
    assert allocate((2, 3, 4, 5)).shape == (2, 3, 4, 5)
    assert not (tmp_path / "home").exists()


def test_large_sets_lie_in_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path))
    images = allocate((100, 3, 16, 16), in_memory=1000)
    assert (images.shape, images.dtype) == ((100, 3, 16, 16), torch.uint8)
    images[:] = torch.arange(100, dtype=torch.uint8).view(-1, 1, 1, 1)
    assert images[:, 0, 0, 0].tolist() == list(range(100))
    assert images.float().mean() == 49.5
    mapped = Path("/proc/self/maps").read_text()
    assert f"{tmp_path}/store/images-" in mapped
    assert list((tmp_path / "store").iterdir()) == []  # nothing to leave behind
    del images
    assert f"{tmp_path}/store/images-" not in Path("/proc/self/maps").read_text()


def test_what_a_killed_process_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path))
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "images-left").write_bytes(b"left")
    allocate((1, 1, 1, 1), in_memory=0)
    assert list((tmp_path / "store").iterdir()) == []


def test_no_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path))
    full = shutil.disk_usage(tmp_path)._replace(free=10)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: full)
        with pytest.raises(StorageError, match=r"no room on the disk for 3 MiB of images"):
            allocate((64, 3, 128, 128), in_memory=0)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(StorageError, match="no room"):
        allocate((64, 3, 128, 128), in_memory=0)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_cache_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="cannot make the folder"):
        allocate((1, 1, 1, 1), in_memory=0)


@given(st.integers(0, 12).flatmap(lambda n: st.permutations(range(n))), st.integers(0, 12))
def test_rearranging_is_indexing(order: list[int], kept: int) -> None:
    rows = torch.arange(2 * len(order), dtype=torch.uint8).view(-1, 2)
    expected = rows[order[:kept]].clone()
    everything = sorted(rows.tolist())
    rearrange(rows, order[:kept])
    assert torch.equal(rows[: len(expected)], expected)
    assert sorted(rows.tolist()) == everything


def test_memory_is_a_number_that_can_be() -> None:
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < available_memory() <= physical


def test_memory_as_the_kernel_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal:  999 kB\nMemAvailable:    500 kB\n")
    assert memory._linux(path) == 500 * 1024
    assert memory._linux(tmp_path / "nowhere") is None


def test_memory_of_a_container(tmp_path: Path) -> None:
    assert memory._control_group(tmp_path) > 1 << 60  # none
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 100\ninactive_file 150\nactive_file 50\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._control_group(tmp_path) > 1 << 60
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory._control_group(tmp_path) == 500  # 1000 - 700 + 200 that can be dropped


@given(st.lists(st.integers(), max_size=50), st.integers(1, 5))
def test_threads_keep_the_order(items: list[int], workers: int) -> None:
    assert list(in_threads(abs, items, workers=workers)) == [abs(item) for item in items]


def test_few_items_are_under_way() -> None:
    begun: list[int] = []
    results = in_threads(begun.append, range(1000), workers=2)
    next(results)
    assert len(begun) <= 8
    results.close()
    assert len(begun) <= 8


def test_what_has_not_begun_is_dropped() -> None:
    begun: list[int] = []

    def slow(item: int) -> None:
        begun.append(item)
        time.sleep(0.05)

    results = in_threads(slow, range(4), workers=1)
    next(results)
    results.close()
    assert len(begun) < 4


def test_an_error_arrives_at_its_item() -> None:
    results = in_threads(lambda item: 6 // item, [1, 2, 0, 3], workers=2)
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert not [t for t in threading.enumerate() if t.name.startswith("striate-decode")]


def test_a_budget_is_kept() -> None:
    budget, held, most = Budget(10), [0], [0]
    lock = threading.Lock()

    def work(amount: int) -> None:
        with budget.hold(amount):
            with lock:
                held[0] += amount
                most[0] = max(most[0], held[0])
            time.sleep(0.002)
            with lock:
                held[0] -= amount

    list(in_threads(work, [4, 3, 5, 10, 1, 9, 2, 6] * 3, workers=6))
    assert 0 < most[0] <= 10
    with budget.hold(11):  # more than the limit, alone
        pass


def test_processors() -> None:
    assert 1 <= processors() <= (os.cpu_count() or 1)
