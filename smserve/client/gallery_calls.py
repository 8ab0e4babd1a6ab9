"""The calls of a client that look at galleries as a whole and change what they are searched with."""

from __future__ import annotations

from collections.abc import Iterator

from smserve.client.calls import galleries as talks
from smserve.client.calls import models as model_talks
from smserve.client.connection import Connection
from smserve.types import GalleryInfo, GenerationInfo
from smserve.types.administration import (
    Activation,
    AliasChange,
    DroppedGallery,
    GalleryModel,
    StagingProgress,
    Verification,
)

__all__ = ["GalleryCalls"]

_MINUTES_S = 600.0  # for what reads or writes a whole gallery


class GalleryCalls(Connection):
    """In all of them an empty name of a gallery means the server's first one, and an alias leads to its gallery."""

    def galleries(self) -> list[GalleryInfo]:
        """Describe the galleries that the server has; the first is the default."""
        return self._run(talks.galleries())

    def get_gallery(self, name: str = "") -> GalleryInfo:
        """Describe the gallery of that name or alias.

        Raises:
            GalleryNotFound: There is none.
        """
        return self._run(talks.get_gallery(name))

    def create_gallery(self, name: str, *, model_fingerprint: str = "") -> GalleryInfo:
        """Make an empty gallery in the server's folder of galleries (`smserve serve --galleries`), and serve it.

        Args:
            name: 1 to 64 letters, digits, ".", "_" and "-", the first a letter or digit.
            model_fingerprint: Of a model that the server has; empty means the server's own.

        Raises:
            GalleryExists: The name is taken.
            ModelNotFound: The server has no such model.
            GalleryFixed: The server was started without a folder of galleries.
        """
        return self._run(talks.create_gallery(name, model_fingerprint=model_fingerprint))

    def drop_gallery(self, name: str, *, expected_item_count: int | None = None) -> DroppedGallery:
        """Delete a gallery of the server's folder of galleries, its aliases with it; calls that run end first.

        Args:
            name: No alias.
            expected_item_count: When given, and it holds another number of items, nothing is done.

        Raises:
            GalleryNotFound: There is none.
            GalleryChanged: It holds another number of items.
            GalleryFixed: It does not lie in the folder of galleries.
        """
        return self._run(talks.drop_gallery(name, expected_item_count=expected_item_count))

    def set_alias(self, alias: str, gallery: str, *, expected_gallery: str | None = None) -> AliasChange:
        """Let a name lead to a gallery, at once for every caller.

        Args:
            alias: A name that no gallery has.
            gallery: Where it leads from now on.
            expected_gallery: When given, and it leads to another one now ("" for none), nothing is done.

        Raises:
            GalleryNotFound: There is no such gallery.
            GalleryExists: A gallery has that name.
            GalleryChanged: It leads to another gallery than expected.
        """
        return self._run(talks.set_alias(alias, gallery, expected_gallery=expected_gallery))

    def delete_alias(self, alias: str) -> AliasChange:
        """Remove a name; the gallery stays.

        Raises:
            NotFound: There is no such alias.
        """
        return self._run(talks.delete_alias(alias))

    def generations(self, *, gallery: str = "") -> list[GenerationInfo]:
        """Return the generations that a gallery keeps, newest first."""
        return self._run(talks.generations(gallery=gallery))

    def compact(self, *, gallery: str = "", timeout_s: float = _MINUTES_S) -> GenerationInfo:
        """Fold what was written into a new generation and swap it in; returns it, when that is done.

        Raises:
            DiskFull: There is no room for it.
            DeadlineExceeded: It takes longer; it goes on.
        """
        return self._run(talks.compact(gallery=gallery, timeout_s=timeout_s))

    def roll_back(self, *, gallery: str = "", expected_generation: int | None = None) -> GenerationInfo:
        """Go back to the generation that was in use before; what was written since stays found.

        Args:
            gallery: Its name.
            expected_generation: When given, and another one is in use, nothing is done.

        Raises:
            GenerationMismatch: Another one is in use, or there is none to go back to.
        """
        return self._run(talks.roll_back(gallery=gallery, expected_generation=expected_generation))

    def verify(self, *, gallery: str = "", timeout_s: float = _MINUTES_S) -> Verification:
        """Read every byte that the gallery depends on, and say what is damaged; searches go on."""
        return self._run(talks.verify(gallery=gallery, timeout_s=timeout_s))

    def models(self, *, gallery: str = "") -> list[GalleryModel]:
        """Return the models whose vectors a gallery holds; the one in use first."""
        return self._run(model_talks.models(gallery=gallery))

    def stage_model(
        self, model_fingerprint: str, *, gallery: str = "", timeout_s: float | None = None
    ) -> Iterator[StagingProgress]:
        """Embed every item again with another model, beside the vectors in use; yields how far it is.

        Searches find what they found. It goes on where an earlier call ended; leaving the loop early ends it. Once an
        answer is `ready`, `activate_model` takes the model into use.

        Args:
            model_fingerprint: Of a model that the server has (`smserve serve --models`).
            gallery: Its name.
            timeout_s: Of the whole; None for no limit.

        Raises:
            ModelNotFound: The server has no such model.
        """
        return self._read(
            model_talks.stage_model(model_fingerprint, gallery=gallery, timeout_s=timeout_s), model_talks.read_staging
        )

    def activate_model(
        self,
        model_fingerprint: str,
        *,
        gallery: str = "",
        expected_model_fingerprint: str = "",
        timeout_s: float = _MINUTES_S,
    ) -> Activation:
        """Let a gallery be searched with its staged model, or with the one before; no search fails or mixes the two.

        Args:
            model_fingerprint: The staged model's, or that of the one before, to go back.
            gallery: Its name.
            expected_model_fingerprint: When given, and another one is in use, nothing is done.
            timeout_s: Longest time to wait.

        Raises:
            ModelMismatch: Another model is in use than expected, or this one can't be activated.
            Mismatch: The staged model lacks items; stage it again.
        """
        return self._run(
            model_talks.activate_model(
                model_fingerprint,
                gallery=gallery,
                expected_model_fingerprint=expected_model_fingerprint,
                timeout_s=timeout_s,
            )
        )
