"""Fetch one large file over HTTP, and go on where a broken connection stopped.

Of the libraries that fetch data sets, pooch and torchvision start again from nothing, which is no way to get a
gigabyte over a poor line; hence this small client of HTTP's range requests (RFC 9110, section 14).
"""

import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from smserve.errors import DataLoss, SmserveError, Unavailable
from training.datasets.archive import checksum
from training.datasets.progress import Progress, silent

__all__ = ["RemoteFile", "download"]

_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = 30.0
_MAX_FRUITLESS_TRIES = 3
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file, where it lives, and how to know it; `size` in bytes, `md5` in hex."""

    name: str
    url: str
    size: int
    md5: str


def download(remote: RemoteFile, folder: Path, *, progress: Progress = silent, pause_s: float = _PAUSE_S) -> Path:
    """Return `folder/<name>`, fetched and checked; a part that an earlier call left is gone on with.

    Args:
        remote: What to fetch.
        folder: Where to; made where it is missing.
        progress: Told the bytes so far.
        pause_s: Wait before another try after the connection broke.

    Raises:
        Unavailable: No connection, or it breaks again and again; what came is kept as `<name>.partial`.
        DataLoss: The whole file came, and is not the one wanted; it is removed.
        SmserveError: The disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{remote.name}.partial"
    first = _size(partial)
    fruitless = 0
    while (before := _size(partial)) < remote.size:
        problem = _fetch_rest(remote, partial, progress)
        after = _size(partial)
        fruitless = 0 if after > before else fruitless + 1
        if after == first or fruitless == _MAX_FRUITLESS_TRIES:  # no network at all is told at once
            raise Unavailable(f"{remote.url} can't be reached: {problem}")
        if after < remote.size:
            time.sleep(pause_s)
    found = checksum(partial, "md5", progress) if _size(partial) == remote.size else f"{_size(partial):,} bytes"
    if found != remote.md5:
        partial.unlink()
        raise DataLoss(
            f"{remote.url} gave another {remote.name} ({found}), wanted {remote.size:,} bytes with md5 {remote.md5}; "
            f"it is removed, so run again"
        )
    return partial.replace(folder / remote.name)


def _fetch_rest(remote: RemoteFile, partial: Path, progress: Progress) -> str:
    """Append what is missing until the connection ends; return why it ended, for a message."""
    have = _size(partial)
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(remote.url, headers=headers)  # noqa: S310 - the data set's own URL, or the user's
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310 - as above
            resumed = reply.status == http.HTTPStatus.PARTIAL_CONTENT
            if resumed and not reply.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                return f"asked for bytes from {have:,}, got {reply.headers.get('Content-Range')!r}"
            _copy(reply, partial, "ab" if resumed else "wb", remote, progress)  # no ranges: all of it comes again
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            partial.unlink()  # it holds more than the server has
        return f"the answer is {error.code} {error.reason}"
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__
    return "the connection closed early"


def _copy(reply: http.client.HTTPResponse, partial: Path, mode: str, remote: RemoteFile, progress: Progress) -> None:
    with partial.open(mode) as file:
        while chunk := reply.read(_CHUNK_BYTES):
            try:
                file.write(chunk)
                file.flush()
            except OSError as error:
                raise SmserveError(
                    f"{partial} can't be written ({error.strerror}); {remote.name} needs {remote.size:,} bytes"
                ) from None
            progress(f"downloading {remote.name}", file.tell(), remote.size)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
