"""No room left: nothing is acknowledged, nothing that was is lost, and it goes on once there is room."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smserve.errors import SmserveError
from smserve.gallery import write_durably
from smserve.gallery.committed import read_committed
from tests.gallery.conftest import Published, numbered
from tests.gallery.test_local import writer_of


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: a full disk without a disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a Linux device")  # noqa: PTH110 - a literal
def test_a_file_that_can_not_be_written_keeps_its_old_content(tmp_path: Path) -> None:
    write_durably(tmp_path / "file", b"old")
    (tmp_path / ".file.partial").symlink_to("/dev/full")
    with pytest.raises(SmserveError, match="file can't be written: No space left"):
        write_durably(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_write_without_room_is_not_acknowledged(published: Published) -> None:
    with writer_of(published.path) as writer:
        with files_up_to(4), pytest.raises(SmserveError):
            writer.upsert(numbered(range(40, 50), seed=40))
        assert read_committed(published.path).sequence == 2
        items = numbered(range(50, 60), seed=50)
        writer.upsert(items)
    published.oracle.upsert(items)
    published.check()


@pytest.mark.parametrize("size", [100, 990])  # vectors take 960 bytes, the index a few more
def test_a_publication_without_room_leaves_the_old_one(published: Published, size: int) -> None:
    with writer_of(published.path) as writer:
        with files_up_to(size), pytest.raises(SmserveError, match="can't be written"):
            writer.publish()
        assert sorted(path.name for path in (published.path / "generations").iterdir()) == ["000001", "000002"]
        assert published.check().info().generation == 2
        assert writer.publish() == 3
    assert published.check().info().generation == 3
