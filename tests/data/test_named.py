"""Named sets: IDX files put by hand or fetched, everything damaged, and what sets there are."""

import gzip
import hashlib
import socket
import threading
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from striate import data
from striate._errors import DataError, DownloadError
from striate._events import Event, Moved, Said
from striate.data.idx import write_idx
from striate.data.named import NAMED, NamedSet, SetFile, fetch, find

CLASSES = ("ant", "bee", "cat")
EMBEDDED = Path(data.__file__).parent / "embedded"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STRIATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def contents(*, seed: int = 0, train: int = 20, test: int = 8) -> dict[str, bytes]:
    """Return the four plain files of a set of 4 x 5 images."""
    random = np.random.default_rng(seed)
    files: dict[str, bytes] = {}
    for prefix, count in (("train", train), ("t10k", test)):
        images = random.integers(0, 256, (count, 4, 5)).astype(np.uint8)
        files[f"{prefix}-images-idx3-ubyte"] = write_idx(images)
        files[f"{prefix}-labels-idx1-ubyte"] = write_idx((np.arange(count) % 3).astype(np.uint8))
    return files


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> NamedSet:
    """Enter the set `tiny`, whose mirror is a folder of this test served by `mirror`."""
    files = {
        name: SetFile(
            name=name,
            sha256=sha256(plain),
            packed=sha256(gzip.compress(plain, mtime=0)),
            packed_bytes=len(gzip.compress(plain, mtime=0)),
        )
        for name, plain in contents().items()
    }
    made = NamedSet(
        name="tiny",
        what="noise",
        licence="none",
        classes=CLASSES,
        flip=False,
        counts=(20, 8),
        files=files,
        mirrors=("https://striate.invalid/",),
        folders=(tmp_path / "packaged",),
        members=False,
    )
    monkeypatch.setitem(NAMED, "tiny", made)
    return made


def put(folder: Path, files: dict[str, bytes], *, packed: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, plain in files.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(plain, mtime=0) if packed else plain)
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def mirror(
    tiny: NamedSet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Generator[NamedSet, None, None]:
    served = put(tmp_path / "served", contents(), packed=True)
    handler = partial(Quiet, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        reachable = replace(tiny, mirrors=(f"{url}none/", url))
        monkeypatch.setitem(NAMED, "tiny", reachable)
        yield reachable
        server.shutdown()
        thread.join()


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def check_tiny(images: data.ImageSet, *, official: bool = True) -> None:
    plain = contents()
    pixels = np.frombuffer(plain["t10k-images-idx3-ubyte"], np.uint8, offset=16)
    assert images["test"].images.numpy().tobytes() == pixels.tobytes()
    assert images["test"].labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert {name: len(images[name]) for name in images} == {"train": 17, "validation": 3, "test": 8}
    assert images.flip is False
    splits = images.manifest["splits"]
    for split, prefix in (("train", "train"), ("validation", "train"), ("test", "t10k")):
        assert splits[split]["archive"] == [
            {"file": name, "sha256": sha256(plain[name])}
            for name in (f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte")
        ]
    assert (images.manifest["doctor"]["warnings"] == []) is official


@pytest.mark.parametrize("packed", [False, True])
def test_files_put_into_the_cache(home: Path, tiny: NamedSet, packed: bool) -> None:
    put(home / "data" / "tiny", contents(), packed=packed)
    check_tiny(data.load("tiny"))


def test_files_of_the_system(tmp_path: Path, tiny: NamedSet) -> None:
    put(tmp_path / "packaged", contents(), packed=True)
    check_tiny(data.load("tiny"))


def test_the_cache_comes_first(home: Path, tmp_path: Path, tiny: NamedSet) -> None:
    put(home / "data" / "tiny", contents())
    put(tmp_path / "packaged", contents(seed=9))
    check_tiny(data.load("tiny"))
    assert find(tiny, "t10k-images-idx3-ubyte") == home / "data/tiny/t10k-images-idx3-ubyte"


def test_however_packed_the_set_is_the_same(home: Path, tiny: NamedSet) -> None:
    folder = put(home / "data" / "tiny", contents())
    plain = data.load("tiny")
    for path in folder.iterdir():
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
        path.unlink()
    packed = data.load("tiny")
    assert packed.fingerprint == plain.fingerprint
    assert packed.manifest == plain.manifest


def test_what_is_missing_is_fetched_once(home: Path, mirror: NamedSet) -> None:
    events: list[Event] = []
    check_tiny(data.load("tiny", progress=events.append))
    assert {event.task for event in events if isinstance(event, Moved)} == {
        f"fetching {name}.gz" for name in mirror.files
    }
    lying = {path.name for path in (home / "data" / "tiny").iterdir() if path.suffix == ".gz"}
    assert lying == {f"{name}.gz" for name in mirror.files}
    events.clear()
    check_tiny(data.load("tiny", progress=events.append))
    assert events == []


def test_without_network_one_line_names_the_files(
    home: Path, tiny: NamedSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    with pytest.raises(DownloadError) as caught:
        data.load("tiny")
    mark = tiny.files["train-images-idx3-ubyte"].packed[:12]
    assert str(caught.value) == (
        "cannot fetch train-images-idx3-ubyte.gz (striate.invalid: no network, or no such host); "
        f"put the file with SHA-256 {mark}… into {home / 'data' / 'tiny'}; tiny needs "
        "train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz there too"
    )
    put(home / "data" / "tiny", contents(), packed=True)  # the remedy that the text names
    check_tiny(data.load("tiny"))


def test_a_packed_file_of_something_else_is_refused(home: Path, tiny: NamedSet) -> None:
    put(home / "data" / "tiny", contents(seed=1), packed=True)
    with pytest.raises(
        DataError, match=r"train-images-idx3-ubyte\.gz is not the file of tiny .*; delete it and"
    ):
        data.load("tiny")


def test_a_plain_file_of_something_else_is_used_and_told(home: Path, tiny: NamedSet) -> None:
    files = contents()
    other = contents(seed=1)["train-images-idx3-ubyte"]
    put(home / "data" / "tiny", files | {"train-images-idx3-ubyte": other})
    events: list[Event] = []
    images = data.load("tiny", progress=events.append)
    assert [event.warning for event in events if isinstance(event, Said)] == [True]
    assert images.manifest["doctor"]["warnings"] == [
        f"train-images-idx3-ubyte is not the official file of tiny: SHA-256 {sha256(other)}"
    ]
    assert images.manifest["splits"]["train"]["archive"][0]["sha256"] == sha256(other)


def labels(*values: int) -> bytes:
    return write_idx(np.array(values, dtype=np.uint8))


DAMAGES = [
    (
        "train-images-idx3-ubyte",
        contents()["train-images-idx3-ubyte"][:-1],
        "is damaged: its header says 20 x 4 x 5",
    ),
    ("t10k-images-idx3-ubyte", labels(1, 2), "has 1 dimensions; it must have 3"),
    (
        "t10k-labels-idx1-ubyte",
        labels(1, 2),
        "t10k-images-idx3-ubyte of tiny has 8 images, but t10k-labels-idx1-ubyte has 2 labels",
    ),
    (
        "t10k-labels-idx1-ubyte",
        labels(0, 1, 2, 3, 0, 1, 2, 0),
        "t10k-labels-idx1-ubyte of tiny has the label 3; the highest can be 2",
    ),
]


@pytest.mark.parametrize(("name", "damaged", "message"), DAMAGES)
def test_damaged_files(home: Path, tiny: NamedSet, name: str, damaged: bytes, message: str) -> None:
    put(home / "data" / "tiny", contents() | {name: damaged})
    with pytest.raises(DataError, match=message):
        data.load("tiny")


def test_copies_stay_together_and_leaks_are_told(home: Path, tiny: NamedSet) -> None:
    files = contents()
    train = np.frombuffer(files["train-images-idx3-ubyte"], np.uint8, offset=16).copy()
    train = train.reshape(20, 4, 5)
    train[3] = train[0]  # both of class 0
    test = np.frombuffer(files["t10k-images-idx3-ubyte"], np.uint8, offset=16).copy()
    test = test.reshape(8, 4, 5)
    test[1] = train[7]
    files["train-images-idx3-ubyte"] = write_idx(train)
    files["t10k-images-idx3-ubyte"] = write_idx(test)
    put(home / "data" / "tiny", files)
    for seed in range(8):
        images = data.load("tiny", seed=seed, validation=0.4)
        doctor = images.manifest["doctor"]
        assert doctor["duplicates"] == [
            ["train-images-idx3-ubyte[0]", "train-images-idx3-ubyte[3]"]
        ]
        (leak,) = doctor["leaks"]
        assert leak["file"] == "t10k-images-idx3-ubyte[1]"
        assert leak["same_as"] == "train-images-idx3-ubyte[7]"
        assert len(images["test"]) == 8  # nothing is taken out of a published half


def test_known_sets(home: Path, tmp_path: Path, tiny: NamedSet) -> None:
    rows = {row.name: row for row in data.known()}
    assert rows["fashion-mini"].where == EMBEDDED
    assert rows["fashion-mini"].images == 12_000
    assert rows["fashion-mini"].bytes < 6_000_000
    assert rows["mnist"].where is None
    assert rows["mnist"].put == home / "data" / "mnist"
    assert rows["mnist"].bytes == 9_912_422 + 28_881 + 1_648_877 + 4_542
    assert rows["mnist"].licence.startswith("CC BY-SA 3.0")
    assert rows["tiny"].where is None
    put(tmp_path / "packaged", contents())
    row = next(row for row in data.known() if row.name == "tiny")
    assert (row.where, row.put) == (tmp_path / "packaged", tmp_path / "packaged")
    assert row.bytes == sum(map(len, contents().values()))
    assert not home.exists()


def test_the_registry() -> None:
    assert list(NAMED) == ["fashion-mini", "fashion-mnist", "mnist"]
    assert NAMED["mnist"].flip is False
    assert NAMED["fashion-mnist"].flip is True
    for entry in NAMED.values():
        assert all(url.startswith("https://") and url.endswith("/") for url in entry.mirrors)
        for file in entry.files.values():
            assert len(bytes.fromhex(file.sha256)) == len(bytes.fromhex(file.packed)) == 32


def test_fetch_gives_what_is_there(home: Path, tiny: NamedSet) -> None:
    put(home / "data" / "tiny", contents())
    assert fetch(tiny, "train-labels-idx1-ubyte") == home / "data/tiny/train-labels-idx1-ubyte"
