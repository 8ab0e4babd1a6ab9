"""A server's description, its galleries and their generations come back as they were."""

import dataclasses

import pytest

from smserve.types import GalleryInfo, GenerationInfo, MemoryInfo, ServerInfo
from smserve.wire.gallery import generation_from_proto, generation_to_proto
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
        max_items=6,
        max_page_size=7,
        galleries=galleries,
    )


def test_info() -> None:
    assert info_from_proto(info_to_proto(info(GALLERY))) == info(GALLERY)
    assert info_to_proto(info(GALLERY)).origin.gallery == "birds"


def test_a_measured_recall() -> None:
    for measured in (0.0, 0.9875):
        found = dataclasses.replace(GALLERY, live_recall=measured, live_recall_searches=17)
        assert info_from_proto(info_to_proto(info(found))) == info(found)


@pytest.mark.parametrize(
    "memory",
    [
        MemoryInfo(resident_bytes=0),
        MemoryInfo(
            resident_bytes=2**40,
            predicted_rest_bytes=1,
            predicted_max_bytes=2,
            predicted_mapped_bytes=3,
            limit_bytes=4,
        ),
    ],
)
def test_memory(memory: MemoryInfo) -> None:
    told = dataclasses.replace(info(), memory=memory)
    assert info_from_proto(info_to_proto(told)) == told


def test_info_without_galleries() -> None:
    assert info_from_proto(info_to_proto(info())) == info()


def test_a_generation() -> None:
    generation = GenerationInfo(
        number=7,
        item_count=3,
        last_sequence=9,
        index="IVF16,Flat",
        recall={"kind": "measured", "value": 0.995},
        current=False,
        previous=True,
    )
    assert generation_from_proto(generation_to_proto(generation)) == generation
