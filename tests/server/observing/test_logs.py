"""Log lines: for people or for machines, each call once, with the id that its caller knows, and nothing private."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import ExifTags

from smserve.engine import Engine
from smserve.gallery.interface import Neighbours
from smserve.server import LogFormat, configure_logs
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from smserve.wire.vectors import vector_to_proto
from tests.server.asking import query_vector
from tests.support.memory_gallery import MemoryGallery
from tests.support.pictures import draw, encode
from tests.support.running import running_server
from tests.support.scraping import scrape


@pytest.fixture(autouse=True)
def root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for handler in handlers:  # pytest's own; `configure_logs` would close them
        root.removeHandler(handler)
    yield
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    for handler in logging.getLogger().handlers:
        handler.flush()
    return capsys.readouterr().err.splitlines()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(capsys)]


def test_a_json_object_for_each_call(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", LogFormat.JSON)
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        _, call = stub.Search.with_call(retrieval_pb2.SearchRequest(vector=query_vector()), timeout=10)
        query = retrieval_pb2.SearchStreamRequest(request=retrieval_pb2.SearchRequest(item_id="e0"))
        mine = (("x-request-id", "mine-1"),)
        assert len(list(stub.SearchStream(iter([query, query]), timeout=5, metadata=mine))) == 2
    request_id = str(dict(call.trailing_metadata())["x-request-id"])
    first, second = [line for line in lines(capsys) if line["logger"] == "smserve.calls"]
    assert first.pop("time").endswith("+00:00")
    assert first.pop("duration_ms") > 0
    assert first.pop("message").endswith(f" ms request={request_id}")
    assert first == {
        "level": "INFO",
        "logger": "smserve.calls",
        "method": "Search",
        "code": "OK",
        "request_id": request_id,
    }
    assert (second["method"], second["request_id"], second["answers"]) == ("SearchStream", "mine-1", 2)


def test_other_lines_say_in_which_call_they_were_logged(
    engine: Engine, gallery: MemoryGallery, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*query: Any) -> Neighbours:
        logging.getLogger("deep.inside").warning("about to fail")
        raise ZeroDivisionError

    monkeypatch.setattr(gallery, "search", broken)  # no input reaches a bug, so one is made
    configure_logs("info", LogFormat.JSON)
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        ask = retrieval_pb2.SearchRequest(vector=query_vector())
        with pytest.raises(grpc.RpcError):
            stub.Search(ask, timeout=10, metadata=(("x-request-id", "single"),))
        asked = iter([retrieval_pb2.SearchStreamRequest(request=ask)])
        assert next(stub.SearchStream(asked, timeout=10, metadata=(("x-request-id", "streamed"),))).HasField("error")
        logging.getLogger("outside").warning("of no call")
    told = lines(capsys)
    assert [line["request_id"] for line in told if line["logger"] == "deep.inside"] == ["single", "streamed"]
    assert ["request_id" in line for line in told if line["logger"] == "outside"] == [False]
    bugs = [line for line in told if line["level"] == "ERROR"]
    assert [line["request_id"] for line in bugs] == ["single", "streamed"]
    assert all("ZeroDivisionError" in line["exception"] for line in bugs)


def test_lines_for_people(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", LogFormat.CONSOLE)
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        with pytest.raises(grpc.RpcError):
            stub.Search(retrieval_pb2.SearchRequest(item_id="no\nbody"), timeout=10)
    (line,) = [line for line in written(capsys) if "smserve.calls" in line]
    assert "INFO smserve.calls: Search NOT_FOUND " in line
    assert "ITEM_NOT_FOUND: " in line


def test_what_callers_send_is_not_logged(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither pictures nor vectors nor filters nor keys, right or wrong ones."""
    shot = draw("red")
    exif = shot.getexif()
    exif[ExifTags.Base.Artist] = "s3cret"
    picture = encode(shot, "JPEG", exif=exif)
    secrets = ("s3cret", picture[:8].hex(" "), b"no picture"[:8].hex(" "), "0.123456")
    vector = vector_to_proto(np.full(3, 0.123456, np.float32))
    requests = [
        retrieval_pb2.SearchRequest(image=picture),
        retrieval_pb2.SearchRequest(image=b"no picture"),
        retrieval_pb2.SearchRequest(vector=vector),
        retrieval_pb2.SearchRequest(vector=query_vector(), top_k=100_000),
        retrieval_pb2.SearchRequest(vector=query_vector(), filter='label = "s3cret" and and'),
    ]
    configure_logs("debug", LogFormat.JSON)
    with running_server(engine, metrics_port=0) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        outcomes = []
        for request in requests:
            try:
                stub.Search(request, timeout=10, metadata=(("authorization", "Bearer s3cret"),))
                outcomes.append("OK")
            except grpc.RpcError as error:
                outcomes.append(error.code().name)
        metrics = scrape(server).text
    assert outcomes == ["OK"] + ["INVALID_ARGUMENT"] * 4
    logged = "\n".join(written(capsys))
    assert "INVALID_FILTER: field filter" in logged
    assert not [secret for secret in secrets if secret in logged or secret in metrics]
