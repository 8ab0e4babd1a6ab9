"""What a gallery can do, whatever stores it: the contract that every implementation is held to by one test suite."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smserve.types import FieldMask, FloatArray, GalleryInfo, Hit, Item

__all__ = ["GalleryReader", "GalleryWriter", "Neighbours", "NewItem", "Source"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewItem:
    """An item to be written.

    Attributes:
        item_id: Its name; writing it again replaces the old one.
        vector: (D,) float32, unit norm.
        label: Its class; empty for none.
        payload: JSON-able further columns.
        source_uri: Where the picture lies, for rebuilding with another model.
        source_sha256: Of the encoded picture, hex; empty where there is none.
        thumbnail: An encoded JPEG, or None.
    """

    item_id: str
    vector: FloatArray
    label: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    source_uri: str = ""
    source_sha256: str = ""
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a stored item was made from; see `NewItem`. An interrupted build skips items whose source is the same."""

    uri: str
    sha256: str
    label: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """The answer to a batch of queries: for each its hits by falling score, all from one generation."""

    generation: int
    hits: tuple[tuple[Hit, ...], ...]


class GalleryReader(ABC):
    """Search and look up; safe to call from many threads."""

    @abstractmethod
    def info(self) -> GalleryInfo:
        """Describe what is searched now."""

    @abstractmethod
    def search(self, vectors: FloatArray, top_k: int, fields: FieldMask) -> Neighbours:
        """Find the nearest items of each query, by cosine.

        Args:
            vectors: (Q, D) float32, unit norm.
            top_k: At least 1; fewer hits come back where the gallery is smaller. Hits of the same score are ordered by
                id; which of them come within top_k is left open.
            fields: Parts of the items to return.

        Raises:
            InvalidVector: The dimension is not the gallery's; both are named.
            GalleryDamaged: A row fails its checksum.
        """

    @abstractmethod
    def get(self, item_id: str, fields: FieldMask) -> Item:
        """Return one item.

        Raises:
            ItemNotFound: There is none of that id.
            GalleryDamaged: The row fails its checksum.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of files; calling it twice is harmless."""


class GalleryWriter(ABC):
    """Write items; one writer a gallery at a time."""

    @abstractmethod
    def sources(self) -> Mapping[str, Source]:
        """Return what is stored, by item_id."""

    @abstractmethod
    def upsert(self, items: Sequence[NewItem]) -> int:
        """Store items durably, all or none, replacing those of the same id; of two in one call the last one stays.

        Returns:
            The sequence number of the write; when it returns, the write survives a crash.

        Raises:
            InvalidVector: A vector of another dimension, not finite, or not of unit norm.
            InvalidInput: A payload that is not JSON-able, or text that is not Unicode.
        """

    @abstractmethod
    def delete(self, item_ids: Iterable[str]) -> int:
        """Delete items durably; ids that are not there are no error. Returns the sequence number of the write."""

    @abstractmethod
    def publish(self) -> int:
        """Make everything written so far searchable, as a new generation, and return its number."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and of the lock; calling it twice is harmless."""
