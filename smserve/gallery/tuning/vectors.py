"""The vectors of a gallery, as tuning measures them."""

from pathlib import Path

import numpy as np

from smserve.gallery.active import active_folder
from smserve.gallery.opening import first_view, open_records
from smserve.types import FloatArray

__all__ = ["gallery_vectors"]


def gallery_vectors(gallery: Path) -> FloatArray:
    """Return what a search of the gallery would look at: (N, D), mapped from its file where nothing was written since.

    Raises:
        GalleryNotFound: There is no gallery.
        GenerationMismatch: Its build was interrupted.
        GalleryDamaged: Something in it is.
    """
    folder = active_folder(gallery)
    records = open_records(folder, writable=False, model_fingerprint=None)
    try:
        view, _ = first_view(folder, records)
    finally:
        records.close()
    fresh = view.fresh.vectors[view.fresh.living()]
    if view.generation is None:
        return fresh
    vectors = view.generation.vectors
    if view.kept is not None:
        vectors = vectors[view.kept.booleans()]
    return np.concatenate([vectors, fresh]) if len(fresh) else vectors
