"""Writes, counts, pages, filters and generations: the same in process and over gRPC."""

import numpy as np
import pytest

from smserve.errors import (
    GalleryNotFound,
    GalleryReadOnly,
    GenerationMismatch,
    InvalidImage,
    InvalidInput,
    InvalidVector,
    ItemNotFound,
    RequestIdReused,
    SmserveError,
)
from smserve.filters import And, Equal, Exists, In, Range, parse_filter
from smserve.types import FieldMask, Hit, SearchRequest, UpsertItem
from tests.contract.retrievers import Retriever
from tests.support.pictures import COLORS, draw, encode

NAMES = sorted(COLORS)


def new(item_id: str, color: str = "red", seed: int = 50, **payload: object) -> UpsertItem:
    return UpsertItem(
        item_id=item_id, image=encode(draw(color, seed)), label=color, payload=payload, source_uri=f"/{item_id}"
    )


def test_the_next_search_sees_an_upsert(writable: Retriever) -> None:
    item = new("new.png", "blue", price=3, größe="ä")
    written = writable.items.upsert("", [item])
    assert (written.item_count, written.repeated, written.gallery, written.generation) == (1, False, "drawn", 1)
    assert written.model_fingerprint == writable.server_info().model_fingerprint
    (hit,) = writable.search(SearchRequest(image=item.image, top_k=1)).hits
    assert (hit.item_id, hit.label, hit.payload) == ("new.png", "blue", {"price": 3, "größe": "ä"})
    stored = writable.items.get("drawn", "new.png", FieldMask(thumbnail=True, vector=True)).item
    assert (stored.source_uri, len(stored.source_sha256)) == ("/new.png", 64)
    assert stored.thumbnail is not None
    assert writable.list_galleries()[0].item_count == 25
    replaced = writable.items.upsert("drawn", [new("new.png", "red", seed=51)])
    assert replaced.sequence == written.sequence + 1
    assert writable.items.get("", "new.png", FieldMask()).item.label == "red"
    assert writable.items.count("").total == 25


def test_a_vector_is_stored_with_unit_norm(writable: Retriever) -> None:
    vector = np.arange(8, dtype=np.float32)
    writable.items.upsert("", [UpsertItem(item_id="v", vector=vector)])
    item = writable.items.get("", "v", FieldMask(vector=True, thumbnail=True)).item
    assert item.vector is not None
    np.testing.assert_allclose(item.vector, vector / np.linalg.norm(vector), atol=1e-6)
    assert (item.thumbnail, item.source_sha256, item.label, item.payload) == (None, "", "", {})


def test_a_request_is_done_once(writable: Retriever) -> None:
    items = [new("a"), new("b", seed=51)]
    first = writable.items.upsert("", items, request_id="r1")
    again = writable.items.upsert("", items, request_id="r1")
    assert (again.sequence, again.item_count, again.repeated) == (first.sequence, 2, True)
    with pytest.raises(RequestIdReused, match="'r1'") as caught:
        writable.items.upsert("", items[:1], request_id="r1")
    assert caught.value.field == "request_id"
    assert writable.items.delete("", ["a", "nobody"], request_id="r2").item_count == 1
    assert writable.items.delete("", ["a", "nobody"], request_id="r2").repeated
    assert writable.items.count("").total == 25
    with pytest.raises(InvalidInput, match="request id"):
        writable.items.upsert("", items, request_id="x" * 201)


def test_deletions_by_id_and_by_filter(writable: Retriever) -> None:
    assert writable.items.delete("", ["red/0.png", "red/0.png", "nobody"]).item_count == 1
    with pytest.raises(ItemNotFound):
        writable.items.get("", "red/0.png", FieldMask())
    assert writable.items.delete("", filter=parse_filter('label in ("red", "green")')).item_count == 7
    found = writable.search(SearchRequest(image=encode(draw("red")), top_k=24)).hits
    assert len(found) == 16
    assert not {"red", "green"} & {hit.label for hit in found}
    assert writable.items.delete("", filter=Equal("label", "red")).item_count == 0


def test_searching_with_a_filter(writable: Retriever) -> None:
    writable.items.upsert("", [new(f"n{number}", NAMES[number % 3], number, price=number) for number in range(9)])
    image = encode(draw("red"))
    every = writable.search(SearchRequest(image=image, top_k=33)).hits
    for filter in (
        Equal("label", "blue"),
        Exists("price"),
        And((Range(field="price", gte=2, lt=7), In("label", (NAMES[0], NAMES[1])))),
        parse_filter('not exists(price) and not label = "red"'),
        parse_filter('item_id = "n3"'),
    ):
        hits = writable.search(SearchRequest(image=image, top_k=33, filter=filter)).hits
        kept = [item.item_id for item in writable.items.page("", size=33, filter=filter).items]
        assert kept
        assert [hit.item_id for hit in hits] == [hit.item_id for hit in every if hit.item_id in kept]
        assert writable.items.count("", filter=filter).total == len(kept)
    assert not writable.search(SearchRequest(image=image, filter=Equal("label", "nobody's"))).hits
    by_item = writable.search(SearchRequest(item_id="n0", top_k=2, filter=Exists("price"))).hits
    assert len(by_item) == 2
    assert "n0" not in {hit.item_id for hit in by_item}


def test_few_hits_of_each_label(writable: Retriever) -> None:
    writable.items.upsert("", [UpsertItem(item_id=f"v{n}", vector=np.ones(8, np.float32)) for n in range(3)])
    image = encode(draw("red"))
    every = writable.search(SearchRequest(image=image, top_k=27)).hits
    for most, top_k in ((1, 5), (1, 27), (2, 6), (3, 27), (4, 27), (9, 10)):
        hits = writable.search(SearchRequest(image=image, top_k=top_k, max_per_label=most)).hits
        wanted: list[Hit] = []
        for hit in every:  # nearest first; without a label there is no limit
            if not hit.label or sum(each.label == hit.label for each in wanted) < most:
                wanted.append(hit)
        assert [hit.item_id for hit in hits] == [hit.item_id for hit in wanted[:top_k]]
    by_item = writable.search(SearchRequest(item_id="red/0.png", top_k=27, max_per_label=1, filter=Exists("label")))
    assert sorted(hit.label for hit in by_item.hits) == NAMES  # the query does not count as one of its label
    with pytest.raises(InvalidInput, match="max_per_label is 0; wanted at least 1") as caught:
        writable.search(SearchRequest(image=image, max_per_label=0))
    assert caught.value.field == "max_per_label"


def test_counts_by_label(writable: Retriever) -> None:
    writable.items.upsert("", [new("a", "blue"), UpsertItem(item_id="b", vector=np.ones(8, np.float32))])
    counts = writable.items.count("", by_label=True)
    others = sorted(set(COLORS) - {"blue"})
    assert list(counts.by_label.items()) == [("blue", 5), *((color, 4) for color in others), ("", 1)]
    assert (counts.total, counts.gallery, counts.generation) == (26, "drawn", 1)
    some = writable.items.count("", filter=parse_filter('label != "blue"'), by_label=True)
    assert dict(some.by_label) == {"": 1, **dict.fromkeys(others, 4)}
    assert writable.items.count("").by_label == {}


def test_pages(writable: Retriever) -> None:
    everything, token = [], ""
    for _ in range(5):
        page = writable.items.page("", size=5, token=token)
        assert (page.gallery, page.generation) == ("drawn", 1)
        everything += [item.item_id for item in page.items]
        token = page.next_token
        if len(everything) == 10:
            writable.items.delete("", [everything[0], everything[7]])  # behind us: no item is missed for it
        if not token:
            break
    assert len(everything) == len(set(everything)) == 24
    writable.items.upsert("", [new("late")])
    page = writable.items.page("", size=1000, fields=FieldMask(payload=False, vector=True))
    assert [item.item_id for item in page.items][-1] == "late"
    assert all(item.vector is not None for item in page.items)
    assert not page.next_token
    red = writable.items.page("", size=3, filter=Equal("label", "red"))
    rest = writable.items.page("", size=3, filter=Equal("label", "red"), token=red.next_token)
    assert {item.label for item in (*red.items, *rest.items)} == {"red"}
    assert writable.items.count("", filter=Equal("label", "red")).total == len(red.items) + len(rest.items)


def test_generations(writable: Retriever) -> None:
    with pytest.raises(GenerationMismatch, match="no generation from before 1"):
        writable.generations.roll_back("")
    writable.items.upsert("", [new("a")])
    compacted, _ = writable.generations.compact("")
    assert (compacted.number, compacted.item_count, compacted.current) == (2, 25, True)
    writable.items.upsert("", [new("b", seed=51)])
    writable.items.delete("", ["a"])
    assert [each.tombstone_count for each in writable.server_info().galleries if each.name == "drawn"] == [1]
    writable.items.upsert("", [new("a")])
    listed, _ = writable.generations.list("drawn")
    assert [(each.number, each.current, each.previous) for each in listed] == [(2, True, False), (1, False, True)]
    assert (listed[0].index, listed[0].recall) == (compacted.index, compacted.recall)
    with pytest.raises(GenerationMismatch, match="at generation 2, not at 7"):
        writable.generations.roll_back("", expected=7)
    assert writable.generations.roll_back("", expected=2)[0].number == 1
    result = writable.search(SearchRequest(image=new("b", seed=51).image, top_k=26))
    assert result.generation == 1
    assert {"a", "b"} <= {hit.item_id for hit in result.hits}  # what was written since stays found
    assert writable.generations.compact("")[0].number == 3


@pytest.mark.parametrize(
    ("bad", "error", "field"),
    [
        (UpsertItem(item_id="x"), InvalidInput, "items[1]"),
        (UpsertItem(item_id="", vector=np.ones(8, np.float32)), InvalidInput, "items[1].item_id"),
        (UpsertItem(item_id="x", image=b"no picture"), InvalidImage, "items[1].image"),
        (UpsertItem(item_id="x", vector=np.ones(7, np.float32)), InvalidVector, "items[1].vector"),
        (UpsertItem(item_id="x", vector=np.zeros(8, np.float32)), InvalidVector, "items[1].vector"),
    ],
)
def test_one_bad_item_stores_none(writable: Retriever, bad: UpsertItem, error: type[SmserveError], field: str) -> None:
    with pytest.raises(error) as caught:
        writable.items.upsert("", [new("good"), bad])
    assert getattr(caught.value, "field", None) == field
    assert writable.items.count("").total == 24


def test_a_payload_that_is_nested_too_deeply(writable: Retriever) -> None:
    payload: dict[str, object] = {}
    for _ in range(63):
        payload = {"a": payload}
    vector = np.ones(8, np.float32)
    writable.items.upsert("", [UpsertItem(item_id="deep", vector=vector, payload=payload)])
    assert writable.items.count("", filter=Exists("a.a.a")).total == 1
    with pytest.raises(InvalidInput, match="more than 64 levels deep") as caught:
        writable.items.upsert("", [UpsertItem(item_id="deep", vector=vector, payload={"a": [payload]})])
    assert caught.value.field == "items[0].payload"


def test_a_deletion_says_what_in_one_way(writable: Retriever) -> None:
    with pytest.raises(InvalidInput, match="neither item_ids nor filter"):
        writable.items.delete("")
    with pytest.raises(InvalidInput, match="both item_ids and filter"):
        writable.items.delete("", ["red/0.png"], filter=Equal("label", "red"))
    with pytest.raises(InvalidInput, match=r"item_ids\[1\] is empty"):
        writable.items.delete("", ["red/0.png", ""])
    with pytest.raises(InvalidInput, match="1001 ids"):
        writable.items.delete("", ["a"] * 1001)
    assert writable.items.count("").total == 24


def test_limits(writable: Retriever) -> None:
    vector = np.ones(8, np.float32)
    many = [UpsertItem(item_id=f"v{number}", vector=vector) for number in range(1001)]
    assert writable.items.upsert("", many[:1000]).item_count == 1000
    for items, message in (([], "0 items"), (many, "1001 items"), ([new("a")] * 65, "65 items with a picture")):
        with pytest.raises(InvalidInput, match=message):
            writable.items.upsert("", items)
    for size in (0, 1001):
        with pytest.raises(InvalidInput, match=f"page_size is {size}"):
            writable.items.page("", size=size)
    with pytest.raises(InvalidInput, match="page token 'mine'"):
        writable.items.page("", token="mine")  # noqa: S106 - of a page
    info = writable.server_info()
    assert (info.max_items, info.max_images, info.max_page_size) == (1000, 64, 1000)


def test_a_gallery_for_reading(retriever: Retriever) -> None:
    for call in (
        lambda: retriever.items.upsert("", [new("a")]),
        lambda: retriever.items.delete("", ["red/0.png"]),
        lambda: retriever.generations.compact(""),
        lambda: retriever.generations.roll_back(""),
    ):
        with pytest.raises(GalleryReadOnly, match="'drawn' is served for reading only"):
            call()
    assert retriever.items.count("small", by_label=True).by_label == {"": 4}
    assert len(retriever.items.page("").items) == 24
    listed, _ = retriever.generations.list("")
    assert [(each.number, each.item_count, each.current) for each in listed] == [(1, 24, True)]


def test_an_unknown_gallery(retriever: Retriever) -> None:
    for call in (
        lambda: retriever.items.upsert("birds", [new("a")]),
        lambda: retriever.items.delete("birds", ["a"]),
        lambda: retriever.items.page("birds"),
        lambda: retriever.items.count("birds"),
        lambda: retriever.generations.list("birds"),
        lambda: retriever.generations.compact("birds"),
        lambda: retriever.generations.roll_back("birds"),
    ):
        with pytest.raises(GalleryNotFound, match="no gallery 'birds' here"):
            call()
