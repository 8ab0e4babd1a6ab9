"""Disks that are full: a limit on the size of files, and a small disk in memory where one can be mounted."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.crashing.writes import DIMENSION, MODEL, lost, writes_of
from smserve.errors import DiskFull
from smserve.gallery import LiveGallery
from smserve.types import FieldMask
from tests.gallery.brute_force import unit_vectors

__all__ = ["fill_disks"]

_LIMIT_BYTES = 150_000
_DISK_BYTES = 16_000_000
_BALLAST_BYTES = 14_000_000  # removed to make room again; a write-ahead log alone grows to 4 MB
_AFTERWARDS = 100  # writes once there is room


def fill_disks(place: Path, seeds: int) -> tuple[list[int], list[str]]:
    """Fill disks until writes are refused, search, make room, and go on.

    Returns:
        Of each try the items lost or wrong, and the kinds of disk that it was tried with.
    """
    wrong, kinds = [_fill(place / f"limit-{seed}", seed, _limited) for seed in range(seeds)], ["a limit on file sizes"]
    disk = place / "disk"
    disk.mkdir()
    for seed in range(seeds):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(disk)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            print("No disk in memory could be mounted (that takes root); only the limit on file sizes was tried.")
            return wrong, kinds
        try:
            wrong.append(_fill(disk / "gallery", seed, _crowded))
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
    return wrong, [*kinds, f"a disk of {_DISK_BYTES:,} bytes"]


def _fill(path: Path, seed: int, full: Callable[[Path], Iterator[None]]) -> int:
    """Return how many items are lost or wrong in the end."""
    LiveGallery.create(path, model_fingerprint=MODEL, dimension=DIMENSION)
    done, writes = 0, writes_of(seed)
    write, queries = next(writes), unit_vectors(2, DIMENSION, seed)
    with LiveGallery.open(path, compaction=None) as gallery:
        with contextmanager(full)(path):
            refused = False
            while not refused:
                try:
                    write.to(gallery, f"write-{done}")
                    done, write = done + 1, next(writes)
                except DiskFull:
                    refused = True
            with suppress(DiskFull):  # a small generation may still fit below a limit on file sizes
                gallery.compact()
            gallery.search(queries, 10, FieldMask())  # reads go on
        for _ in range(_AFTERWARDS):  # the refused one first, under its own request id
            write.to(gallery, f"write-{done}")
            done, write = done + 1, next(writes)
        gallery.compact()
    return lost(path, seed, done)


def _limited(path: Path) -> Iterator[None]:  # noqa: ARG001 - the same for all
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _crowded(path: Path) -> Iterator[None]:
    ballast = path.with_name("ballast")
    ballast.write_bytes(bytes(_BALLAST_BYTES))
    yield
    ballast.unlink()
