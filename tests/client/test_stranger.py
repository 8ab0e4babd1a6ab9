"""A client that nobody here wrote, which knows nothing of smserve, lists its services and calls them by reflection."""

import base64
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smserve.server import Server, open_engine
from tests.support.running import running_server

RETRIEVAL = "smserve.v1.RetrievalService"
GALLERIES = "smserve.v1.GalleryService"


@pytest.fixture
def server(tiny_model: Path, drawn_gallery: Path) -> Iterator[Server]:
    with running_server(open_engine(tiny_model, [("drawn", drawn_gallery)]), open_inference=True) as server:
        yield server


@pytest.fixture
def stranger(server: Server) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        from grpc_requests import Client  # type: ignore[import-untyped]  # ships no types

        return Client.get_by_endpoint(server.address)


@pytest.mark.filterwarnings("ignore")  # the library's own
def test_it_lists_and_calls(stranger: Any, pictures: Path) -> None:
    assert {RETRIEVAL, GALLERIES, "grpc.health.v1.Health", "inference.GRPCInferenceService"} <= set(
        stranger.service_names
    )
    assert {"Search", "BatchSearch", "SearchStream", "Embed"} <= set(stranger.service(RETRIEVAL).method_names)
    assert {"UpsertItemsStream", "ActivateModel", "SetAlias"} <= set(stranger.service(GALLERIES).method_names)

    assert stranger.request("grpc.health.v1.Health", "Check", {"service": RETRIEVAL}) == {"status": "SERVING"}
    image = base64.b64encode(next(iter(sorted((pictures / "red").iterdir()))).read_bytes()).decode()
    found = stranger.request(RETRIEVAL, "Search", {"image": image, "top_k": 2})
    assert [hit["label"] for hit in found["hits"][:1]] == ["red"]
    assert found["origin"]["gallery"] == "drawn"
    item = found["hits"][0]["item_id"]

    streamed = list(
        stranger.request(RETRIEVAL, "SearchStream", [{"sequence": 5, "request": {"item_id": item, "top_k": 1}}])
    )
    assert [int(answer["sequence"]) for answer in streamed] == [5]
    assert stranger.request(GALLERIES, "CountItems", {})["total"] in {24, "24"}
