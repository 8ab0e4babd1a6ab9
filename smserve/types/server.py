"""What a server, its galleries and their generations are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["GalleryInfo", "GenerationInfo", "MemoryInfo", "ServerInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryInfo:
    """What a gallery holds.

    Attributes:
        name: The name it is served under.
        item_count: Searchable items.
        dimension: D.
        metric: "cosine".
        model_fingerprint: sha256 of the model file that made the vectors.
        generation: The one that is searched.
        index: FAISS index string, for example "Flat".
        live_recall: Share of the true neighbours that live searches of the generation found, by repeating some of them
            exactly; None where none was repeated.
        live_recall_searches: How many were repeated; of the latest 1,000.
        aliases: Other names that lead to it.
        model_name: Its model's, for people.
        writable: It can be written to where it is served.
        tombstone_count: Rows of replaced and deleted items that are held until the next compaction; 0 to a client,
            which is not told.
    """

    name: str
    item_count: int
    dimension: int
    metric: str
    model_fingerprint: str
    generation: int
    index: str
    live_recall: float | None = None
    live_recall_searches: int = 0
    aliases: tuple[str, ...] = ()
    model_name: str = ""
    writable: bool = False
    tombstone_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationInfo:
    """A generation that is kept.

    Attributes:
        number: Its own.
        item_count: N.
        last_sequence: It holds what was written up to here.
        index: FAISS index string.
        recall: How exact the index is, as it was measured at the build.
        current: Searches use it.
        previous: It was in use before; rolling back goes there.
    """

    number: int
    item_count: int
    last_sequence: int
    index: str
    recall: Mapping[str, Any]
    current: bool
    previous: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryInfo:
    """Memory of a server in bytes; 0 where it is not known.

    What is predicted was told from its settings and its files at its start, so without what came later.

    Attributes:
        resident_bytes: Resident now, of mapped files what lies in memory included.
        predicted_rest_bytes: Resident once some searches were answered.
        predicted_max_bytes: Of the process's own, under the heaviest load that its settings let in.
        predicted_mapped_bytes: Of mapped files, at most; the system takes these pages back where memory is short.
        limit_bytes: What there is, the least of the limits that hold for the server.
    """

    resident_bytes: int
    predicted_rest_bytes: int = 0
    predicted_max_bytes: int = 0
    predicted_mapped_bytes: int = 0
    limit_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What runs at the other end, and its limits; 0 where an older server does not publish one.

    Attributes:
        max_queries: Queries of one BatchSearch.
        max_streams: Streams open at a time.
        max_stream_requests: Unanswered requests of one stream.
        max_in_flight: Calls that run at a time.
        max_waiting: Calls that wait for others to end.
        max_decoded_bytes: Memory of pictures being decoded at a time.
        memory: What the server takes of memory; None where there is no server, or an older one.
    """

    version: str
    model_name: str
    model_fingerprint: str
    dimension: int
    input_height: int
    input_width: int
    provider: str
    max_message_bytes: int
    max_image_bytes: int
    max_image_pixels: int
    max_images: int
    max_top_k: int
    max_items: int
    max_page_size: int
    galleries: tuple[GalleryInfo, ...]
    max_queries: int = 0
    max_streams: int = 0
    max_stream_requests: int = 0
    max_in_flight: int = 0
    max_waiting: int = 0
    max_decoded_bytes: int = 0
    memory: MemoryInfo | None = None
