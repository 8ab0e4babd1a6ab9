"""Write a generation and switch to it: whole or not at all."""

import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from smserve.errors import DiskFull, GalleryDamaged
from smserve.gallery.bitmap import Positions
from smserve.gallery.durable import sync_directory, sync_file, write_failed
from smserve.gallery.generation import (
    FOLDER,
    INDEX,
    KEYS,
    MANIFEST,
    VECTORS,
    GenerationManifest,
    generation_folder,
    generation_numbers,
    manifest_bytes,
    mapped_vectors,
)
from smserve.gallery.index import VectorIndex
from smserve.gallery.points import At, nowhere
from smserve.gallery.row import Row
from smserve.gallery.view import View
from smserve.types import FloatArray

__all__ = [
    "BuiltIndex",
    "Chunk",
    "IndexBuilder",
    "drop_generations",
    "exact_index",
    "from_rows",
    "from_view",
    "write_generation",
]

Chunk = tuple[Positions, FloatArray]
"""Keys (C,), ascending and larger than those of the chunk before, and vectors (C, D)."""

_ROWS: Final = 4096  # of a chunk: copying it holds Python's lock for well under a millisecond


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BuiltIndex:
    """An index over all vectors of a generation.

    Attributes:
        index: The index.
        recall: How exact it is; JSON, for the manifest.
    """

    index: VectorIndex
    recall: dict[str, Any]


IndexBuilder = Callable[[FloatArray], BuiltIndex]
"""Makes an index from vectors (N, D), which may lie in a file; what it raises ends the publication."""


def exact_index(vectors: FloatArray) -> BuiltIndex:
    """Return an index that compares with every vector."""
    return BuiltIndex(index=VectorIndex.build(vectors), recall={"kind": "exact", "recall_at_10": 1.0})


def from_rows(rows: Iterable[Row]) -> Iterator[Chunk]:
    """Yield what the records hold."""
    left = iter(rows)
    while some := list(itertools.islice(left, _ROWS)):
        yield np.array([row.key for row in some], np.int64), np.stack([row.embedding() for row in some])


def from_view(view: View) -> Iterator[Chunk]:
    """Yield what can be found in a view, without asking the records.

    Raises:
        GalleryDamaged: The generation's vectors are not those that were verified when it was opened.
    """
    if view.generation is not None:
        keys, vectors = view.generation.keys, view.generation.vectors
        kept = np.ones(len(keys), np.bool_) if view.kept is None else view.kept.booleans()
        seen = hashlib.sha256()
        for start in range(0, len(keys), _ROWS):
            part = slice(start, start + _ROWS)
            chunk = np.array(vectors[part])
            seen.update(chunk.data)
            yield keys[part][kept[part]], chunk[kept[part]]
        if seen.hexdigest() != view.generation.manifest.sha256[VECTORS]:
            raise GalleryDamaged(f"{VECTORS} of generation {view.number} has changed since it was opened")
    living = view.fresh.living()
    yield view.fresh.keys[living], view.fresh.vectors[living]


def write_generation(
    gallery: Path,
    chunks: Iterable[Chunk],
    *,
    model_fingerprint: str,
    dimension: int,
    metric: str,
    expected_count: int,
    last_sequence: int,
    build_index: IndexBuilder = exact_index,
    at: At = nowhere,
) -> tuple[GenerationManifest, str]:
    """Write the next generation, which is not in use yet.

    Args:
        gallery: Its folder.
        chunks: Keys and vectors.
        model_fingerprint: Of the gallery.
        dimension: Of the gallery.
        metric: Of the gallery.
        expected_count: Items there will be, for the room that they need.
        last_sequence: The chunks hold what was written up to here.
        build_index: Makes the index.
        at: Told of points, between which it may raise, too.

    Returns:
        Its manifest, and the sha256 of that.

    Raises:
        DiskFull: There is no room for it.
        SmserveError: It can't be written.
    """
    at("generation.begun")
    number = max(generation_numbers(gallery), default=0) + 1
    partial = gallery / FOLDER / f".{number:06d}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        _check_room(gallery, number, expected_count, dimension)
        at("generation.folder")
        count = _write_vectors(partial, chunks, at)
        built = build_index(mapped_vectors(partial / VECTORS, dimension))
        built.index.save(partial / INDEX)
        at("generation.index")
        manifest = GenerationManifest(
            number=number,
            model_fingerprint=model_fingerprint,
            dimension=dimension,
            metric=metric,
            item_count=count,
            last_sequence=last_sequence,
            index=built.index.choice.index,
            recall={**built.recall, "choice": built.index.choice.to_dict()},
            sha256={name: _sha256(partial / name) for name in (VECTORS, KEYS, INDEX)},
        )
        data = manifest_bytes(manifest)
        (partial / MANIFEST).write_bytes(data)
        at("generation.manifest")
        for path in partial.iterdir():
            sync_file(path)
        sync_directory(partial)
        at("generation.synced")
        partial.replace(generation_folder(gallery, number))
        at("generation.named")
        sync_directory(gallery / FOLDER)
        at("generation.whole")
    except OSError as error:
        raise write_failed(f"generation {number} of {gallery}", error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # gone already where all went well
    return manifest, hashlib.sha256(data).hexdigest()


def drop_generations(gallery: Path, keep: Iterable[int]) -> None:
    """Remove the folders of all generations but some."""
    for number in set(generation_numbers(gallery)) - set(keep):
        shutil.rmtree(generation_folder(gallery, number), ignore_errors=True)


def _check_room(gallery: Path, number: int, count: int, dimension: int) -> None:
    """Refuse at once what would fill the disk; an index is reckoned as large as the vectors."""
    needed = count * (2 * 4 * dimension + 8) + 2**20
    free = shutil.disk_usage(gallery).free
    if free < needed:
        raise DiskFull(
            f"generation {number} of gallery {gallery} needs {needed:,} bytes, {free:,} are free; free some disk "
            f"space, then compact again; the gallery is searched and written to as before"
        )


def _write_vectors(folder: Path, chunks: Iterable[Chunk], at: At) -> int:
    """Stream vectors and keys into their files; returns how many there are."""
    keys = []
    with (folder / VECTORS).open("wb") as file:
        for some, vectors in chunks:
            file.write(np.ascontiguousarray(vectors, "<f4").data)
            keys.append(some)
    at("generation.vectors")
    every = np.concatenate([*keys, np.empty(0, np.int64)])
    (folder / KEYS).write_bytes(every.astype("<i8").tobytes())
    at("generation.keys")
    return len(every)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
