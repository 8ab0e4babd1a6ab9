"""Files that are there whole or not at all, whenever a process or a machine stops."""

import os
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write a file; an older one of that name stays until the new one is safe on disk. Its folder is made.

    Raises:
        OSError: It can't be written; the older one is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too
    finally:
        os.close(folder)
