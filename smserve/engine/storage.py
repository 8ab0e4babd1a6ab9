"""How an engine opens the galleries that it is given a folder, or an address, of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from smserve.embedder import Embedder
from smserve.engine.interest import StillWanted
from smserve.gallery.events import GalleryEvents
from smserve.gallery.interface import GalleryReader
from smserve.gallery.milvus import MilvusAddress, MilvusGallery, MilvusReader

__all__ = ["StageReport", "Stager", "Storage", "Unreadable"]


class Unreadable(Protocol):
    """An item that can't be embedded again."""

    @property
    def item_id(self) -> str:
        """Its name."""

    @property
    def path(self) -> str:
        """Where its picture was said to lie."""

    @property
    def reason(self) -> str:
        """Why."""


class StageReport(Protocol):
    """What became of a stage; see `smserve.indexing.StageReport`."""

    @property
    def embedded(self) -> int:
        """Items embedded."""

    @property
    def refused(self) -> tuple[Unreadable, ...]:
        """Items that can't be."""


class Stager(Protocol):
    """Brings the staged gallery of a model level with the one in use; see `smserve.indexing.stage_with`."""

    def __call__(
        self,
        gallery: Path,
        embedder: Embedder,
        model: Path,
        *,
        progress: Callable[[int, int], None] | None,
        still_wanted: StillWanted,
    ) -> StageReport:
        """Return once it is level, or some items can't be embedded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How galleries in folders are opened, and what reads their pictures.

    Attributes:
        writable: Write to them, too, as the one process that may; else follow what others write.
        check_every: One search in so many is repeated exactly, aside, to measure recall; 0 for none.
        follow_s: How often those that others write to are looked at, in seconds.
        events: Tells what the galleries do.
        stage: Embeds a gallery's pictures again; None where that can't be done here.
    """

    writable: bool = True
    check_every: int = 0
    follow_s: float = 0.5
    events: GalleryEvents = field(default_factory=GalleryEvents)
    stage: Stager | None = None

    def open(self, place: Path | MilvusAddress, name: str, *, exactly: bool = False) -> GalleryReader:
        """Open a gallery; with `exactly` this very folder for writing, whichever model is in use.

        Raises:
            GalleryNotFound: There is none.
            GalleryLocked: Another process writes to it; its pid is named.
            GalleryDamaged: It can't be read.
        """
        from smserve.gallery import LiveGallery, LocalGallery  # loads FAISS

        if isinstance(place, MilvusAddress):
            return (MilvusGallery if self.writable else MilvusReader).open(place, name=name)

        if self.writable or exactly:
            return LiveGallery.open(place, name=name, events=self.events, check_every=self.check_every, exactly=exactly)
        return LocalGallery.open(
            place, name=name, follow_s=self.follow_s, events=self.events, check_every=self.check_every
        )
