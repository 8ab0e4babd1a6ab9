"""Files that are there whole or not at all, also after a power cut."""

import errno
import os
from pathlib import Path
from typing import Final

from smserve.errors import DiskFull, SmserveError
from smserve.gallery.points import At, nowhere

__all__ = ["sync_directory", "sync_file", "write_durably", "write_failed"]

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def sync_file(path: Path) -> None:
    """Return once the file's bytes are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Return once the directory's entries (names made, renamed, removed) are on disk."""
    sync_file(path)  # a directory is opened and synced like a file


def write_durably(path: Path, data: bytes, at: At = nowhere) -> None:
    """Replace a file in one step, and return once that is on disk; readers see the old or the new content.

    Raises:
        SmserveError: It can't be written; the old content stays.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        at(f"{path.name}.written")
        partial.replace(path)
        at(f"{path.name}.named")
        sync_directory(path.parent)
    except OSError as error:
        raise write_failed(str(path), error) from None


def write_failed(what: str, error: OSError) -> SmserveError:
    """Return our error for a file that can't be written."""
    kind = DiskFull if error.errno in _NO_ROOM else SmserveError
    return kind(f"{what} can't be written: {error.strerror}; nothing is lost, run again once that is mended")
