"""What a gallery can do, whatever stores it: the contract that every implementation is held to by one test suite."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from smserve.gallery.condition import Condition
from smserve.gallery.presence import Presence
from smserve.gallery.values import Counts, GenerationInfo, Neighbours, NewItem, Page, PerLabel, Source, Written
from smserve.types import FieldMask, FloatArray, GalleryInfo, Item

__all__ = [
    "GalleryReader",
    "GalleryWriter",
    "GenerationAdmin",
    "GenerationReader",
    "Neighbours",
    "NewItem",
    "OpenGallery",
    "Source",
]


class OpenGallery(ABC):
    """Something of a gallery that is held open."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and locks; calling it twice is harmless."""


class GalleryReader(OpenGallery):
    """Search and look up; safe to call from many threads."""

    @abstractmethod
    def info(self) -> GalleryInfo:
        """Describe what is searched now."""

    @abstractmethod
    def search(
        self,
        vectors: FloatArray,
        top_k: int,
        fields: FieldMask,
        condition: Condition | None = None,
        per_label: PerLabel | None = None,
    ) -> Neighbours:
        """Find the nearest items of each query, by cosine.

        Args:
            vectors: (Q, D) float32, unit norm.
            top_k: At least 1; fewer hits come back where the gallery is smaller. Hits of the same score are ordered by
                id; which of them come within top_k is left open.
            fields: Parts of the items to return.
            condition: When given, only items that match it are found.
            per_label: When given, hits of a label beyond the limit give way to the next nearest of other labels; how
                far those are looked for is left open. Where there are none, fewer hits come back.

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
    def page(self, size: int, token: str, fields: FieldMask, condition: Condition | None = None) -> Page:
        """Return the next items in the order in which they were written.

        An item that stays through all pages is seen; one written again meanwhile may be seen twice.

        Args:
            size: At most so many, at least 1.
            token: Of the page before; empty for the first page.
            fields: Parts of the items to return.
            condition: When given, only items that match it; the same for all pages.

        Raises:
            InvalidInput: The token is none of ours.
        """

    @abstractmethod
    def count(self, condition: Condition | None = None, *, by_label: bool = False) -> Counts:
        """Count the items that match, and, when asked, those of each label."""


class GalleryWriter(OpenGallery):
    """Write items; one writer a gallery at a time.

    A `request_id` makes a write safe to repeat: the same id with the same content is done once, and answered alike,
    also after a restart; how long an id is remembered is the implementation's to say.
    """

    @abstractmethod
    def sources(self) -> Mapping[str, Source]:
        """Return what is stored, by item_id."""

    @abstractmethod
    def presence(self, items: Sequence[NewItem]) -> list[Presence]:
        """Tell of each item whether it is stored, and whether just so; a thumbnail counts where the item has one.

        Raises:
            InvalidInput: A payload that is not JSON-able, or text that is not Unicode.
            GalleryDamaged: A row fails its checksum.
        """

    @abstractmethod
    def upsert(self, items: Sequence[NewItem], *, request_id: str = "") -> Written:
        """Store items durably, all or none, replacing those of the same id; of two in one call the last one stays.

        Raises:
            InvalidVector: A vector of another dimension, not finite, or not of unit norm.
            InvalidInput: A payload that is not JSON-able, or text that is not Unicode.
            RequestIdReused: The id came with other content.
            DiskFull: There is no room for it.
        """

    @abstractmethod
    def delete(self, selected: Iterable[str] | Condition, *, request_id: str = "") -> Written:
        """Delete items durably, by id or those that match; ids that are not there are no error.

        Raises:
            RequestIdReused: The id came with other content.
            DiskFull: There is no room for it.
        """

    @abstractmethod
    def publish(self) -> int:
        """Make everything written so far searchable, as a new generation, and return its number."""


class GenerationReader(OpenGallery):
    """What a gallery is searched with."""

    @abstractmethod
    def generations(self) -> Sequence[GenerationInfo]:
        """Return the generations that are kept, newest first."""


class GenerationAdmin(GenerationReader):
    """Changing what a gallery is searched with, while it is searched."""

    @abstractmethod
    def compact(self) -> GenerationInfo:
        """Build the next generation beside the running one, and swap it in once it is whole; returns it.

        Raises:
            DiskFull: There is no room for it; bytes needed and bytes free are named.
            Unavailable: The gallery was closed meanwhile.
        """

    @abstractmethod
    def roll_back(self, *, expected: int | None = None) -> GenerationInfo:
        """Go back to the generation that was in use before; what was written since stays found.

        No compaction starts by itself after that, until `compact` is called. Going back twice leads to where it began.

        Args:
            expected: When given, the number of the generation in use; where another one is, nothing is done.

        Raises:
            GenerationMismatch: There is no generation to go back to, or another than the expected one is in use.
            GalleryDamaged: The generation before is damaged.
        """
