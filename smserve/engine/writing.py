"""From pictures and vectors to items of a gallery."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smserve.config import MAX_IMAGES_PER_CALL, MAX_ITEMS_PER_CALL
from smserve.engine.interest import StillWanted
from smserve.engine.models import Model
from smserve.engine.validation import check_new_item, check_stored, check_upsert, unit_vector
from smserve.errors import InvalidInput
from smserve.gallery.values import NewItem
from smserve.types import FloatArray, ItemFailure, UpsertItem

__all__ = ["make_items"]


class Prepared(NamedTuple):
    """An item that is ready for the model.

    Attributes:
        item: As it was given.
        vector: (D,) of unit norm; None where the model is to make it.
        pixels: (H, W, 3), the model's input, with a picture.
        thumbnail: A small JPEG of the picture.
    """

    item: UpsertItem
    vector: FloatArray | None = None
    pixels: NDArray[np.uint8] | None = None
    thumbnail: bytes | None = None


def make_items(
    items: Sequence[UpsertItem | ItemFailure], model: Model, still_wanted: StillWanted, *, partial: bool = False
) -> tuple[list[NewItem], tuple[ItemFailure, ...]]:
    """Return items as a gallery takes them, their pictures embedded with its model, and with `partial` those that fail.

    Args:
        items: To be made; one that could not even be read is its failure.
        model: Of the gallery.
        still_wanted: Called before each costly step.
        partial: Leave out what is wrong instead of raising.

    Raises:
        InvalidInput: One of them is wrong; the error names it, as `items[3].image` for example.
    """
    check_upsert(items, most=MAX_ITEMS_PER_CALL, most_images=MAX_IMAGES_PER_CALL)
    ready: list[Prepared] = []
    failures: list[ItemFailure] = []
    for number, item in enumerate(items):
        if isinstance(item, ItemFailure):
            failures.append(item)
            continue
        try:
            check_new_item(item, number)
            if partial:
                check_stored(item, number)
            ready.append(_prepared(item, number, model, still_wanted))
        except InvalidInput as error:
            if not partial:
                raise
            failures.append(ItemFailure(index=number, item_id=item.item_id, error=error.as_outcome()))
    pixels = [each.pixels for each in ready if each.pixels is not None]
    embedded = iter(model.pictures.embed(pixels, still_wanted)) if pixels else iter(())
    made = [_item(each, next(embedded) if each.vector is None else each.vector) for each in ready]
    return made, tuple(failures)


def _prepared(item: UpsertItem, number: int, model: Model, still_wanted: StillWanted) -> Prepared:
    if item.image is None:
        return Prepared(item, vector=_vector(item, number, model.dimension))
    pixels, thumbnail = model.pictures.prepare_with_thumbnail(item.image, f"items[{number}].image", still_wanted)
    return Prepared(item, pixels=pixels, thumbnail=thumbnail)


def _vector(item: UpsertItem, number: int, dimension: int) -> FloatArray:
    assert item.vector is not None, "checked by check_upsert"  # noqa: S101 - for the type checker
    try:
        return unit_vector(item.vector, dimension)
    except InvalidInput as error:
        error.field = f"items[{number}].vector"
        raise


def _item(prepared: Prepared, vector: FloatArray) -> NewItem:
    item = prepared.item
    return NewItem(
        item_id=item.item_id,
        vector=vector,
        label=item.label,
        payload=item.payload,
        source_uri=item.source_uri,
        source_sha256="" if item.image is None else hashlib.sha256(item.image).hexdigest(),
        thumbnail=prepared.thumbnail,
    )
