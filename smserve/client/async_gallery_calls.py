"""The calls of an asyncio client that look at galleries as a whole and change what they are searched with."""

from __future__ import annotations

from collections.abc import AsyncIterator

from smserve.client.async_connection import AsyncConnection
from smserve.client.calls import galleries as talks
from smserve.client.calls import models as model_talks
from smserve.types import GalleryInfo, GenerationInfo
from smserve.types.administration import (
    Activation,
    AliasChange,
    DroppedGallery,
    GalleryModel,
    StagingProgress,
    Verification,
)

__all__ = ["AsyncGalleryCalls"]

_MINUTES_S = 600.0  # for what reads or writes a whole gallery


class AsyncGalleryCalls(AsyncConnection):
    """In all of them an empty name of a gallery means the server's first one, and an alias leads to its gallery."""

    async def galleries(self) -> list[GalleryInfo]:
        """As `Client.galleries`."""
        return await self._run(talks.galleries())

    async def get_gallery(self, name: str = "") -> GalleryInfo:
        """As `Client.get_gallery`."""
        return await self._run(talks.get_gallery(name))

    async def create_gallery(self, name: str, *, model_fingerprint: str = "") -> GalleryInfo:
        """As `Client.create_gallery`."""
        return await self._run(talks.create_gallery(name, model_fingerprint=model_fingerprint))

    async def drop_gallery(self, name: str, *, expected_item_count: int | None = None) -> DroppedGallery:
        """As `Client.drop_gallery`."""
        return await self._run(talks.drop_gallery(name, expected_item_count=expected_item_count))

    async def set_alias(self, alias: str, gallery: str, *, expected_gallery: str | None = None) -> AliasChange:
        """As `Client.set_alias`."""
        return await self._run(talks.set_alias(alias, gallery, expected_gallery=expected_gallery))

    async def delete_alias(self, alias: str) -> AliasChange:
        """As `Client.delete_alias`."""
        return await self._run(talks.delete_alias(alias))

    async def generations(self, *, gallery: str = "") -> list[GenerationInfo]:
        """As `Client.generations`."""
        return await self._run(talks.generations(gallery=gallery))

    async def compact(self, *, gallery: str = "", timeout_s: float = _MINUTES_S) -> GenerationInfo:
        """As `Client.compact`."""
        return await self._run(talks.compact(gallery=gallery, timeout_s=timeout_s))

    async def roll_back(self, *, gallery: str = "", expected_generation: int | None = None) -> GenerationInfo:
        """As `Client.roll_back`."""
        return await self._run(talks.roll_back(gallery=gallery, expected_generation=expected_generation))

    async def verify(self, *, gallery: str = "", timeout_s: float = _MINUTES_S) -> Verification:
        """As `Client.verify`."""
        return await self._run(talks.verify(gallery=gallery, timeout_s=timeout_s))

    async def models(self, *, gallery: str = "") -> list[GalleryModel]:
        """As `Client.models`."""
        return await self._run(model_talks.models(gallery=gallery))

    def stage_model(
        self, model_fingerprint: str, *, gallery: str = "", timeout_s: float | None = None
    ) -> AsyncIterator[StagingProgress]:
        """As `Client.stage_model`."""
        return self._read(
            model_talks.stage_model(model_fingerprint, gallery=gallery, timeout_s=timeout_s), model_talks.read_staging
        )

    async def activate_model(
        self,
        model_fingerprint: str,
        *,
        gallery: str = "",
        expected_model_fingerprint: str = "",
        timeout_s: float = _MINUTES_S,
    ) -> Activation:
        """As `Client.activate_model`."""
        return await self._run(
            model_talks.activate_model(
                model_fingerprint,
                gallery=gallery,
                expected_model_fingerprint=expected_model_fingerprint,
                timeout_s=timeout_s,
            )
        )
