"""A server that can do everything, and both clients behind one face."""

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smserve.client import AsyncClient, Client
from smserve.server import Server, open_engine
from tests.support.running import running_server


class Blocking:
    """An `AsyncClient` that one can call like a `Client`: each call runs a loop of its own thread to its end."""

    def __init__(self, address: str, **settings: Any) -> None:
        self._client = AsyncClient(address, **settings)
        self._loop = asyncio.new_event_loop()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            if inspect.isasyncgen(result) or isinstance(result, AsyncIterator):
                return self._each(result)
            return self._loop.run_until_complete(result)

        return call

    def _each(self, answers: Any) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._loop.run_until_complete(anext(answers))
                except StopAsyncIteration:
                    return
        finally:
            self._loop.run_until_complete(answers.aclose())

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


@pytest.fixture(params=["sync", "asyncio"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes clients of one kind; they are closed in the end."""
    made: list[Any] = []

    def make(address: str, **settings: Any) -> Any:
        made.append(Client(address, **settings) if request.param == "sync" else Blocking(address, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def server(tiny_model: Path, other_model: Path, drawn_gallery: Path, tmp_path: Path) -> Iterator[Server]:
    """The drawn gallery, 24 items of 6 colours, served for writing, with a folder for more and another model."""
    shutil.copytree(drawn_gallery, tmp_path / "drawn")
    (tmp_path / "models").mkdir()
    shutil.copy(other_model, tmp_path / "models" / "other.onnx")
    (tmp_path / "galleries").mkdir()
    engine = open_engine(
        tiny_model,
        [("drawn", tmp_path / "drawn")],
        folder=tmp_path / "galleries",
        models=tmp_path / "models",
        writable=True,
    )
    with running_server(engine, max_stream_requests=3) as running:
        yield running


@pytest.fixture
def client(connect: Callable[..., Any], server: Server) -> Any:
    """A client of the server, of each kind in turn."""
    return connect(server.address)
