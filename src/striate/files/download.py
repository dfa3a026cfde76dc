"""One file from one of several mirrors, checked by its hash."""

import hashlib
import http.client
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from filelock import AcquireReturnProxy, FileLock, Timeout

from striate._errors import DownloadError, StriateError
from striate._events import Moved, Progress, Said, silent
from striate.files.atomic import make_folder, replace_durably, storage_error
from striate.files.names import printable

__all__ = ["checked", "download", "sha256_of"]

_CHUNK = 1 << 18
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def download(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str,
    size_cap: int,
    timeout: float = 30.0,
    progress: Progress = silent,
) -> Path:
    """Return `target`, fetched from the first of `urls` that gives the right bytes.

    If it is there already, only its hash is checked. Bytes go to `<name>.part` and are renamed when
    their hash is right, so `target` is never half a file; a `.part` left by a killed process is
    begun anew. A lock file beside it keeps two processes from fetching the same file twice.

    Args:
        urls: Mirrors, best first; https, or http on this machine (for tests).
        target: Path of the file; its folder is made.
        sha256: Hash that the file must have, in hex.
        size_cap: Most bytes to take; a mirror that sends more is left.
        timeout: Longest wait for a mirror's next bytes, in seconds.
        progress: Gets `Moved` events in bytes.

    Raises:
        DownloadError: No mirror gave the file, or the one that is there is another. The text
            says which file to put where.
        StorageError: The folder or the file cannot be written.
    """
    try:
        if target.exists():
            return checked(target, sha256)
        make_folder(target.parent)
        with _lock(target, progress):
            if target.exists():  # fetched by the process that held the lock before
                return checked(target, sha256)
            return _first_good(urls, target, sha256, size_cap, timeout, progress)
    except OSError as error:
        if isinstance(error, StriateError):
            raise
        raise storage_error("write", target, error) from error


def checked(path: Path, sha256: str) -> Path:
    """Return `path` if the file has this hash.

    Raises:
        DownloadError: It has another one, or cannot be read.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        raise DownloadError(f"cannot read {printable(path)}: {error.strerror or error}") from error
    if found != sha256:
        raise DownloadError(
            f"{printable(path)} is not the file expected (SHA-256 {found[:12]}…, must be "
            f"{sha256[:12]}…); delete it and run again, or put the right one there"
        )
    return path


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file in hex, read in pieces."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lock(target: Path, progress: Progress) -> AcquireReturnProxy:
    """Take the lock of `target`, telling the user if another process holds it."""
    lock = FileLock(f"{target}.lock")
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        progress(Said(text=f"waiting for another process that fetches {printable(target.name)}"))
        return lock.acquire()


def _first_good(
    urls: Sequence[str],
    target: Path,
    sha256: str,
    size_cap: int,
    timeout: float,
    progress: Progress,
) -> Path:
    part = target.with_name(target.name + ".part")
    reasons: list[str] = []
    try:
        for url in urls:
            try:
                with _opened(url, timeout) as answer, part.open("wb") as file:
                    _copy(answer, file, target.name, sha256, size_cap, progress)
            except _RefusedError as refusal:
                reasons.append(f"{urlsplit(url).hostname}: {refusal}")
            else:
                replace_durably(part, target)
                return target
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    raise DownloadError(
        f"cannot fetch {printable(target.name)} ({'; '.join(reasons) or 'no mirror'}); "
        f"put the file with SHA-256 {sha256[:12]}… into {printable(target.parent)}"
    )


def _copy(
    answer: http.client.HTTPResponse,
    file: IO[bytes],
    name: str,
    sha256: str,
    size_cap: int,
    progress: Progress,
) -> None:
    """Copy the answer into the file and flush it; refuse what is too long or has another hash."""
    length = answer.headers.get("Content-Length", "")
    total = int(length) if length.isascii() and length.isdigit() else None
    if total is not None and total > size_cap:
        raise _RefusedError(f"offers {total} bytes, more than {size_cap}")
    task = f"fetching {printable(name)}"
    progress(Moved(task=task, done=0, total=total, unit="bytes"))
    digest, done = hashlib.sha256(), 0
    while chunk := _read(answer):
        done += len(chunk)
        if done > size_cap:
            raise _RefusedError(f"sends more than {size_cap} bytes")
        digest.update(chunk)
        file.write(chunk)
        progress(Moved(task=task, done=done, total=total, unit="bytes"))
    if total is not None and done < total:
        raise _RefusedError(f"broke off after {done} of {total} bytes")
    if digest.hexdigest() != sha256:
        raise _RefusedError(f"has another file (SHA-256 {digest.hexdigest()[:12]}…)")
    if total is None:
        progress(Moved(task=task, done=done, total=done, unit="bytes"))
    file.flush()
    os.fsync(file.fileno())


class _RefusedError(Exception):
    """Why a mirror was left, in a few words."""


def _opened(url: str, timeout: float) -> http.client.HTTPResponse:
    if not _allowed(url):
        raise _RefusedError("is not https")
    request = urllib.request.Request(
        url, headers={"User-Agent": "striate", "Accept-Encoding": "identity"}
    )
    try:
        return urllib.request.build_opener(_Redirects()).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        raise _RefusedError(f"answers {error.code}") from error
    except urllib.error.URLError as error:
        raise _RefusedError(_reason(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _RefusedError(_reason(error)) from error


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _RefusedError(_reason(error)) from error


def _reason(error: object) -> str:
    """Return one line on what went wrong."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "no network, or no such host"
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return printable(text.splitlines()[0])


def _allowed(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https only, or from this machine to itself."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: Any,
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the next request, as the library would, or refuse."""
        secure = urlsplit(newurl).scheme == "https"
        if not secure and not (urlsplit(req.full_url).scheme == "http" and _allowed(newurl)):
            raise _RefusedError("redirects away from https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
