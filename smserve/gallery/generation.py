"""Generations: what a gallery is searched with, derived from its records, checksummed, never changed.

generations/000007/{vectors.f32, keys.i64, index.faiss, manifest.json}
CURRENT                 which one to load, and the sha256 of its manifest
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smserve.errors import GalleryDamaged, SmserveError
from smserve.gallery.durable import sync_directory, sync_file, write_durably
from smserve.gallery.index import EXACT, VectorIndex
from smserve.gallery.row import Row

__all__ = [
    "CURRENT",
    "Generation",
    "GenerationManifest",
    "current_number",
    "generation_numbers",
    "is_finished",
    "publish_generation",
]

CURRENT: Final = "CURRENT"
FORMAT_VERSION: Final = 1
_FOLDER: Final = "generations"
_MANIFEST: Final = "manifest.json"
_VECTORS, _KEYS, _INDEX = "vectors.f32", "keys.i64", "index.faiss"


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationManifest:
    """What a generation says about itself.

    Attributes:
        number: Its own.
        model_fingerprint: Of the model that made the vectors.
        dimension: D.
        metric: "cosine".
        item_count: N.
        last_sequence: It holds what was written up to here.
        index: FAISS index string.
        recall: How exact the index is: {"kind": "exact", "recall_at_10": 1.0} for "Flat".
        sha256: File name -> sha256.

    Beside these the file holds `checksum`, the sha256 of the others: CURRENT vouches for one manifest alone, and
    falling back must not believe a damaged one.
    """

    number: int
    model_fingerprint: str
    dimension: int
    metric: str
    item_count: int
    last_sequence: int
    index: str
    recall: dict[str, Any]
    sha256: dict[str, str]
    format_version: int = FORMAT_VERSION


class Generation:
    """A verified generation, open for search."""

    def __init__(self, manifest: GenerationManifest, keys: NDArray[np.int64], index: VectorIndex) -> None:
        self.manifest: Final = manifest
        self.keys: Final = keys  # (N,) position -> key
        self.index: Final = index

    @classmethod
    def open(cls, gallery: Path, number: int, *, manifest_sha256: str | None = None) -> "Generation":
        """Verify every byte and load.

        Raises:
            GalleryDamaged: A file is missing, fails its checksum or does not fit the others.
        """
        folder = _folder(gallery, number)
        manifest = _read_manifest(folder, number, manifest_sha256)
        for name in (_VECTORS, _KEYS, _INDEX):
            if manifest.sha256.get(name) != _sha256(folder / name):
                raise GalleryDamaged(f"{folder / name} fails its checksum")
        keys = np.fromfile(folder / _KEYS, dtype="<i8")
        index = VectorIndex.load(folder / _INDEX)
        sizes = (len(keys), len(index), index.dimension)
        if sizes != (manifest.item_count, manifest.item_count, manifest.dimension):
            raise GalleryDamaged(f"{folder} holds {sizes} keys, vectors and D; its manifest says otherwise")
        return cls(manifest, keys, index)


def generation_numbers(gallery: Path) -> list[int]:
    """Return the generations that are there, newest first; whether they are sound is another question."""
    folder = gallery / _FOLDER
    if not folder.is_dir():
        return []
    return sorted((int(path.name) for path in folder.iterdir() if path.name.isdecimal()), reverse=True)


def current_number(gallery: Path) -> tuple[int, str] | None:
    """Return the number in CURRENT and the sha256 of its manifest; None where nothing was published.

    Raises:
        GalleryDamaged: CURRENT can't be read.
    """
    path = gallery / CURRENT
    try:
        document = json.loads(path.read_bytes())
        return int(document["generation"]), str(document["manifest_sha256"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GalleryDamaged(f"{path} can't be read ({error!r})") from None


def is_finished(gallery: Path) -> bool:
    """Whether a gallery stands there that can be searched: something was published, whether or not CURRENT is lost."""
    return (gallery / CURRENT).exists() or bool(generation_numbers(gallery))


def publish_generation(
    gallery: Path, rows: Iterable[Row], *, model_fingerprint: str, dimension: int, metric: str, last_sequence: int
) -> int:
    """Write the next generation from rows, switch CURRENT to it, and return its number.

    The one before stays, for falling back; older ones are removed.
    """
    numbers = generation_numbers(gallery)
    number = (numbers[0] if numbers else 0) + 1
    partial = gallery / _FOLDER / f".{number:06d}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        keys = _write_vectors(partial, rows)
        vectors = np.fromfile(partial / _VECTORS, dtype="<f4").reshape(len(keys), dimension)
        VectorIndex.build(vectors).save(partial / _INDEX)
        manifest = GenerationManifest(
            number=number,
            model_fingerprint=model_fingerprint,
            dimension=dimension,
            metric=metric,
            item_count=len(keys),
            last_sequence=last_sequence,
            index=EXACT,
            recall={"kind": "exact", "recall_at_10": 1.0},
            sha256={name: _sha256(partial / name) for name in (_VECTORS, _KEYS, _INDEX)},
        )
        fields = asdict(manifest)
        document = json.dumps({**fields, "checksum": _checksum(fields)}, indent=1, sort_keys=True).encode()
        (partial / _MANIFEST).write_bytes(document)
        for path in partial.iterdir():
            sync_file(path)
        sync_directory(partial)
        partial.replace(_folder(gallery, number))
        sync_directory(gallery / _FOLDER)
    except OSError as error:
        raise SmserveError(
            f"generation {number} of {gallery} can't be written: {error.strerror}; nothing is lost, run again once "
            f"that is mended"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # gone already where all went well
    current = {"generation": number, "manifest_sha256": hashlib.sha256(document).hexdigest()}
    write_durably(gallery / CURRENT, json.dumps(current).encode())
    for old in numbers[1:]:
        shutil.rmtree(_folder(gallery, old), ignore_errors=True)
    return number


def _write_vectors(folder: Path, rows: Iterable[Row]) -> list[int]:
    """Stream vectors and keys into their files; returns the keys."""
    keys = []
    with (folder / _VECTORS).open("wb") as vectors:
        for row in rows:
            vectors.write(row.vector)
            keys.append(row.key)
    (folder / _KEYS).write_bytes(np.array(keys, "<i8").tobytes())
    return keys


def _folder(gallery: Path, number: int) -> Path:
    return gallery / _FOLDER / f"{number:06d}"


def _read_manifest(folder: Path, number: int, sha256: str | None) -> GenerationManifest:
    path = folder / _MANIFEST
    try:
        data = path.read_bytes()
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise GalleryDamaged(f"{path} fails the checksum in {CURRENT}")
        document = json.loads(data)
        if document.pop("checksum") != _checksum(document):
            raise GalleryDamaged(f"{path} fails its own checksum")
        manifest = GenerationManifest(**document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryDamaged(f"{path} can't be read ({error!r})") from None
    if manifest.format_version != FORMAT_VERSION or manifest.number != number:
        raise GalleryDamaged(
            f"{path} is of generation {manifest.number}, format {manifest.format_version}; wanted {number} and "
            f"{FORMAT_VERSION}"
        )
    return manifest


def _checksum(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise GalleryDamaged(f"{path} can't be read ({error.strerror})") from None
