"""Items of a gallery: which parts of them, what is read, counted and written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smserve.types.vectors import FloatArray

__all__ = ["CountResult", "FieldMask", "Item", "ItemFailure", "ItemPage", "ItemResult", "UpsertItem", "WriteResult"]


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
