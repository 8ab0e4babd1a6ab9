"""Published data sets in small: archives packed from the trees, and what a data set made of them must come to."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from training.datasets.assemble import count
from training.datasets.benchmark import ArchiveFile, Benchmark


def pack_tgz(trees: Mapping[str, Path]) -> bytes:
    """Pack folders under the names given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, tree in trees.items():
            archive.add(tree, name)
    return buffer.getvalue()


def pack_zip(files: Mapping[str, bytes]) -> bytes:
    """Pack files under the names given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def files_below(tree: Path, top: str) -> dict[str, bytes]:
    """Return the files of a tree, named below `top`."""
    return {f"{top}/{path.relative_to(tree)}": path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def in_small(benchmark: Benchmark, tree: Path, archives: Mapping[str, bytes] | None = None, url: str = "") -> Benchmark:
    """Return a benchmark that must come to what a tree holds, from archives of known size and sum (In-Shop's: none)."""
    official = count(benchmark.read(tree, True)) if benchmark.official is not None else None
    packed = archives or {}
    files = tuple(
        tuple(_known(file, packed[file.name]) if file.name in packed else file for file in files)
        for files in benchmark.file_sets
    )
    return replace(benchmark, counts=count(benchmark.read(tree, False)), official=official, file_sets=files, url=url)


def _known(file: ArchiveFile, content: bytes) -> ArchiveFile:
    if file.md5 is None:
        return file
    return replace(file, size=len(content), md5=hashlib.md5(content, usedforsecurity=False).hexdigest())
