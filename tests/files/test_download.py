"""Downloads from a server on this machine: what arrives, and everything that must not."""

import hashlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from striate._errors import DownloadError, StorageError
from striate._events import Event, Moved, Said, silent
from striate.files import checked, download, sha256_of

DATA = bytes(range(256)) * 4000  # 1,024,000 bytes: several chunks
HASH = hashlib.sha256(DATA).hexdigest()
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Answers each path as `answers` says and counts the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {"/good": whole}
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked.append(self.path)
        with suppress(BrokenPipeError, ConnectionResetError):  # the client had enough
            server.answers.get(self.path, missing)(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


def whole(request: BaseHTTPRequestHandler, *, data: bytes = DATA, length: bool = True) -> None:
    request.send_response(200)
    if length:
        request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)


def missing(request: BaseHTTPRequestHandler) -> None:
    request.send_error(404)


@pytest.fixture
def server() -> Generator[Server, None, None]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_the_file_arrives_with_progress(server: Server, tmp_path: Path) -> None:
    events: list[Event] = []
    target = tmp_path / "deep" / "a.bin"
    path = download(
        [server.url("/good")], target, sha256=HASH, size_cap=len(DATA), progress=events.append
    )
    assert path == target
    assert target.read_bytes() == DATA
    assert not target.with_name("a.bin.part").exists()
    moves = [event for event in events if isinstance(event, Moved)]
    assert moves == events
    assert (moves[0].done, moves[-1].done) == (0, len(DATA))
    assert {move.total for move in moves} == {len(DATA)}
    assert {(move.task, move.unit) for move in moves} == {("fetching a.bin", "bytes")}
    assert [move.done for move in moves] == sorted(move.done for move in moves)


def test_without_a_length_the_last_event_is_the_total(server: Server, tmp_path: Path) -> None:
    server.answers["/good"] = lambda request: whole(request, length=False)
    events: list[Event] = []
    download(
        [server.url("/good")],
        tmp_path / "a",
        sha256=HASH,
        size_cap=len(DATA),
        progress=events.append,
    )
    first, last = events[0], events[-1]
    assert isinstance(first, Moved)
    assert first.total is None
    assert isinstance(last, Moved)
    assert last.done == last.total == len(DATA)


def test_a_file_that_is_there_is_not_fetched(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(DATA)
    download([server.url("/good")], tmp_path / "a", sha256=HASH, size_cap=len(DATA))
    assert server.asked == []


def test_a_file_that_is_there_but_another_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"other")
    with pytest.raises(DownloadError, match=rf"a is not the file .* must be {HASH[:12]}…\); del"):
        download([server.url("/good")], tmp_path / "a", sha256=HASH, size_cap=len(DATA))
    assert (tmp_path / "a").read_bytes() == b"other"
    (tmp_path / "a").unlink()  # the remedy that the text names
    download([server.url("/good")], tmp_path / "a", sha256=HASH, size_cap=len(DATA))


def test_a_part_from_a_killed_process_is_begun_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"rubbish" * 300_000)  # longer than the file
    download([server.url("/good")], tmp_path / "a", sha256=HASH, size_cap=len(DATA))
    assert (tmp_path / "a").read_bytes() == DATA
    assert not (tmp_path / "a.part").exists()


def broken_off(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(DATA)))
    request.end_headers()
    request.wfile.write(DATA[:1000])


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(DATA)


def silent_server(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(DATA)))
    request.end_headers()
    time.sleep(1)


def away(to: str) -> Answer:
    def redirect(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", to)
        request.end_headers()

    return redirect


BAD: list[tuple[Answer, str]] = [
    (missing, "127.0.0.1: answers 404"),
    (lambda request: whole(request, data=DATA[::-1]), r"has another file \(SHA-256"),
    (lambda request: whole(request, data=DATA + b"x"), "offers 1024001 bytes, more than 1024000"),
    (lambda request: whole(request, data=b""), "has another file"),
    (endless, "sends more than 1024000 bytes"),
    (broken_off, "broke off after 1000 of 1024000 bytes"),
    (silent_server, "no answer in time"),
    (away("http://striate.invalid/x"), "redirects away from https"),
    (away("file:///etc/hostname"), "answers 302"),
]


@pytest.mark.parametrize(("answer", "reason"), BAD)
def test_bad_mirrors_are_left_for_the_next(
    server: Server, tmp_path: Path, answer: Answer, reason: str
) -> None:
    server.answers["/bad"] = answer
    urls = [server.url("/bad")]
    target = tmp_path / "a"
    events: list[Event] = []
    with pytest.raises(DownloadError, match=reason) as caught:
        download(urls, target, sha256=HASH, size_cap=len(DATA), timeout=0.3, progress=events.append)
    assert all(event.done <= len(DATA) for event in events if isinstance(event, Moved))
    text = str(caught.value)
    assert text.startswith("cannot fetch a (")
    assert text.endswith(f"put the file with SHA-256 {HASH[:12]}… into {tmp_path}")
    assert "\n" not in text
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".lock"] == []
    download([*urls, server.url("/good")], target, sha256=HASH, size_cap=len(DATA), timeout=0.3)
    assert target.read_bytes() == DATA


def test_redirects_on_this_machine_are_followed(server: Server, tmp_path: Path) -> None:
    server.answers["/moved"] = away(server.url("/good"))
    download([server.url("/moved")], tmp_path / "a", sha256=HASH, size_cap=len(DATA))
    assert server.asked == ["/moved", "/good"]


@pytest.mark.parametrize("url", ["http://example.org/a", "ftp://example.org/a", "file:///etc/x"])
def test_only_https(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="is not https"):
        download([url], tmp_path / "a", sha256=HASH, size_cap=1)


def test_without_network_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    with pytest.raises(DownloadError) as caught:
        download(
            ["https://one.example/a.gz", "https://two.example/a.gz"],
            tmp_path / "a.gz",
            sha256=HASH,
            size_cap=1,
        )
    assert str(caught.value) == (
        "cannot fetch a.gz (one.example: no network, or no such host; two.example: no network, or "
        f"no such host); put the file with SHA-256 {HASH[:12]}… into {tmp_path}"
    )


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot make the folder"):
        download([server.url("/good")], tmp_path / "file" / "a", sha256=HASH, size_cap=len(DATA))
    (tmp_path / "a.part").mkdir()  # stands for any disk that refuses to open the file
    with pytest.raises(StorageError, match=r"cannot write .*a"):
        download([server.url("/good")], tmp_path / "a", sha256=HASH, size_cap=len(DATA))


def test_two_processes_fetch_once(server: Server, tmp_path: Path) -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.5)
        whole(request)

    server.answers["/slow"] = slow
    code = (
        "import sys; from pathlib import Path; from striate.files import download\n"
        "download([sys.argv[1]], Path(sys.argv[2]), sha256=sys.argv[3], size_cap=2_000_000)"
    )
    arguments = [server.url("/slow"), str(tmp_path / "a"), HASH]
    command = [sys.executable, "-c", code, *arguments]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert server.asked == ["/slow"]
    assert (tmp_path / "a").read_bytes() == DATA


def test_who_waits_for_the_lock_is_told(server: Server, tmp_path: Path) -> None:
    asked, go = threading.Event(), threading.Event()

    def held(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        go.wait(10)
        whole(request)

    server.answers["/held"] = held
    events: list[Event] = []

    def told(event: Event) -> None:
        events.append(event)
        go.set()

    def fetch(progress: Callable[[Event], None]) -> None:
        url = server.url("/held")
        download([url], tmp_path / "a", sha256=HASH, size_cap=len(DATA), progress=progress)

    first = threading.Thread(target=fetch, args=(silent,))
    first.start()
    assert asked.wait(10)
    fetch(told)
    first.join()
    assert events == [Said(text="waiting for another process that fetches a")]
    assert server.asked == ["/held"]


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")  # the example of FIPS 180-4
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "a") == known
    assert checked(tmp_path / "a", known) == tmp_path / "a"
    with pytest.raises(DownloadError, match=r"cannot read .*gone: No such file"):
        checked(tmp_path / "gone", known)
