"""Generations: what a gallery is searched with, derived from its records, checksummed, never changed.

generations/000007/{vectors.f32, keys.i64, index.faiss, manifest.json}
"""

import hashlib
import json
import mmap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smserve.errors import GalleryDamaged, InvalidInput
from smserve.gallery.active import active_folder
from smserve.gallery.bitmap import Bitmap, Positions
from smserve.gallery.current import FILE_NAME as CURRENT
from smserve.gallery.index import IndexChoice, VectorIndex
from smserve.types import FloatArray

__all__ = [
    "FOLDER",
    "INDEX",
    "KEYS",
    "MANIFEST",
    "VECTORS",
    "Generation",
    "GenerationManifest",
    "generation_folder",
    "generation_numbers",
    "is_finished",
    "manifest_bytes",
    "manifest_sha256",
    "mapped_vectors",
    "read_manifest",
]

FORMAT_VERSION: Final = 1
FOLDER: Final = "generations"
MANIFEST: Final = "manifest.json"
VECTORS, KEYS, INDEX = "vectors.f32", "keys.i64", "index.faiss"


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
        recall: How exact the index is: {"kind": "exact", "recall_at_10": 1.0} for "Flat"; and, as "choice", the index
            with its settings, which manifests of before the second look may lack.
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

    def choice(self) -> IndexChoice:
        """Return the index and its settings.

        Raises:
            InvalidInput: This smserve knows none such.
        """
        return IndexChoice.from_dict(self.recall.get("choice", {"index": self.index}))


class Generation:
    """A verified generation, open for search.

    Attributes:
        manifest: What it says about itself.
        keys: (N,) position -> key, ascending.
        vectors: (N, D), mapped from its file.
        index: What is searched.
    """

    def __init__(
        self, manifest: GenerationManifest, keys: NDArray[np.int64], vectors: FloatArray, index: VectorIndex
    ) -> None:
        self.manifest: Final = manifest
        self.keys: Final = keys
        self.vectors: Final = vectors
        self.index: Final = index

    @classmethod
    def open(cls, gallery: Path, number: int, *, manifest_sha256: str | None = None) -> "Generation":
        """Verify every byte and load.

        Raises:
            GalleryDamaged: A file is missing, fails its checksum or does not fit the others.
        """
        folder = generation_folder(gallery, number)
        manifest = read_manifest(gallery, number, manifest_sha256)
        for name in (VECTORS, KEYS, INDEX):
            if manifest.sha256.get(name) != _sha256(folder / name):
                raise GalleryDamaged(f"{folder / name} fails its checksum")
        try:
            keys = np.fromfile(folder / KEYS, dtype="<i8")
            index = VectorIndex.load(folder / INDEX, manifest.choice())
            sizes = (len(keys), len(index), index.dimension, (folder / VECTORS).stat().st_size)
            wanted = (manifest.item_count, manifest.item_count, manifest.dimension)
            if sizes != (*wanted, 4 * manifest.item_count * manifest.dimension) or (np.diff(keys) <= 0).any():
                raise GalleryDamaged(f"{folder} holds {sizes} keys, vectors, D and bytes; its manifest says otherwise")
            vectors = mapped_vectors(folder / VECTORS, manifest.dimension)
        except OSError as error:
            raise GalleryDamaged(f"{folder} can't be read ({error.strerror})") from None
        except InvalidInput as error:
            raise GalleryDamaged(f"{folder} can't be searched ({error.message})") from None
        return cls(manifest, keys, vectors, index)

    def positions_of(self, keys: NDArray[np.int64]) -> Positions:
        """Return the positions of those keys that are here."""
        if not len(self.keys):
            return np.empty(0, np.int64)
        positions = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.unique(positions[self.keys[positions] == keys])

    def all_positions(self) -> Bitmap:
        """Return the set of all."""
        return Bitmap.from_booleans(np.ones(len(self.keys), np.bool_))


def generation_folder(gallery: Path, number: int) -> Path:
    """Return where a generation lies."""
    return gallery / FOLDER / f"{number:06d}"


def generation_numbers(gallery: Path) -> list[int]:
    """Return the generations that are there, newest first; whether they are sound is another question."""
    folder = gallery / FOLDER
    if not folder.is_dir():
        return []
    return sorted((int(path.name) for path in folder.iterdir() if path.name.isdecimal()), reverse=True)


def is_finished(gallery: Path) -> bool:
    """Whether a gallery stands there that can be searched: something was published, whether or not CURRENT is lost."""
    folder = active_folder(gallery)
    return (folder / CURRENT).exists() or bool(generation_numbers(folder))


def mapped_vectors(path: Path, dimension: int) -> FloatArray:
    """Return the file's vectors (N, D), mapped into memory."""
    if not path.stat().st_size:  # can't be mapped
        return np.empty((0, dimension), np.float32)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(mapped, "<f4").reshape(-1, dimension)


def manifest_bytes(manifest: GenerationManifest) -> bytes:
    """Return the file that holds a manifest."""
    fields = asdict(manifest)
    return json.dumps({**fields, "checksum": _checksum(fields)}, indent=1, sort_keys=True).encode()


def read_manifest(gallery: Path, number: int, sha256: str | None = None) -> GenerationManifest:
    """Return what a generation says about itself.

    Args:
        gallery: The gallery's folder.
        number: The generation's.
        sha256: Of the file, where it is known.

    Raises:
        GalleryDamaged: The file can't be read, or fails a checksum.
    """
    path = generation_folder(gallery, number) / MANIFEST
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


def manifest_sha256(gallery: Path, number: int) -> str:
    """Return the sha256 of a generation's manifest.

    Raises:
        GalleryDamaged: The file can't be read.
    """
    return _sha256(generation_folder(gallery, number) / MANIFEST)


def _checksum(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise GalleryDamaged(f"{path} can't be read ({error.strerror})") from None
