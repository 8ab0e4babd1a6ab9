"""What goes into a search and what comes out: plain values shared by engine, wire and client.

Vectors are float32 NumPy arrays; scores are cosines, in [-1, 1], larger is nearer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smserve.config import SearchLimits
from smserve.filters import Filter

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
    "ItemPage",
    "ItemResult",
    "SearchOutcome",
    "SearchRequest",
    "SearchResult",
    "ServerInfo",
    "UpsertItem",
    "WriteResult",
]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMask:
    """Which parts of an item a reply carries beside its id, label and score.

    Attributes:
        payload: Its further columns.
        vector: Its vector.
        thumbnail: Its thumbnail, where one is stored.
        payload_keys: With `payload`, only these columns; none given means all. One that an item lacks is left out.
    """

    payload: bool = True
    vector: bool = False
    thumbnail: bool = False
    payload_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchRequest:
    """One query: exactly one of `image`, `vector` and `item_id`.

    Attributes:
        image: An encoded JPEG, PNG or WebP.
        vector: (D,) float32; it is scaled to unit norm.
        item_id: An item of the gallery; it is left out of its own answer.
        gallery: Name of the gallery; empty means the server's only or first one.
        top_k: How many hits at most.
        min_score: Hits with a smaller cosine are left out.
        filter: When given, only items that it keeps are found.
        max_per_label: When given, at most so many hits of one label; items without one are not limited.
        fields: Parts of the items to return.
        expected_model_fingerprint: When given, another model is an error instead of an answer.
        min_generation: An older generation of the gallery is an error instead of an answer.
    """

    image: bytes | None = None
    vector: FloatArray | None = None
    item_id: str | None = None
    gallery: str = ""
    top_k: int = SearchLimits().default_top_k
    min_score: float | None = None
    filter: Filter | None = None
    max_per_label: int | None = None
    fields: FieldMask = field(default_factory=FieldMask)
    expected_model_fingerprint: str = ""
    min_generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hit:
    """A neighbour.

    Attributes:
        item_id: Its name in the gallery.
        score: Cosine to the query.
        probability: Calibrated probability of "same class"; None where the model has no calibration.
        label: Its class; empty where the gallery has none.
        payload: Its further columns; empty unless asked for.
        vector: (D,) unit norm, when asked for.
        thumbnail: An encoded JPEG, when asked for and stored.
    """

    item_id: str
    score: float
    label: str = ""
    probability: float | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    vector: FloatArray | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchResult:
    """Hits in order of falling score, and what they were found with.

    Attributes:
        hits: By falling score; equal scores by item id.
        gallery: Its name.
        generation: The one that was searched.
        model_fingerprint: Of the gallery's model.
        exhausted: Every item that the request allows is among the hits: asking for more brings nothing.
    """

    hits: tuple[Hit, ...]
    gallery: str
    generation: int
    model_fingerprint: str
    exhausted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchOutcome:
    """What became of one query of many: exactly one of `result` and `error` is set.

    Attributes:
        result: Its answer.
        error: An `smserve.errors.SmserveError`, why there is none; typed loosely to keep this module free of imports.
        sequence: Which query: its place among those that were given, from 0, or what the stream's request said.
    """

    result: SearchResult | None = None
    error: Exception | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """One entry of a gallery, as it is stored; `source_sha256` is that of its encoded picture, empty for none."""

    item_id: str
    label: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    source_uri: str = ""
    source_sha256: str = ""
    vector: FloatArray | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemResult:
    """An item and the gallery state that it was read from."""

    item: Item
    gallery: str
    generation: int
    model_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemPage:
    """Some items, in the order in which they were written.

    Attributes:
        items: At most as many as were asked for.
        next_token: Gets the page after this one; empty where this is the last.
        gallery: Its name.
        generation: The one that is searched.
        model_fingerprint: Of the served model.
    """

    items: tuple[Item, ...]
    next_token: str
    gallery: str
    generation: int
    model_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountResult:
    """How many items there are.

    Attributes:
        total: Of all labels.
        by_label: By label, the most frequent first; empty where it was not asked for. Items without one are under "".
        gallery: Its name.
        generation: The one that is searched.
        model_fingerprint: Of the served model.
    """

    total: int
    by_label: Mapping[str, int]
    gallery: str
    generation: int
    model_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UpsertItem:
    """An item to be written, by exactly one of `image` and `vector`.

    Attributes:
        item_id: Its name; writing it again replaces the old one.
        image: An encoded JPEG, PNG or WebP.
        vector: (D,) float32; it is scaled to unit norm.
        label: Its class; empty for none.
        payload: JSON-able further columns.
        source_uri: Where the picture lies, for rebuilding with another model.
    """

    item_id: str
    image: bytes | None = None
    vector: FloatArray | None = None
    label: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    source_uri: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemFailure:
    """An item that was not stored.

    Attributes:
        index: Its place in the write, from 0.
        item_id: Its name.
        error: An `smserve.errors.SmserveError`, typed loosely as in `SearchOutcome`.
    """

    index: int
    item_id: str
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """An acknowledged write: it survives a crash, and the next search sees it.

    Attributes:
        sequence: Its number in the gallery; later writes have larger ones.
        item_count: Items stored or deleted.
        repeated: A request of the same id was acknowledged before; nothing was written now.
        gallery: Its name.
        generation: The one that is searched.
        model_fingerprint: Of the gallery's model.
        failures: Items that were not stored; empty unless a partial write was asked for.
    """

    sequence: int
    item_count: int
    repeated: bool
    gallery: str
    generation: int
    model_fingerprint: str
    failures: tuple[ItemFailure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedding:
    """The vector of one picture of a batch, or why there is none: exactly one is set.

    Attributes:
        vector: (D,) unit norm.
        error: An `smserve.errors.SmserveError`; typed loosely to keep this module free of imports.
        model_fingerprint: The model that made it; empty where no model was asked.
    """

    vector: FloatArray | None = None
    error: Exception | None = None
    model_fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How alike two pictures are."""

    score: float
    probability: float | None
    model_fingerprint: str


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
class ServerInfo:
    """What runs at the other end, and its limits; 0 where an older server does not publish one.

    Attributes:
        max_queries: Queries of one BatchSearch.
        max_streams: Streams open at a time.
        max_stream_requests: Unanswered requests of one stream.
        max_in_flight: Calls that run at a time.
        max_waiting: Calls that wait for others to end.
        max_decoded_bytes: Memory of pictures being decoded at a time.
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
