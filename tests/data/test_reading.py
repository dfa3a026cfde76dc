"""Decoding many files: memory in bounds, the same result with any number of threads."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from striate._events import silent
from striate.data import reading
from striate.data.listing import Found
from striate.data.memory import give_back
from striate.data.reading import Broken, Picture, decode_all, scan
from tests.data.files import noise, save


@pytest.fixture
def files(tmp_path: Path) -> list[Found]:
    for index in range(30):
        save(tmp_path / f"{index}.png", noise(index, 12, 12))
    return [Found(name=f"{index}.png", category="a") for index in range(30)]


def opened(root: Path, files: list[Found]) -> list[Picture]:
    return [one for one in scan(root, files, progress=silent) if isinstance(one, Picture)]


def decoded(root: Path, pictures: list[Picture], **options: Any) -> torch.Tensor:
    images, _ = decode_all(
        root, pictures, channels=3, height=5, width=6, progress=silent, **options
    )
    return images


def test_any_number_of_threads_gives_the_same(tmp_path: Path, files: list[Found]) -> None:
    pictures = opened(tmp_path, files)
    one, many = (decoded(tmp_path, pictures, workers=workers) for workers in (1, 7))
    assert torch.equal(one, many)
    assert len({image.numpy().tobytes() for image in one}) == 30


def test_images_under_way_fit_into_a_quarter_of_the_memory(
    tmp_path: Path, files: list[Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    # 12 x 12 pixels of 16 bytes; memory for twelve, so three at a time, though there are 8 threads
    monkeypatch.setattr(reading, "available_memory", lambda: 12 * 12 * 12 * 16)
    lock, under_way, most = threading.Lock(), [0], [0]
    decode = reading.decode

    def watched(*arguments: Any, **options: Any) -> torch.Tensor:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.005)
        image = decode(*arguments, **options)
        with lock:
            under_way[0] -= 1
        return image

    pictures = opened(tmp_path, files)
    monkeypatch.setattr(reading, "decode", watched)
    decoded(tmp_path, pictures, workers=8)
    assert 2 <= most[0] <= 3


def test_memory_of_large_images_is_given_back(
    tmp_path: Path, files: list[Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(reading, "give_back", lambda: calls.append(1))
    pictures = opened(tmp_path, files)
    decoded(tmp_path, pictures)
    assert calls == []
    monkeypatch.setattr(reading, "_LARGE", 144)
    decoded(tmp_path, pictures)
    assert len(calls) == 30
    give_back()  # itself changes nothing that can be seen


def test_results_stand_at_their_files(tmp_path: Path, files: list[Found]) -> None:
    pictures = opened(tmp_path, files)
    (tmp_path / "7.png").write_bytes(b"gone since it was scanned")
    images, results = decode_all(
        tmp_path, pictures, channels=1, height=12, width=12, progress=silent
    )
    assert len(images) == len(results) == 30
    assert [one for one in results if isinstance(one, Broken)] == [results[7]]
    for index, result in enumerate(results):
        assert index == 7 or (isinstance(result, Picture) and result.found == files[index])
