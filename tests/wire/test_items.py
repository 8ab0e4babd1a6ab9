"""Items, pages and counts come back as they were."""

import numpy as np

from smserve.types import CountResult, Item, ItemPage, ItemResult
from smserve.wire.items import (
    counts_from_proto,
    counts_to_proto,
    item_from_proto,
    item_to_proto,
    page_from_proto,
    page_to_proto,
)

ITEM = Item(
    item_id="a",
    label="x",
    payload={"n": 1},
    source_uri="a.jpg",
    source_sha256="0f" * 32,
    vector=np.array([1, 0], np.float32),
    thumbnail=b"jpeg",
)


def same(one: Item, other: Item) -> bool:
    for name in Item.__slots__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if not (np.array_equal(mine, theirs) if name == "vector" else mine == theirs):
            return False
    return True


def test_an_item() -> None:
    back = item_from_proto(item_to_proto(ItemResult(item=ITEM, gallery="g", generation=2, model_fingerprint="abc")))
    assert (back.gallery, back.generation, back.model_fingerprint) == ("g", 2, "abc")
    assert same(back.item, ITEM)


def test_a_page() -> None:
    bare = Item(item_id="b")
    page = ItemPage(items=(ITEM, bare), next_token="t", gallery="g", generation=2, model_fingerprint="abc")  # noqa: S106
    back = page_from_proto(page_to_proto(page))
    assert (back.next_token, back.gallery, back.generation, back.model_fingerprint) == ("t", "g", 2, "abc")
    first, second = back.items
    assert same(first, ITEM)
    assert same(second, bare)
    assert second.vector is None
    assert second.thumbnail is None


def test_counts_keep_their_order() -> None:
    counts = CountResult(total=6, by_label={"z": 3, "a": 2, "": 1}, gallery="g", generation=2, model_fingerprint="abc")
    back = counts_from_proto(counts_to_proto(counts))
    assert back == counts
    assert list(back.by_label) == ["z", "a", ""]
