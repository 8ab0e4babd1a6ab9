"""What goes into a gallery and comes out of it, whatever stores it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smserve.types import FloatArray, GenerationInfo, Hit, Item

__all__ = ["Counts", "GenerationInfo", "Neighbours", "NewItem", "Page", "PerLabel", "Source", "Written"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewItem:
    """An item to be written.

    Attributes:
        item_id: Its name; writing it again replaces the old one.
        vector: (D,) float32, unit norm.
        label: Its class; empty for none.
        payload: JSON-able further columns.
        source_uri: Where the picture lies, for rebuilding with another model.
        source_sha256: Of the encoded picture, hex; empty where there is none.
        thumbnail: An encoded JPEG, or None.
    """

    item_id: str
    vector: FloatArray
    label: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    source_uri: str = ""
    source_sha256: str = ""
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a stored item was made from; see `NewItem`. An interrupted build skips items whose source is the same."""

    uri: str
    sha256: str
    label: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An acknowledged write: it survives a crash.

    Attributes:
        sequence: Its number; later writes have larger ones.
        item_count: Items stored or deleted.
        repeated: The same request was acknowledged before; nothing was written now, and the rest is of that time.
    """

    sequence: int
    item_count: int
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PerLabel:
    """A limit on how many hits may share a label; items without a label are not limited.

    Attributes:
        most: At least 1.
        uncounted: Id of an item that the limit leaves alone: the query, where that is an item itself.
    """

    most: int
    uncounted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """The answer to a batch of queries: for each its hits by falling score, all from one state of the gallery.

    Attributes:
        generation: The generation that was searched.
        hits: By query.
        sequence: Of the last write that the state holds.
        complete_above: By query, a score: every item of a larger one that may be found is among the hits. -inf where
            nothing is missing, inf where an inexact index may have missed anything; empty where nothing is known.
        rows_s: Seconds of the search that went into reading the rows of the hits.
    """

    generation: int
    hits: tuple[tuple[Hit, ...], ...]
    sequence: int = 0
    complete_above: tuple[float, ...] = ()
    rows_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """Some items, in the order in which they were written.

    Attributes:
        items: At most as many as were asked for.
        next_token: Gets the page after this one; empty where this is the last.
    """

    items: tuple[Item, ...]
    next_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many items there are.

    Attributes:
        total: Of all labels.
        by_label: By label, empty where it was not asked for; items without one count under "".
    """

    total: int
    by_label: Mapping[str, int] = field(default_factory=dict)
