"""What every gallery in a folder answers alike, whether others write to it or its own process does."""

from typing import Final

from smserve.gallery.condition import Condition
from smserve.gallery.interface import GalleryReader
from smserve.gallery.level import Level
from smserve.gallery.reading import Reading
from smserve.gallery.values import Counts, Neighbours, Page, PerLabel
from smserve.types import FieldMask, FloatArray, GalleryInfo, Item

__all__ = ["ViewedGallery"]


class ViewedGallery(GalleryReader):
    """Answers from a `Reading`."""

    def __init__(self, reading: Reading) -> None:
        self._reading: Final = reading

    def info(self) -> GalleryInfo:
        """Describe what is searched now; generation 0 means the rows themselves, where no generation is sound."""
        return self._reading.info()

    def level(self) -> Level:
        """Return up to where it is searched now."""
        return self._reading.level()

    def search(
        self,
        vectors: FloatArray,
        top_k: int,
        fields: FieldMask,
        condition: Condition | None = None,
        per_label: PerLabel | None = None,
    ) -> Neighbours:
        """Find the nearest items of each query; see `GalleryReader`. With `per_label`, among the 4,096 nearest."""
        return self._reading.search(vectors, top_k, fields, condition, per_label)

    def get(self, item_id: str, fields: FieldMask) -> Item:
        """Return one item; see `GalleryReader`."""
        return self._reading.get(item_id, fields)

    def page(self, size: int, token: str, fields: FieldMask, condition: Condition | None = None) -> Page:
        """Return the next items in the order in which they were written; see `GalleryReader`."""
        return self._reading.page(size, token, fields, condition)

    def count(self, condition: Condition | None = None, *, by_label: bool = False) -> Counts:
        """Count the items that match; see `GalleryReader`."""
        return self._reading.count(condition, by_label=by_label)
