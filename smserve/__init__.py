"""smserve: search a gallery of pictures by picture, over gRPC.

    import smserve

    with smserve.Client("127.0.0.1:50051") as client:
        for hit in client.search("photo.jpg", top_k=5).hits:
            print(hit.item_id, hit.score)

Importing it loads neither faiss nor onnxruntime nor torch; what it names is loaded at first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from smserve import errors
from smserve.version import VERSION

if TYPE_CHECKING:
    from smserve.client import Client as Client
    from smserve.client import ItemId as ItemId
    from smserve.errors import SmserveError as SmserveError
    from smserve.types import Comparison as Comparison
    from smserve.types import CountResult as CountResult
    from smserve.types import Embedding as Embedding
    from smserve.types import GalleryInfo as GalleryInfo
    from smserve.types import GenerationInfo as GenerationInfo
    from smserve.types import Hit as Hit
    from smserve.types import Item as Item
    from smserve.types import ItemPage as ItemPage
    from smserve.types import ItemResult as ItemResult
    from smserve.types import SearchResult as SearchResult
    from smserve.types import ServerInfo as ServerInfo
    from smserve.types import UpsertItem as UpsertItem
    from smserve.types import WriteResult as WriteResult

__version__ = VERSION

_HOME = {
    "Client": "smserve.client",
    "Comparison": "smserve.types",
    "CountResult": "smserve.types",
    "Embedding": "smserve.types",
    "GalleryInfo": "smserve.types",
    "GenerationInfo": "smserve.types",
    "Hit": "smserve.types",
    "Item": "smserve.types",
    "ItemId": "smserve.client",
    "ItemPage": "smserve.types",
    "ItemResult": "smserve.types",
    "SearchResult": "smserve.types",
    "ServerInfo": "smserve.types",
    "SmserveError": "smserve.errors",
    "UpsertItem": "smserve.types",
    "WriteResult": "smserve.types",
}

__all__ = [
    "Client",
    "Comparison",
    "CountResult",
    "Embedding",
    "GalleryInfo",
    "GenerationInfo",
    "Hit",
    "Item",
    "ItemId",
    "ItemPage",
    "ItemResult",
    "SearchResult",
    "ServerInfo",
    "SmserveError",
    "UpsertItem",
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
