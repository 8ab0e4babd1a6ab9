"""From pictures and vectors to items of a gallery."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smserve.config import MAX_IMAGES_PER_CALL, MAX_ITEMS_PER_CALL
from smserve.engine.pictures import PictureEmbedder
from smserve.engine.validation import check_upsert, unit_vector
from smserve.errors import InvalidInput
from smserve.gallery.values import NewItem
from smserve.types import FloatArray, UpsertItem

__all__ = ["ItemMaker"]


class ItemMaker:
    """Embeds the pictures of new items; safe to call from many threads."""

    def __init__(self, pictures: PictureEmbedder, dimension: int) -> None:
        self._pictures: Final = pictures
        self._dimension: Final = dimension

    def make(self, items: Sequence[UpsertItem], still_wanted: Callable[[], None]) -> list[NewItem]:
        """Return items as a gallery takes them.

        Raises:
            InvalidInput: One of them is wrong; the error names it, as `items[3].image` for example.
        """
        check_upsert(items, most=MAX_ITEMS_PER_CALL, most_images=MAX_IMAGES_PER_CALL)
        pixels: list[NDArray[np.uint8]] = []
        thumbnails: list[bytes] = []
        for number, item in enumerate(items):
            if item.image is not None:
                prepared = self._pictures.prepare_with_thumbnail(item.image, f"items[{number}].image", still_wanted)
                pixels.append(prepared[0])
                thumbnails.append(prepared[1])
        embedded = iter(self._pictures.embed(pixels, still_wanted)) if pixels else iter(())
        small = iter(thumbnails)
        made = []
        for number, item in enumerate(items):
            if item.image is not None:
                vector, sha256 = next(embedded), hashlib.sha256(item.image).hexdigest()
                made.append(_item(item, vector, sha256=sha256, thumbnail=next(small)))
            else:
                made.append(_item(item, self._vector(item, number), sha256="", thumbnail=None))
        return made

    def _vector(self, item: UpsertItem, number: int) -> FloatArray:
        assert item.vector is not None, "checked by check_upsert"  # noqa: S101 - for the type checker
        try:
            return unit_vector(item.vector, self._dimension)
        except InvalidInput as error:
            error.field = f"items[{number}].vector"
            raise


def _item(item: UpsertItem, vector: FloatArray, *, sha256: str, thumbnail: bytes | None) -> NewItem:
    return NewItem(
        item_id=item.item_id,
        vector=vector,
        label=item.label,
        payload=item.payload,
        source_uri=item.source_uri,
        source_sha256=sha256,
        thumbnail=thumbnail,
    )
