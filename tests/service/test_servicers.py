"""The services by their raw stubs: what a client in another language sends and gets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.gallery.interface import NewItem
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc, types_pb2
from tests.support.memory_gallery import MemoryGallery
from tests.support.running import running_server


@pytest.fixture(scope="module")
def channel(tiny_model: Path) -> Iterator[grpc.Channel]:
    embedder = Embedder(tiny_model)
    random = np.random.default_rng(0)
    vectors = random.standard_normal((12, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    items = [
        NewItem(item_id=f"i{number:02}", vector=vector, payload={"n": number}, thumbnail=b"jpeg")
        for number, vector in enumerate(vectors)
    ]
    gallery = MemoryGallery(items, model_fingerprint=embedder.fingerprint, dimension=8)
    with running_server(Engine(embedder, {"g": gallery})) as server, grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def retrieval(channel: grpc.Channel) -> "retrieval_pb2_grpc.RetrievalServiceStub":
    return retrieval_pb2_grpc.RetrievalServiceStub(channel)


@pytest.fixture
def galleries(channel: grpc.Channel) -> "gallery_pb2_grpc.GalleryServiceStub":
    return gallery_pb2_grpc.GalleryServiceStub(channel)


def test_defaults_are_ten_hits_with_payload_alone(retrieval: "retrieval_pb2_grpc.RetrievalServiceStub") -> None:
    response = retrieval.Search(retrieval_pb2.SearchRequest(item_id="i00"), timeout=5)
    assert len(response.hits) == 10
    assert all(hit.payload.startswith(b'{"n": ') for hit in response.hits)
    assert not any(hit.HasField("vector") or hit.thumbnail for hit in response.hits)
    assert response.origin.gallery == "g"
    assert response.origin.generation == 1


def test_an_empty_mask_asks_for_nothing(retrieval: "retrieval_pb2_grpc.RetrievalServiceStub") -> None:
    request = retrieval_pb2.SearchRequest(item_id="i00", fields=types_pb2.FieldMask())
    assert not any(hit.payload for hit in retrieval.Search(request, timeout=5).hits)


@pytest.mark.parametrize("vector", [types_pb2.Vector(data=bytes(31), dimension=8), types_pb2.Vector()])
def test_a_badly_packed_vector(retrieval: "retrieval_pb2_grpc.RetrievalServiceStub", vector: types_pb2.Vector) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        retrieval.Search(retrieval_pb2.SearchRequest(vector=vector), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_no_query_at_all(retrieval: "retrieval_pb2_grpc.RetrievalServiceStub") -> None:
    with pytest.raises(grpc.RpcError) as caught:
        retrieval.Search(retrieval_pb2.SearchRequest(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "exactly one of image, vector and item_id" in str(caught.value.details())


@pytest.mark.parametrize("count", [0, 65])
def test_too_few_or_many_pictures(retrieval: "retrieval_pb2_grpc.RetrievalServiceStub", count: int) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        retrieval.Embed(retrieval_pb2.EmbedRequest(images=[b"x"] * count), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"the call has {count} pictures; wanted at least 1 and at most 64" in str(caught.value.details())


def test_an_item_without_an_id(galleries: "gallery_pb2_grpc.GalleryServiceStub") -> None:
    with pytest.raises(grpc.RpcError) as caught:
        galleries.GetItem(gallery_pb2.GetItemRequest(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_every_reply_names_its_model(
    retrieval: "retrieval_pb2_grpc.RetrievalServiceStub", galleries: "gallery_pb2_grpc.GalleryServiceStub"
) -> None:
    red = b"no picture"
    replies: list[Any] = [
        retrieval.Search(retrieval_pb2.SearchRequest(item_id="i00"), timeout=5),
        retrieval.Embed(retrieval_pb2.EmbedRequest(images=[red]), timeout=5),
        retrieval.GetServerInfo(retrieval_pb2.GetServerInfoRequest(), timeout=5),
        galleries.ListGalleries(gallery_pb2.ListGalleriesRequest(), timeout=5),
        galleries.GetItem(gallery_pb2.GetItemRequest(item_id="i00"), timeout=5),
    ]
    assert len({reply.origin.model_fingerprint for reply in replies}) == 1
    assert len(replies[0].origin.model_fingerprint) == 64
