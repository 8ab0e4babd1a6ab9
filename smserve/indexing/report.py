"""What a build did, and what adding to a gallery did."""

from dataclasses import dataclass

from smserve.gallery.duplicates import NearDuplicateCounts

__all__ = ["AddReport", "BuildReport", "Unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A picture that is not in the gallery, and why."""

    item_id: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """The outcome of a build.

    Attributes:
        gallery: Its folder.
        generation: The one published.
        items: Searchable items.
        embedded: Pictures embedded by this call; the rest were there from an interrupted one.
        resumed: Items that an interrupted build had stored.
        duplicates: Items whose picture is byte for byte that of an earlier one.
        unreadable: Pictures left out.
        seconds: From begin to end.
        model_fingerprint: Of the model used.
        near_duplicates: How many pairs of items are nearly the same; None where that was not asked.
    """

    gallery: str
    generation: int
    items: int
    embedded: int
    resumed: int
    duplicates: int
    unreadable: tuple[Unreadable, ...]
    seconds: float
    model_fingerprint: str
    near_duplicates: NearDuplicateCounts | None = None

    @property
    def images_per_s(self) -> float:
        """Pictures embedded a second."""
        return self.embedded / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AddReport:
    """The outcome of adding pictures.

    Attributes:
        gallery: Its folder, or its name on a server.
        generation: The one that is searched.
        items: Searchable items now.
        added: Pictures embedded: new items, and changed ones.
        unchanged: Pictures that were stored already, as they are.
        unreadable: Pictures left out.
        seconds: From begin to end.
        model_fingerprint: Of the model used.
    """

    gallery: str
    generation: int
    items: int
    added: int
    unchanged: int
    unreadable: tuple[Unreadable, ...]
    seconds: float
    model_fingerprint: str

    @property
    def images_per_s(self) -> float:
        """Pictures embedded a second."""
        return self.added / self.seconds if self.seconds > 0 else 0.0
