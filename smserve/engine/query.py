"""From what is asked about to the vector that is searched with."""

from collections.abc import Callable

import numpy as np

from smserve.engine.pictures import PictureEmbedder
from smserve.engine.validation import unit_vector
from smserve.gallery.interface import GalleryReader
from smserve.types import FieldMask, FloatArray, SearchRequest

__all__ = ["query_vector"]


def query_vector(
    request: SearchRequest,
    gallery: GalleryReader,
    pictures: PictureEmbedder,
    dimension: int,
    still_wanted: Callable[[], None],
) -> FloatArray:
    """Return the query of a checked request as (D,) float32 of unit norm.

    Raises:
        InvalidImage: Its picture can't be read.
        InvalidVector: Its vector has no direction, or another dimension.
        ItemNotFound: Its item is not in the gallery.
    """
    if request.vector is not None:
        return unit_vector(request.vector, dimension)
    if request.item_id is not None:
        vector = gallery.get(request.item_id, FieldMask(payload=False, vector=True)).vector
        assert vector is not None, "asked for"  # noqa: S101 - GalleryReader's contract, for the type checker
        return vector
    assert request.image is not None, "checked by check_search"  # noqa: S101 - for the type checker
    prepared = pictures.prepare(request.image, "image", still_wanted)
    (embedding,) = pictures.embed([prepared], still_wanted)
    return np.asarray(embedding, np.float32)
