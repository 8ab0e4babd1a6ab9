"""Two real galleries built with the tiny model, asked in process and over gRPC."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smserve.client import Client
from smserve.engine import Engine
from smserve.server import open_engine
from tests.contract.retrievers import OverGrpc, Retriever
from tests.support.running import running_server


@contextmanager
def asked(engine: Engine, how: str) -> Iterator[Retriever]:
    """Ask an engine "in process" or "over gRPC"; it is closed in the end."""
    if how == "in process":
        yield engine
        engine.close()
        return
    with running_server(engine) as server, Client(server.address) as client:
        yield OverGrpc(client)


@pytest.fixture(scope="module", params=["in process", "over gRPC"])
def retriever(
    request: pytest.FixtureRequest, tiny_model: Path, drawn_gallery: Path, small_gallery: Path
) -> Iterator[Retriever]:
    """Served for reading."""
    with asked(open_engine(tiny_model, [("drawn", drawn_gallery), ("small", small_gallery)]), request.param) as asking:
        yield asking


@pytest.fixture(params=["in process", "over gRPC"])
def writable(
    request: pytest.FixtureRequest, tiny_model: Path, drawn_gallery: Path, tmp_path: Path
) -> Iterator[Retriever]:
    """A copy of the drawn gallery, 4 pictures each of 6 colours, served for writing."""
    shutil.copytree(drawn_gallery, tmp_path / "drawn")
    engine = open_engine(tiny_model, [("drawn", tmp_path / "drawn")], writable=True)
    with asked(engine, request.param) as asking:
        yield asking
