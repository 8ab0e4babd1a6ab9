"""A server's description, galleries and items come back as they were."""

import numpy as np

from smserve.types import GalleryInfo, Item, ItemResult, ServerInfo
from smserve.wire.gallery import item_from_proto, item_to_proto
from smserve.wire.info import info_from_proto, info_to_proto

GALLERY = GalleryInfo(
    name="birds", item_count=3, dimension=8, metric="cosine", model_fingerprint="abc", generation=7, index="Flat"
)


def info(*galleries: GalleryInfo) -> ServerInfo:
    return ServerInfo(
        version="1",
        model_name="tiny",
        model_fingerprint="abc",
        dimension=8,
        input_height=16,
        input_width=17,
        provider="CPUExecutionProvider",
        max_message_bytes=1,
        max_image_bytes=2,
        max_image_pixels=3,
        max_images=4,
        max_top_k=5,
        galleries=galleries,
    )


def test_info() -> None:
    assert info_from_proto(info_to_proto(info(GALLERY))) == info(GALLERY)
    assert info_to_proto(info(GALLERY)).origin.gallery == "birds"


def test_info_without_galleries() -> None:
    assert info_from_proto(info_to_proto(info())) == info()


def test_an_item() -> None:
    item = Item(
        item_id="a",
        label="x",
        payload={"n": 1},
        source_uri="a.jpg",
        vector=np.array([1, 0], np.float32),
        thumbnail=b"jpeg",
    )
    back = item_from_proto(item_to_proto(ItemResult(item=item, gallery="g", generation=2, model_fingerprint="abc")))
    assert (back.gallery, back.generation, back.model_fingerprint) == ("g", 2, "abc")
    assert back.item.vector is not None
    assert back.item.vector.tolist() == [1, 0]
    for name in ("item_id", "label", "payload", "source_uri", "thumbnail"):
        assert getattr(back.item, name) == getattr(item, name), name
