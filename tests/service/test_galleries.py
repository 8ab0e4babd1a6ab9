"""Galleries made, named, given another model, checked and dropped, by raw stubs on a real server."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from smserve.indexing import build_gallery, pictures_in
from smserve.model_file import fingerprint
from smserve.server import open_engine
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc, types_pb2
from tests.support.pictures import draw, encode, write_class_folders
from tests.support.running import running_server
from tests.support.tiny_model import write_tiny_model

TIMEOUT_S = 30


class Server:
    """A server of one gallery "photos" of 24 pictures, with two models."""

    def __init__(self, address: str, old: str, new: str, folder: Path) -> None:
        self.channel = grpc.insecure_channel(address)
        self.galleries = gallery_pb2_grpc.GalleryServiceStub(self.channel)
        self.retrieval = retrieval_pb2_grpc.RetrievalServiceStub(self.channel)
        self.old, self.new, self.folder = old, new, folder

    def search(self, gallery: str = "") -> retrieval_pb2.SearchResponse:
        request = retrieval_pb2.SearchRequest(gallery=gallery, image=encode(draw("red")), top_k=3)
        return self.retrieval.Search(request, timeout=TIMEOUT_S)

    def stage(self, model: str) -> list[gallery_pb2.StageModelResponse]:
        request = gallery_pb2.StageModelRequest(gallery="photos", model_fingerprint=model)
        return list(self.galleries.StageModel(request, timeout=TIMEOUT_S))

    def refused_to_stage(self) -> grpc.StatusCode | None:
        try:
            assert self.stage(self.new)[-1].ready
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return None


@pytest.fixture
def server(tiny_model: Path, tmp_path: Path) -> Iterator[Server]:
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(tiny_model, models / "old.onnx")
    new = write_tiny_model(models / "new.onnx", seed=3, dimension=12)
    write_class_folders(tmp_path / "photos")
    folder = tmp_path / "galleries"
    build_gallery(model=tiny_model, sources=pictures_in(tmp_path / "photos"), gallery=folder / "photos")
    engine = open_engine(tiny_model, [], folder=folder, models=models, writable=True)
    with running_server(engine) as running:
        server = Server(running.address, fingerprint(tiny_model.read_bytes()), fingerprint(new.read_bytes()), folder)
        with server.channel:
            yield server


def test_another_model_while_it_serves(server: Server) -> None:
    listed = server.galleries.ListModels(gallery_pb2.ListModelsRequest(), timeout=TIMEOUT_S)
    assert [(each.state, each.model_fingerprint, each.available) for each in listed.models] == [
        (gallery_pb2.MODEL_STATE_IN_USE, server.old, True)
    ]
    answers = server.stage(server.new)
    assert (answers[-1].ready, answers[-1].embedded_count, answers[-1].total_count) == (True, 24, 24)
    assert answers[-1].origin.model_fingerprint == server.new
    assert server.search().origin.model_fingerprint == server.old
    activated = server.galleries.ActivateModel(
        gallery_pb2.ActivateModelRequest(model_fingerprint=server.new, expected_model_fingerprint=server.old),
        timeout=TIMEOUT_S,
    )
    assert activated.previous_model_fingerprint == server.old
    assert (activated.origin.gallery, activated.origin.model_fingerprint) == ("photos", server.new)
    found = server.search()
    assert found.origin == activated.origin
    assert found.hits[0].item_id == "red/0.png"
    assert found.hits[0].score == pytest.approx(1, abs=1e-5)
    listed = server.galleries.ListModels(gallery_pb2.ListModelsRequest(gallery="photos"), timeout=TIMEOUT_S)
    assert [each.state for each in listed.models] == [
        gallery_pb2.MODEL_STATE_IN_USE,
        gallery_pb2.MODEL_STATE_PREVIOUS,
    ]
    checked = server.galleries.VerifyGallery(gallery_pb2.VerifyGalleryRequest(), timeout=TIMEOUT_S)
    assert (list(checked.findings), checked.item_count) == ([], 24)
    assert checked.origin.model_fingerprint == server.new


def test_galleries_come_and_go(server: Server) -> None:
    made = server.galleries.CreateGallery(
        gallery_pb2.CreateGalleryRequest(gallery="v2", model_fingerprint=server.new), timeout=TIMEOUT_S
    )
    assert (made.gallery.name, made.gallery.dimension, made.gallery.model_name, made.gallery.writable) == (
        "v2",
        12,
        "tiny-3",
        True,
    )
    set_alias = gallery_pb2.SetAliasRequest(alias="live", gallery="photos", expected_gallery="")
    assert server.galleries.SetAlias(set_alias, timeout=TIMEOUT_S).origin.gallery == "photos"
    assert server.search("live").origin.gallery == "photos"
    with pytest.raises(grpc.RpcError) as caught:  # it leads somewhere now
        server.galleries.SetAlias(set_alias, timeout=TIMEOUT_S)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    moved = server.galleries.SetAlias(gallery_pb2.SetAliasRequest(alias="live", gallery="v2"), timeout=TIMEOUT_S)
    assert (moved.previous_gallery, moved.origin.gallery) == ("photos", "v2")
    info = server.galleries.GetGallery(gallery_pb2.GetGalleryRequest(gallery="live"), timeout=TIMEOUT_S)
    assert (info.gallery.name, list(info.gallery.aliases)) == ("v2", ["live"])
    gone = server.galleries.DeleteAlias(gallery_pb2.DeleteAliasRequest(alias="live"), timeout=TIMEOUT_S)
    assert gone.origin.gallery == "v2"
    with pytest.raises(grpc.RpcError) as caught:
        server.galleries.DropGallery(
            gallery_pb2.DropGalleryRequest(gallery="v2", expected_item_count=1), timeout=TIMEOUT_S
        )
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    dropped = server.galleries.DropGallery(
        gallery_pb2.DropGalleryRequest(gallery="v2", expected_item_count=0), timeout=TIMEOUT_S
    )
    assert (dropped.item_count, dropped.origin.gallery) == (0, "v2")
    assert not (server.folder / "v2").exists()


def test_of_a_partial_write_each_refusal_is_named(server: Server) -> None:
    vector = types_pb2.Vector(data=bytes(28) + b"\x00\x00\x80\x3f", dimension=8)
    request = gallery_pb2.UpsertItemsRequest(
        items=[
            gallery_pb2.NewItem(item_id="good", vector=vector),
            gallery_pb2.NewItem(item_id="bad payload", vector=vector, payload=b"{"),
            gallery_pb2.NewItem(item_id="bad vector", vector=types_pb2.Vector(data=b"123", dimension=8)),
            gallery_pb2.NewItem(item_id="bad picture", image=b"no picture"),
        ],
        partial=True,
    )
    written = server.galleries.UpsertItems(request, timeout=TIMEOUT_S)
    assert written.item_count == 1
    assert [(each.index, each.item_id, each.error.code, each.error.reason) for each in written.errors] == [
        (1, "bad payload", 3, "INVALID_INPUT"),
        (2, "bad vector", 3, "INVALID_VECTOR"),
        (3, "bad picture", 3, "INVALID_IMAGE"),
    ]
    request.partial = False
    with pytest.raises(grpc.RpcError) as caught:
        server.galleries.UpsertItems(request, timeout=TIMEOUT_S)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_staging_ends_when_its_caller_leaves(server: Server) -> None:
    request = gallery_pb2.StageModelRequest(model_fingerprint=server.new)
    call = server.galleries.StageModel(request, timeout=TIMEOUT_S)
    call.cancel()
    until = time.monotonic() + TIMEOUT_S
    while (refused := server.refused_to_stage()) is grpc.StatusCode.ALREADY_EXISTS:  # the other ends at its next item
        assert time.monotonic() < until
        time.sleep(0.05)
    assert refused is None


def test_limits_of_the_server_are_published(server: Server) -> None:
    info = server.retrieval.GetServerInfo(retrieval_pb2.GetServerInfoRequest(), timeout=TIMEOUT_S)
    limits = (info.max_queries, info.max_streams, info.max_stream_requests, info.max_in_flight, info.max_waiting)
    assert all(limit > 0 for limit in limits)
    assert info.max_decoded_bytes == 2**30
