"""What a key may do, and what each rpc takes."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Final

__all__ = ["Scope", "scope_of"]


class Scope(enum.IntEnum):
    """Each holds those before it: who administers may write, who writes may read."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def text(self) -> str:
        """As files, options and messages have it."""
        return self.name.lower()

    @classmethod
    def of(cls, text: str) -> Scope:
        """Return the scope of that name.

        Raises:
            KeyError: There is none.
        """
        return {scope.text: scope for scope in cls}[text]


_RPCS: Final = {
    ("smserve.v1.RetrievalService", Scope.READ): "Search BatchSearch SearchStream Embed Compare GetServerInfo",
    ("smserve.v1.GalleryService", Scope.READ): (
        "ListGalleries GetGallery GetItem ListItems CountItems ListGenerations ListModels"
    ),
    ("smserve.v1.GalleryService", Scope.WRITE): "UpsertItems DeleteItems UpsertItemsStream DeleteItemsStream",
    ("smserve.v1.GalleryService", Scope.ADMIN): (
        "CreateGallery DropGallery SetAlias DeleteAlias Compact RollBack VerifyGallery StageModel ActivateModel"
    ),
    ("inference.GRPCInferenceService", Scope.READ): "ServerMetadata ModelMetadata ModelInfer",
    ("grpc.reflection.v1alpha.ServerReflection", Scope.READ): "ServerReflectionInfo",
}


def _methods() -> Iterator[tuple[str, Scope]]:
    for (service, scope), names in _RPCS.items():
        for name in names.split():
            yield f"/{service}/{name}", scope


_SCOPES: Final = dict(_methods())


def scope_of(method: str) -> Scope | None:
    """Return what /SERVICE/RPC takes; None for an rpc that nobody may call.

    Health, and what the Open Inference Protocol has for it, needs no key and has no place here.
    """
    return _SCOPES.get(method)
