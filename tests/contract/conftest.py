"""Two real galleries built with the tiny model, asked in process and over gRPC."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smserve.client import Client
from smserve.server import open_engine
from tests.contract.retrievers import OverGrpc, Retriever
from tests.support.running import running_server


@pytest.fixture(scope="module", params=["in process", "over gRPC"])
def retriever(
    request: pytest.FixtureRequest, tiny_model: Path, drawn_gallery: Path, small_gallery: Path
) -> Iterator[Retriever]:
    engine = open_engine(tiny_model, [("drawn", drawn_gallery), ("small", small_gallery)])
    if request.param == "in process":
        yield engine
        engine.close()
        return
    with running_server(engine) as server, Client(server.address) as client:
        yield OverGrpc(client)
