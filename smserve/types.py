"""What goes into a search and what comes out: plain values shared by engine, wire and client.

Vectors are float32 NumPy arrays; scores are cosines, in [-1, 1], larger is nearer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smserve.config import SearchLimits

__all__ = [
    "Comparison",
    "Embedding",
    "FieldMask",
    "FloatArray",
    "GalleryInfo",
    "Hit",
    "Item",
    "ItemResult",
    "SearchRequest",
    "SearchResult",
    "ServerInfo",
]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMask:
    """Which parts of an item a reply carries beside its id, label and score."""

    payload: bool = True
    vector: bool = False
    thumbnail: bool = False


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
        fields: Parts of the items to return.
        expected_model_fingerprint: When given, another model is an error instead of an answer.
    """

    image: bytes | None = None
    vector: FloatArray | None = None
    item_id: str | None = None
    gallery: str = ""
    top_k: int = SearchLimits().default_top_k
    min_score: float | None = None
    fields: FieldMask = field(default_factory=FieldMask)
    expected_model_fingerprint: str = ""


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
    """Hits in order of falling score, and what they were found with."""

    hits: tuple[Hit, ...]
    gallery: str
    generation: int
    model_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """One entry of a gallery, as it is stored."""

    item_id: str
    label: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    source_uri: str = ""
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
class Embedding:
    """The vector of one picture of a batch, or why there is none: exactly one is set.

    Attributes:
        vector: (D,) unit norm.
        error: An `smserve.errors.SmserveError`; typed loosely to keep this module free of imports.
    """

    vector: FloatArray | None = None
    error: Exception | None = None


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
    """

    name: str
    item_count: int
    dimension: int
    metric: str
    model_fingerprint: str
    generation: int
    index: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What runs at the other end, and its limits."""

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
    galleries: tuple[GalleryInfo, ...]
