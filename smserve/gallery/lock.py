"""LOCK: held by the one process that writes to a gallery; it names its pid."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from smserve.errors import GalleryLocked

__all__ = ["FILE_NAME", "alone", "check_not_locked", "take_lock"]

FILE_NAME: Final = "LOCK"


def take_lock(gallery: Path) -> int:
    """Return the descriptor of the locked file, which holds our pid; the lock ends with it or with the process.

    Raises:
        GalleryLocked: Another one holds it; its pid is named.
        OSError: The file can't be made.
    """
    descriptor = os.open(gallery / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        locked = _locked(gallery, descriptor)
        os.close(descriptor)
        raise locked from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def check_not_locked(gallery: Path) -> None:
    """Look whether a gallery can be written to, and change nothing.

    Raises:
        GalleryLocked: Another process does so; its pid is named.
    """
    with contextlib.suppress(FileNotFoundError):  # nobody has ever written to it
        descriptor = os.open(gallery / FILE_NAME, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _locked(gallery, descriptor) from None
        finally:
            os.close(descriptor)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let nobody else be in such a block for this folder meanwhile, waiting for them; for a moment's work."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _locked(gallery: Path, descriptor: int) -> GalleryLocked:
    holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
    return GalleryLocked(
        f"gallery {gallery} is being written to by process {holder}; wait for it to end, stop it, or, if it is a "
        f"server, write through it (--server HOST:PORT)"
    )
