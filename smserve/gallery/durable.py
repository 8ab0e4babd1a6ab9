"""Files that are there whole or not at all, also after a power cut."""

import os
from pathlib import Path

from smserve.errors import SmserveError

__all__ = ["sync_directory", "sync_file", "write_durably"]


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


def write_durably(path: Path, data: bytes) -> None:
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
        partial.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise SmserveError(f"{path} can't be written: {error.strerror}; mend that and run again") from None
