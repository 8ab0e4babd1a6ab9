"""Get a published data set's files: unpacked by hand, from archives put into its folder, or downloaded."""

import os
from pathlib import Path
from typing import Final

from smserve.errors import DataLoss, NotFound, Unavailable
from training.datasets.archive import checksum, unpack_together
from training.datasets.benchmark import ArchiveFile, Benchmark
from training.datasets.download import RemoteFile, download
from training.datasets.lock import exclusive
from training.datasets.progress import Progress, silent

__all__ = ["check_file", "dropped_set", "find_file", "find_unpacked", "obtain", "what_to_do"]

_UNPACKED: Final = "unpacked"


def obtain(benchmark: Benchmark, folder: Path, progress: Progress = silent) -> Path:
    """Return the root of the unpacked files at `folder`; unpacks, or downloads, what is not there yet.

    Raises:
        NotFound: It is not there and can't be downloaded; the message says what to put where.
        DataLoss: An archive is not what it should be.
        SmserveError: The disk is full, or the folder can't be written.
    """
    root = find_unpacked(benchmark, folder)
    if root is not None:
        return root
    with exclusive(folder):
        if not (folder / _UNPACKED).exists():  # another process may have come first
            files = _checked(benchmark, folder, progress) or [_download(benchmark, folder, progress)]
            unpack_together(files, folder / _UNPACKED, benchmark.is_wanted, progress)
    root = benchmark.find(folder / _UNPACKED)
    if root is None:
        raise DataLoss(
            f"{folder / _UNPACKED} holds no {benchmark.title}; wanted {benchmark.layout}; remove that folder and "
            f"run again"
        )
    return root


def find_unpacked(benchmark: Benchmark, folder: Path) -> Path | None:
    """Return the root of unpacked files at `folder`, those put there by hand first; None where there are none."""
    return benchmark.find(folder) or benchmark.find(folder / _UNPACKED)


def find_file(file: ArchiveFile, folder: Path) -> Path | None:
    """Return where a file was put, or None."""
    places = (folder / below / file.name for below in ("", *file.folders))
    return next((place for place in places if place.is_file()), None)


def dropped_set(benchmark: Benchmark, folder: Path) -> tuple[ArchiveFile, ...] | None:
    """Return the first set of files that was put into `folder` whole, or None."""
    for files in benchmark.file_sets:
        if all(find_file(file, folder) is not None for file in files):
            return files
    return None


def check_file(path: Path, file: ArchiveFile, progress: Progress = silent) -> str | None:
    """Return what is wrong with a file, as a message; None where size and sum are right as far as they are known."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        found = f"{size:,} bytes"
    elif file.md5 is None:
        return None
    else:
        found = f"md5 {checksum(path, 'md5', progress)}"
        if found == f"md5 {file.md5}":
            return None
    return f"{path} has {found}, wanted {file.describe()}; remove it and get it again"


def what_to_do(benchmark: Benchmark, folder: Path, *, offer_url: bool = True) -> str:
    """Return which files to put where, for a message.

    Args:
        benchmark: The data set.
        folder: Its folder.
        offer_url: Name the variable that tells where to download from.
    """
    sets = [" and ".join(file.describe() for file in files) for files in benchmark.file_sets]
    lacking = [file.name for files in benchmark.file_sets for file in files if find_file(file, folder) is None]
    there = [file.name for file in benchmark.files if file.name not in lacking]
    parts = [f"put {', or else '.join(sets)} into {folder} (from {benchmark.origin})"]
    parts.append(f"or put the unpacked files there: {benchmark.layout}")
    if there:
        parts.append(f"of these, {', '.join(there)} is there already")
    if offer_url and _is_downloadable(benchmark):
        parts.append(f"or set {benchmark.url_variable} to a place to download it from")
    return "; ".join(parts)


def _checked(benchmark: Benchmark, folder: Path, progress: Progress) -> list[Path]:
    """Return the files that were put there, whole and unharmed; none where no set is complete."""
    paths: list[Path] = []
    for file in dropped_set(benchmark, folder) or ():
        path = find_file(file, folder)
        if path is None:
            return []  # taken away this very moment
        problem = check_file(path, file, progress)
        if problem is not None:
            raise DataLoss(problem)
        paths.append(path)
    return paths


def _is_downloadable(benchmark: Benchmark) -> bool:
    """Say whether its first set is one file that can be known again."""
    files = benchmark.file_sets[0]
    return len(files) == 1 and files[0].size is not None and files[0].md5 is not None


def _download(benchmark: Benchmark, folder: Path, progress: Progress) -> Path:
    url = os.environ.get(benchmark.url_variable) or benchmark.url
    file = benchmark.file_sets[0][0]
    if not url or not _is_downloadable(benchmark) or file.size is None or file.md5 is None:
        raise NotFound(f"data set {benchmark.name} is not there: {what_to_do(benchmark, folder)}")
    try:
        return download(RemoteFile(name=file.name, url=url, size=file.size, md5=file.md5), folder, progress=progress)
    except Unavailable as error:
        raise NotFound(
            f"data set {benchmark.name} is not there and can't be downloaded ({error.message}): "
            f"{what_to_do(benchmark, folder, offer_url=False)}; or run again with a network"
        ) from None
