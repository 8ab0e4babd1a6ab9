"""The models of a gallery, and giving it another one while it is searched and written to.

Searches go on with the pair of gallery and model that they began with. Writes wait for a moment: between the last one
that the old vectors hold and the first one that goes to the new.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smserve.engine.galleries import Galleries
from smserve.engine.interest import StillWanted, always_wanted
from smserve.engine.models import Models
from smserve.engine.served import Origin, ServedGallery
from smserve.engine.slots import Slot
from smserve.engine.storage import Storage
from smserve.errors import GalleryFixed, GenerationMismatch, InvalidInput, ModelMismatch
from smserve.types.administration import Activation, GalleryModel, ModelState

if TYPE_CHECKING:
    from smserve.gallery.staging import GalleryModel as StoredModel

__all__ = ["Activations", "folder_of"]

_log: Final = logging.getLogger(__name__)

_STATES: Final = {
    "in use": ModelState.IN_USE,
    "staged": ModelState.STAGED,
    "being staged": ModelState.STAGING,
    "previous": ModelState.PREVIOUS,
}


def folder_of(served: ServedGallery) -> Path:
    """Return where a gallery lies.

    Raises:
        GalleryFixed: In no folder.
    """
    if served.folder is None:
        raise GalleryFixed(f"gallery {served.name!r} lies in no folder; this works on galleries in folders")
    return served.folder


class Activations:
    """Safe to use from many threads."""

    def __init__(self, galleries: Galleries, models: Models, storage: Storage) -> None:
        self._galleries: Final = galleries
        self._models: Final = models
        self._storage: Final = storage

    def list(self, gallery: str) -> tuple[tuple[GalleryModel, ...], Origin]:
        """Return the models whose vectors a gallery holds, the one in use first.

        Raises:
            GalleryNotFound: No such gallery is served.
        """
        from smserve.gallery.staging import gallery_models, read_staged

        with self._galleries.lease(gallery) as served:
            folder = folder_of(served)
            found = gallery_models(folder)
            staged = read_staged(folder)
            models = []
            for model in found:
                state = _STATES[model.state]
                if state is ModelState.STAGED and staged and staged.source_sequence != found[0].last_sequence:
                    state = ModelState.STAGING  # it was level once
                models.append(
                    GalleryModel(
                        state=state,
                        model_fingerprint=model.model_fingerprint,
                        dimension=model.dimension,
                        item_count=model.item_count,
                        available=self._models.is_available(model.model_fingerprint),
                    )
                )
            return tuple(models), served.origin()

    def activate(
        self, gallery: str, model_fingerprint: str, *, expected: str = "", still_wanted: StillWanted = always_wanted
    ) -> tuple[Activation, Origin]:
        """Let a gallery be searched with its staged model, or with the one before; once again does nothing.

        Args:
            gallery: Its name, or an alias.
            model_fingerprint: The model.
            expected: When given, and another model is in use, nothing is done.
            still_wanted: Called before the switch; what it raises leaves the model in use.

        Raises:
            InvalidInput: No model is named.
            GalleryNotFound: No such gallery is served.
            GalleryReadOnly: It is served for reading.
            ModelNotFound: The server does not have the model.
            ModelMismatch: Another model is in use than expected, or this one is neither staged nor the one before.
            GenerationMismatch: The staged model, or the one before, lacks writes.
            GalleryLocked: The model is being staged.
        """
        if not model_fingerprint:
            raise InvalidInput("model_fingerprint is empty; name the staged model", field="model_fingerprint")
        with self._galleries.lease(gallery) as served:
            served.writer()  # refused before a model is loaded for nothing
        model = self._models.get(model_fingerprint)
        with self._galleries.administering(gallery, still_wanted) as administered:
            before = administered.served
            before.model.check_pin(expected)
            if before.model is model:
                return _activation(before, before)
            administered.wait_until_closed(still_wanted)  # the model before may be the one that is wanted
            stored = _stored(before, model_fingerprint)
            after = ServedGallery(
                name=before.name,
                reader=self._storage.open(stored.folder, before.name, exactly=True),
                model=model,
                folder=before.folder,
                ours=before.ours,
            )
            try:
                with administered.without_writes(still_wanted):
                    _switch(administered, stored, after)
            finally:
                if administered.served is not after:
                    after.reader.close()
        _log.info(
            "gallery %s is searched with model %s now, before with %s",
            after.name,
            model.fingerprint,
            before.model.fingerprint,
        )
        return _activation(before, after)


def _stored(served: ServedGallery, model_fingerprint: str) -> "StoredModel":
    """Return what a gallery holds of a model that is to be activated.

    Raises:
        ModelMismatch: Nothing that could be.
        GenerationMismatch: It is not fully staged.
    """
    from smserve.gallery.staging import gallery_models

    for stored in gallery_models(folder_of(served)):
        if stored.model_fingerprint == model_fingerprint:
            if stored.state == "being staged":
                raise GenerationMismatch(
                    f"model {model_fingerprint} of gallery {served.name!r} is not fully staged, it has "
                    f"{stored.item_count:,} items; stage it again (StageModel): only what is missing is embedded"
                )
            return stored
    raise ModelMismatch(
        f"gallery {served.name!r} holds no vectors of model {model_fingerprint}, it is searched with "
        f"{served.model.fingerprint}; stage it first (StageModel)"
    )


def _switch(administered: Slot, stored: "StoredModel", after: ServedGallery) -> None:
    """Change the model on disk and in the catalogue; nothing is written meanwhile."""
    from smserve.gallery.active import active_folder
    from smserve.gallery.staging import activate_open, activate_previous_open
    from smserve.gallery.viewed import ViewedGallery

    before, folder = administered.served, folder_of(after)
    old, new = before.reader, after.reader
    if not isinstance(old, ViewedGallery) or not isinstance(new, ViewedGallery):
        raise GalleryFixed(f"the model of gallery {before.name!r} can't be changed here")
    try:
        if stored.state == "previous":
            activate_previous_open(folder, in_use=old.level(), previous=new.level())
        else:
            activate_open(folder, in_use=old.level(), staged=new.level())
    finally:
        # An error may come after the switch, when it tidies up: what is on disk decides.
        if active_folder(folder).resolve() == stored.folder.resolve():
            administered.replace(after)


def _activation(before: ServedGallery, after: ServedGallery) -> tuple[Activation, Origin]:
    origin = after.origin()
    activation = Activation(
        gallery=after.name,
        generation=origin.generation,
        model_fingerprint=after.model.fingerprint,
        previous_model_fingerprint=before.model.fingerprint,
    )
    return activation, origin
