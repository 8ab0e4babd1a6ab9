"""The models whose vectors a gallery holds: in use, staged, in use before."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from smserve.errors import GalleryDamaged, GalleryNotFound, SmserveError
from smserve.gallery.active import active_folder, read_active
from smserve.gallery.local import LocalGallery
from smserve.gallery.opening import first_view, open_records
from smserve.gallery.records import Records
from smserve.gallery.staging.document import Staged, not_in_use, read_staged

__all__ = ["GalleryModel", "gallery_models", "open_model", "open_stage", "staged_beside"]

State = Literal["in use", "staged", "being staged", "previous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryModel:
    """A model of a gallery.

    Attributes:
        state: What it is to the gallery.
        model_fingerprint: sha256 of the model file.
        dimension: D.
        item_count: Items.
        last_sequence: Of the last write to it.
        folder: Where its records and generations lie.
    """

    state: State
    model_fingerprint: str
    dimension: int
    item_count: int
    last_sequence: int
    folder: Path


def gallery_models(gallery: Path) -> tuple[GalleryModel, ...]:
    """Return the models that a gallery holds, the one in use first.

    Raises:
        GalleryNotFound: There is no gallery.
        GalleryDamaged: Which model is in use is not known, or its records can't be read.
    """
    active = read_active(gallery)
    staged = not_in_use(read_staged(gallery), active)
    models = [_describe("in use", active_folder(gallery))]
    if staged is not None:
        with contextlib.suppress(GalleryNotFound):  # not one item is embedded yet
            models.append(_describe("staged" if staged.is_level else "being staged", gallery / staged.folder))
    if active.previous and (staged is None or staged.folder != active.previous):
        models.append(_describe("previous", gallery / active.previous))
    return tuple(models)


def open_model(model: GalleryModel, name: str) -> LocalGallery:
    """Open a model's gallery for search, in use or not.

    Raises:
        GenerationMismatch: It is not fully staged yet.
        GalleryDamaged: It can't be read.
    """
    return _open(model.folder, model.model_fingerprint, name)


def staged_beside(gallery: Path) -> Staged | None:
    """Return the model that is staged beside the one in use; None for none.

    Raises:
        GalleryDamaged: It can't be read, or which model is in use is not known.
    """
    return not_in_use(read_staged(gallery), read_active(gallery))


def open_stage(gallery: Path, staged: Staged, name: str) -> LocalGallery:
    """Open a staged model's gallery for search.

    Raises:
        GenerationMismatch: It was never level.
        GalleryDamaged: It can't be read.
    """
    return _open(gallery / staged.folder, staged.model_fingerprint, name)


def _open(folder: Path, model_fingerprint: str, name: str) -> LocalGallery:
    records = open_records(folder, writable=False, model_fingerprint=model_fingerprint)
    try:
        return LocalGallery(folder, records, name, *first_view(folder, records), None)
    except BaseException:
        records.close()
        raise


def _describe(state: State, folder: Path) -> GalleryModel:
    records = Records(folder, writable=False)
    try:
        meta = records.meta()
        return GalleryModel(
            state=state,
            model_fingerprint=meta["model_fingerprint"],
            dimension=int(meta["dimension"]),
            item_count=records.count(),
            last_sequence=records.last_sequence(),
            folder=folder,
        )
    except (GalleryDamaged, KeyError, ValueError) as error:
        raise SmserveError(f"the model {state} of {folder} can't be described: {error}") from None
    finally:
        records.close()
