"""What is asked and answered by a search."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from smserve.config import SearchLimits
from smserve.filters import Filter
from smserve.types.items import FieldMask
from smserve.types.vectors import FloatArray

__all__ = ["Hit", "ItemHead", "SearchOutcome", "SearchRequest", "SearchResult"]


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
        staged: The model that is staged beside the one in use answers, with its own generations.
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
    staged: bool = False


class ItemHead:
    """What every hit of an item shows; made once, and shared by its hits.

    Attributes:
        item_id: Its name in the gallery.
        label: Its class; empty where the gallery has none.
        payload: Its further columns; empty unless asked for.
        encoded: What was made of it to send it, kept here by who did; empty until then.
    """

    __slots__ = ("encoded", "item_id", "label", "payload")

    def __init__(self, item_id: str, label: str = "", payload: Mapping[str, Any] | None = None) -> None:
        self.item_id: Final = item_id
        self.label: Final = label
        self.payload: Final[Mapping[str, Any]] = {} if payload is None else payload
        self.encoded = b""


class Hit:
    """A neighbour.

    Attributes:
        head: Of its item.
        score: Cosine to the query.
        probability: Calibrated probability of "same class"; None where the model has no calibration.
        vector: (D,) unit norm, when asked for.
        thumbnail: An encoded JPEG, when asked for and stored.
    """

    __slots__ = ("head", "probability", "score", "thumbnail", "vector")

    def __init__(
        self,
        head: ItemHead,
        score: float,
        probability: float | None = None,
        vector: FloatArray | None = None,
        thumbnail: bytes | None = None,
    ) -> None:
        self.head = head
        self.score = score
        self.probability = probability
        self.vector = vector
        self.thumbnail = thumbnail

    @property
    def item_id(self) -> str:
        """Its item's name in the gallery."""
        return self.head.item_id

    @property
    def label(self) -> str:
        """Its item's class; empty where the gallery has none."""
        return self.head.label

    @property
    def payload(self) -> Mapping[str, Any]:
        """Its item's further columns; empty unless asked for."""
        return self.head.payload

    def __repr__(self) -> str:
        """For people."""
        return f"Hit({self.item_id!r}, score={self.score!r}, label={self.label!r}, probability={self.probability!r})"


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
