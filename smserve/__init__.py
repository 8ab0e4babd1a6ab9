"""smserve: search a gallery of pictures by picture, over gRPC.

    import smserve

    with smserve.Client("127.0.0.1:50051") as client:
        for hit in client.search("photo.jpg", top_k=5).hits:
            print(hit.item_id, hit.score)

`smserve.AsyncClient` is the same for asyncio. Importing the package loads neither faiss nor onnxruntime nor torch; what
it names is loaded at first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from smserve import errors
from smserve.version import VERSION

if TYPE_CHECKING:
    from smserve.client import AsyncClient as AsyncClient
    from smserve.client import Client as Client
    from smserve.client import ItemId as ItemId
    from smserve.client import Tls as Tls
    from smserve.client import WriteOutcome as WriteOutcome
    from smserve.errors import SmserveError as SmserveError
    from smserve.types import Comparison as Comparison
    from smserve.types import CountResult as CountResult
    from smserve.types import Embedding as Embedding
    from smserve.types import FieldMask as FieldMask
    from smserve.types import GalleryInfo as GalleryInfo
    from smserve.types import GenerationInfo as GenerationInfo
    from smserve.types import Hit as Hit
    from smserve.types import Item as Item
    from smserve.types import ItemFailure as ItemFailure
    from smserve.types import ItemPage as ItemPage
    from smserve.types import ItemResult as ItemResult
    from smserve.types import MemoryInfo as MemoryInfo
    from smserve.types import SearchOutcome as SearchOutcome
    from smserve.types import SearchRequest as SearchRequest
    from smserve.types import SearchResult as SearchResult
    from smserve.types import ServerInfo as ServerInfo
    from smserve.types import UpsertItem as UpsertItem
    from smserve.types import WriteResult as WriteResult
    from smserve.types.administration import Activation as Activation
    from smserve.types.administration import AliasChange as AliasChange
    from smserve.types.administration import DroppedGallery as DroppedGallery
    from smserve.types.administration import Finding as Finding
    from smserve.types.administration import GalleryModel as GalleryModel
    from smserve.types.administration import ModelState as ModelState
    from smserve.types.administration import RefusedItem as RefusedItem
    from smserve.types.administration import StagingProgress as StagingProgress
    from smserve.types.administration import Verification as Verification

__version__ = VERSION

_HOME = {
    "Activation": "smserve.types.administration",
    "AliasChange": "smserve.types.administration",
    "AsyncClient": "smserve.client",
    "Client": "smserve.client",
    "Comparison": "smserve.types",
    "CountResult": "smserve.types",
    "DroppedGallery": "smserve.types.administration",
    "Embedding": "smserve.types",
    "FieldMask": "smserve.types",
    "Finding": "smserve.types.administration",
    "GalleryInfo": "smserve.types",
    "GalleryModel": "smserve.types.administration",
    "GenerationInfo": "smserve.types",
    "Hit": "smserve.types",
    "Item": "smserve.types",
    "ItemFailure": "smserve.types",
    "ItemId": "smserve.client",
    "ItemPage": "smserve.types",
    "ItemResult": "smserve.types",
    "MemoryInfo": "smserve.types",
    "ModelState": "smserve.types.administration",
    "RefusedItem": "smserve.types.administration",
    "SearchOutcome": "smserve.types",
    "SearchRequest": "smserve.types",
    "SearchResult": "smserve.types",
    "ServerInfo": "smserve.types",
    "SmserveError": "smserve.errors",
    "StagingProgress": "smserve.types.administration",
    "Tls": "smserve.client",
    "UpsertItem": "smserve.types",
    "Verification": "smserve.types.administration",
    "WriteOutcome": "smserve.client",
    "WriteResult": "smserve.types",
}

__all__ = [
    "Activation",
    "AliasChange",
    "AsyncClient",
    "Client",
    "Comparison",
    "CountResult",
    "DroppedGallery",
    "Embedding",
    "FieldMask",
    "Finding",
    "GalleryInfo",
    "GalleryModel",
    "GenerationInfo",
    "Hit",
    "Item",
    "ItemFailure",
    "ItemId",
    "ItemPage",
    "ItemResult",
    "MemoryInfo",
    "ModelState",
    "RefusedItem",
    "SearchOutcome",
    "SearchRequest",
    "SearchResult",
    "ServerInfo",
    "SmserveError",
    "StagingProgress",
    "Tls",
    "UpsertItem",
    "Verification",
    "WriteOutcome",
    "WriteResult",
    "__version__",
    "errors",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'smserve' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
