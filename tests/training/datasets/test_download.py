import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from smserve.errors import DataLoss, Unavailable
from tests.training.datasets.file_server import FileServer, serving
from training.datasets.download import RemoteFile, download

CONTENT = bytes(range(256)) * 40  # 10,240 bytes


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as running:
        yield running


def remote_at(url: str) -> RemoteFile:
    digest = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    return RemoteFile(name="birds.tgz", url=url, size=len(CONTENT), md5=digest)


def test_a_whole_file(server: FileServer, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    path = download(remote_at(server.url), tmp_path / "new", progress=lambda *step: steps.append(step))
    assert path == tmp_path / "new" / "birds.tgz"
    assert path.read_bytes() == CONTENT
    assert ("downloading birds.tgz", 10240, 10240) in steps
    assert list(path.parent.iterdir()) == [path]


def test_a_broken_connection_is_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    server.break_after = 3000
    assert download(remote_at(server.url), tmp_path, pause_s=0.01).read_bytes() == CONTENT
    assert server.seen == [0, 3000, 6000, 9000]


def test_the_next_call_goes_on_where_the_last_one_stopped(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "birds.tgz.partial").write_bytes(CONTENT[:7000])
    assert download(remote_at(server.url), tmp_path).read_bytes() == CONTENT
    assert server.seen == [7000]


def test_a_server_without_ranges_sends_it_all_again(server: FileServer, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "birds.tgz.partial").write_bytes(CONTENT[:7000])
    assert download(remote_at(server.url), tmp_path).read_bytes() == CONTENT


def test_what_came_is_kept_when_the_server_goes_silent(server: FileServer, tmp_path: Path) -> None:
    server.break_after = 0
    (tmp_path / "birds.tgz.partial").write_bytes(CONTENT[:7000])
    with pytest.raises(Unavailable, match="the connection closed early"):
        download(remote_at(server.url), tmp_path, pause_s=0.01)
    assert (tmp_path / "birds.tgz.partial").read_bytes() == CONTENT[:7000]


def test_no_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match="refused"):
        download(remote_at(f"http://127.0.0.1:{port}/"), tmp_path)


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT + b"more"], ids=["other bytes", "too long"])
def test_another_file_is_refused_and_removed(content: bytes, tmp_path: Path) -> None:
    with serving(content) as server, pytest.raises(DataLoss, match="gave another birds"):
        download(remote_at(server.url), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_shorter_file_is_no_endless_loop(tmp_path: Path) -> None:
    with serving(CONTENT[:100]) as server, pytest.raises(Unavailable, match="416"):
        download(remote_at(server.url), tmp_path, pause_s=0.01)
