"""Items to be written come back as they were, and what a stranger sends is read with care."""

import numpy as np
import pytest

from smserve.errors import InvalidInput, InvalidVector
from smserve.types import UpsertItem, WriteResult
from smserve.v1 import gallery_pb2, types_pb2
from smserve.wire.writing import (
    deleted_to_proto,
    new_item_to_proto,
    new_items_from_proto,
    upserted_to_proto,
    written_from_proto,
)


def there_and_back(*items: UpsertItem) -> list[UpsertItem]:
    message = gallery_pb2.UpsertItemsRequest(items=[new_item_to_proto(item, "items[0]") for item in items])
    read = new_items_from_proto(gallery_pb2.UpsertItemsRequest.FromString(message.SerializeToString()))
    return [item for item in read if isinstance(item, UpsertItem)]


def test_new_items() -> None:
    vector = np.array([0.6, 0.8], np.float32)
    items = [
        UpsertItem(item_id="a", image=b"jpeg", label="x", payload={"größe": [1, None]}, source_uri="a.jpg"),
        UpsertItem(item_id="b", vector=vector),
        UpsertItem(item_id="c", image=b""),
        UpsertItem(item_id=""),
    ]
    back = there_and_back(*items)
    for one, other in zip(items, back, strict=True):
        for name in ("item_id", "image", "label", "payload", "source_uri"):
            assert getattr(one, name) == getattr(other, name)
    assert back[1].vector is not None
    assert back[1].vector.tolist() == vector.tolist()
    assert back[0].vector is None


@pytest.mark.parametrize("payload", [{"a": object()}, {"a": float("nan")}, {"a": "\ud800"}])
def test_a_payload_that_can_not_be_sent(payload: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="item 'a' can't be sent") as caught:
        new_item_to_proto(UpsertItem(item_id="a", image=b"", payload=payload), "items[7]")
    assert caught.value.field == "items[7]"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[1]", "a JSON list; send an object"),
        (b"null", "a JSON NoneType; send an object"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
    ],
    ids=["cut", "bytes", "list", "null", "deep", "long number"],
)
def test_a_payload_of_a_stranger(payload: bytes, message: str) -> None:
    good, bad = gallery_pb2.NewItem(item_id="a"), gallery_pb2.NewItem(item_id="b", payload=payload)
    with pytest.raises(InvalidInput, match=message) as caught:
        new_items_from_proto(gallery_pb2.UpsertItemsRequest(items=[good, bad]))
    assert caught.value.field == "items[1].payload"


def test_a_badly_packed_vector_is_named() -> None:
    bad = gallery_pb2.NewItem(item_id="b", vector=types_pb2.Vector(data=bytes(5), dimension=2))
    with pytest.raises(InvalidVector) as caught:
        new_items_from_proto(gallery_pb2.UpsertItemsRequest(items=[bad]))
    assert caught.value.field == "items[0].vector.data"


@pytest.mark.parametrize("repeated", [True, False])
def test_what_a_write_did(repeated: bool) -> None:
    written = WriteResult(
        sequence=5, item_count=3, repeated=repeated, gallery="g", generation=2, model_fingerprint="abc"
    )
    assert written_from_proto(upserted_to_proto(written)) == written
    assert written_from_proto(deleted_to_proto(written)) == written
