"""What goes into a search and what comes out: plain values shared by engine, wire and client.

Vectors are float32 NumPy arrays; scores are cosines, in [-1, 1], larger is nearer.
"""

from smserve.types.embedding import Comparison, Embedding
from smserve.types.items import CountResult, FieldMask, Item, ItemFailure, ItemPage, ItemResult, UpsertItem, WriteResult
from smserve.types.payload import Payload
from smserve.types.search import Hit, ItemHead, SearchOutcome, SearchRequest, SearchResult
from smserve.types.server import GalleryInfo, GenerationInfo, MemoryInfo, ServerInfo
from smserve.types.vectors import FloatArray

__all__ = [
    "Comparison",
    "CountResult",
    "Embedding",
    "FieldMask",
    "FloatArray",
    "GalleryInfo",
    "GenerationInfo",
    "Hit",
    "Item",
    "ItemFailure",
    "ItemHead",
    "ItemPage",
    "ItemResult",
    "MemoryInfo",
    "Payload",
    "SearchOutcome",
    "SearchRequest",
    "SearchResult",
    "ServerInfo",
    "UpsertItem",
    "WriteResult",
]
