"""What a scrape of a real server counts is what was done to it, exactly."""

import shutil
from pathlib import Path

import grpc
import numpy as np
import pytest

from smserve.client import Client
from smserve.engine import Engine
from smserve.errors import GalleryNotFound, GenerationMismatch, ItemNotFound
from smserve.server import open_engine
from smserve.types import UpsertItem
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import QUERY, Gate, health_of, query_vector, wait_for
from tests.support.hostile import corrupt_png, huge_png
from tests.support.pictures import draw, encode
from tests.support.running import running_server
from tests.support.scraping import OPEN_METRICS, scrape

PICTURE = encode(draw("red"))


def test_calls_by_method_and_code(engine: Engine) -> None:
    with running_server(engine, metrics_port=0) as server:
        with Client(server.address) as client:
            for _ in range(3):
                client.search(PICTURE)
            for _ in range(2):
                client.search(QUERY)
            with pytest.raises(GalleryNotFound):
                client.search(QUERY, gallery="nowhere")
            with pytest.raises(ItemNotFound):
                client.get_item("nobody")
            client.embed([PICTURE, PICTURE])
        seen = scrape(server)
    assert seen.series("smserve_rpc_requests_total") == {
        ("OK", "Search"): 5,
        ("NOT_FOUND", "Search"): 1,
        ("NOT_FOUND", "GetItem"): 1,
        ("OK", "GetServerInfo"): 1,  # the client asks for the limits before it embeds
        ("OK", "Embed"): 1,
    }
    assert seen.value("smserve_rpc_duration_seconds_count", method="Search") == 6
    spent = seen.value("smserve_rpc_duration_seconds_sum", method="Search")
    stages = seen.series("smserve_stage_duration_seconds_sum")
    assert spent is not None
    assert 0 < stages["search",] < spent < 60


def test_steps_of_calls_and_sizes_of_batches(engine: Engine) -> None:
    with running_server(engine, metrics_port=0) as server, Client(server.address) as client:
        client.search(PICTURE)
        client.batch_search([PICTURE, PICTURE, PICTURE], top_k=2)
        client.search(QUERY)
        seen = scrape(server)
    assert seen.series("smserve_stage_duration_seconds_count") == {
        ("queue",): 4,  # with the client's question for the limits
        ("decode",): 4,
        ("infer",): 2,
        ("search",): 3,
        ("payload",): 3,
    }
    assert seen.value("smserve_batch_size_count") == 2
    assert seen.value("smserve_batch_size_sum") == 4
    assert seen.value("smserve_batch_size_bucket", le="1.0") == 1
    assert all(seconds >= 0 for seconds in seen.series("smserve_stage_duration_seconds_sum").values())


def test_pictures_that_are_refused_by_what_is_wrong_with_them(engine: Engine) -> None:
    refused = {b"": "empty", b"no picture at all": "format", corrupt_png(): "damaged", huge_png(): "pixels"}
    with running_server(engine, metrics_port=0) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        results = stub.Embed(retrieval_pb2.EmbedRequest(images=[PICTURE, *refused]), timeout=10).results
        assert [result.HasField("error") for result in results] == [False, True, True, True, True]
        with pytest.raises(grpc.RpcError):
            stub.Search(retrieval_pb2.SearchRequest(image=b"again none"), timeout=10)
        seen = scrape(server)
    rejected = seen.series("smserve_image_rejected_total")
    expected = {(flaw,): 1.0 for flaw in refused.values()}
    assert rejected == {("bytes",): 0, ("animated",): 0, **expected, ("format",): 2}
    assert seen.series("smserve_rpc_requests_total") == {("OK", "Embed"): 1, ("INVALID_ARGUMENT", "Search"): 1}
    assert seen.series("smserve_stage_duration_seconds_count")["decode",] == 2  # the good one and the damaged one


def test_calls_that_are_turned_away_and_the_queue_meanwhile(engine: Engine, gate: Gate) -> None:
    ask = retrieval_pb2.SearchRequest(vector=query_vector())
    with (
        running_server(engine, metrics_port=0, max_in_flight=1, max_waiting=1) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        first = stub.Search.future(ask, timeout=30)
        assert gate.entered.acquire(timeout=10)
        second = stub.Search.future(ask, timeout=30)
        wait_for(lambda: server.load().waiting == 1)
        busy = scrape(server)
        assert (busy.value("smserve_queue_depth"), busy.value("smserve_rpc_in_flight")) == (1, 1)
        with pytest.raises(grpc.RpcError):
            stub.Search(ask, timeout=30)
        gate.open.set()
        assert first.result(timeout=10)
        assert second.result(timeout=10)
        seen = scrape(server)
    refusals = seen.series("smserve_shed_total")
    assert refusals == {("queue_full",): 1, ("deadline",): 0, ("wait",): 0, ("streams",): 0, ("draining",): 0}
    assert seen.series("smserve_rpc_requests_total") == {("OK", "Search"): 2, ("RESOURCE_EXHAUSTED", "Search"): 1}
    assert seen.value("smserve_queue_depth") == 0
    waited = seen.value("smserve_stage_duration_seconds_sum", stage="queue")
    assert waited is not None
    assert waited > 0


def test_streams(engine: Engine) -> None:
    query = retrieval_pb2.SearchStreamRequest(request=retrieval_pb2.SearchRequest(image=PICTURE))
    with (
        running_server(engine, metrics_port=0, max_streams=1) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        assert len(list(stub.SearchStream(iter([query, query]), timeout=10))) == 2
        seen = scrape(server)
    assert seen.series("smserve_rpc_requests_total") == {("OK", "SearchStream"): 1}
    counts = seen.series("smserve_stage_duration_seconds_count")
    assert (counts["queue",], counts["decode",], counts["search",]) == (2, 2, 2)
    assert seen.value("smserve_streams_open") == 0


def test_what_is_none_of_our_methods_is_not_counted(engine: Engine) -> None:
    with running_server(engine, metrics_port=0) as server, grpc.insecure_channel(server.address) as channel:
        for path in ("/smserve.v1.RetrievalService/Nonsense", "/inference.GRPCInferenceService/x", "/a/b"):
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(path)(b"", timeout=5)  # type: ignore[arg-type]  # bytes, as they are
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        health_of(server.address)
        seen = scrape(server)
    assert seen.series("smserve_rpc_requests_total") == {}
    assert "Nonsense" not in seen.text


def test_writes_and_swaps(tiny_model: Path, small_gallery: Path, tmp_path: Path) -> None:
    place = shutil.copytree(small_gallery, tmp_path / "mine")
    with running_server(open_engine(tiny_model, [("mine", place)], writable=True), metrics_port=0) as server:
        with Client(server.address) as client:
            vectors = np.eye(8, dtype=np.float32)[:3]
            items = [UpsertItem(item_id=f"i{number}", vector=vector) for number, vector in enumerate(vectors)]
            client.upsert(items, gallery="mine", request_id="once")
            client.upsert(items, gallery="mine", request_id="once")  # repeated: nothing is written
            client.delete(["i0"], gallery="mine")
            before = scrape(server)
            client.compact(gallery="mine")
            client.roll_back(gallery="mine")
            with pytest.raises(GenerationMismatch):
                client.roll_back(gallery="mine", expected_generation=99)  # refused, no swap that failed
        after = scrape(server, OPEN_METRICS)
        fingerprint = server._engine.model_fingerprint if server._engine else ""
    assert before.value("smserve_commit_seconds_count") == 2
    items_before = before.series("smserve_gallery_items")
    assert items_before == {("mine", "live"): 6, ("mine", "tombstoned"): 1}
    assert before.series("smserve_generation_info") == {("mine", "1", "Flat", fingerprint): 1}
    swaps = {("compacted",): 1, ("rolled_back",): 1, ("followed",): 0, ("failed",): 0}
    assert after.series("smserve_generation_swaps_total") == swaps
    assert after.series("smserve_model_info") == {(fingerprint, "CPUExecutionProvider"): 1}
