"""A server with keys: who may call what, by every rpc of the protos."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]  # ships no types
    reflection_pb2,
    reflection_pb2_grpc,
)
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.client import Client
from smserve.engine import Engine
from smserve.errors import PermissionDenied, Unauthenticated
from smserve.server import Security, Server, ServerSettings, open_engine
from smserve.server.security.key_file import revoke_key
from smserve.server.security.scopes import Scope, scope_of
from smserve.types import UpsertItem
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import QUERY, Gate, health_of, reason_of, wait_for
from tests.server.security.asking import FREE, REFUSALS, RPCS, ask, bearer, code_of
from tests.support.running import running_server

MakeKey = Callable[..., str]


@pytest.fixture
def secrets(make_key: MakeKey) -> dict[Scope, str]:
    """A key of each scope."""
    return {scope: make_key(f"the-{scope.text}er", scope) for scope in Scope}


@pytest.fixture
def server(
    secrets: dict[Scope, str], key_file: Path, tiny_model: Path, drawn_gallery: Path, tmp_path: Path
) -> Iterator[Server]:
    """With everything that a server can answer."""
    shutil.copytree(drawn_gallery, tmp_path / "galleries" / "drawn")
    engine = open_engine(tiny_model, [], folder=tmp_path / "galleries", writable=True)
    with running_server(engine, security=Security(keys=key_file), open_inference=True) as server:
        yield server


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel


def test_without_a_good_key_every_rpc_is_refused(channel: grpc.Channel, secrets: dict[Scope, str]) -> None:
    admin = secrets[Scope.ADMIN]
    for path in set(RPCS) - FREE:
        for metadata in (
            (),
            bearer("smserve_" + "A" * 43),
            bearer(admin[:-1]),
            bearer(admin + " x"),
            (("authorization", admin),),
            (("authorization", f"Basic {admin}"),),
            (("authorization", "Bearer"),),
            (("authorization", ""),),
            (*bearer(admin), *bearer(admin)),
            (("x-api-key", admin),),
        ):
            error = ask(channel, path, metadata)
            assert error is not None, (path, len(metadata))
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED, path
            assert reason_of(error) == "UNAUTHENTICATED"
            assert admin not in str(error)


@pytest.mark.parametrize("scope", list(Scope))
def test_scopes_open_what_they_hold_and_nothing_else(
    channel: grpc.Channel, secrets: dict[Scope, str], scope: Scope
) -> None:
    for path in set(RPCS) - FREE:
        wanted = scope_of(path)
        assert wanted is not None
        code = code_of(channel, path, bearer(secrets[scope]))
        if wanted > scope:
            assert code is grpc.StatusCode.PERMISSION_DENIED, path
        else:
            assert code not in {*REFUSALS, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL}, path


def test_a_refusal_names_the_key_and_what_is_wanted(channel: grpc.Channel, secrets: dict[Scope, str]) -> None:
    error = ask(channel, "/smserve.v1.GalleryService/DropGallery", bearer(secrets[Scope.READ]))
    assert error is not None
    assert reason_of(error) == "PERMISSION_DENIED"
    assert error.details() == ("API key 'the-reader' has scope read; DropGallery wants admin, so ask with another key")
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(error).details[0].Unpack(info)
    assert info.metadata["request_id"]


def test_the_word_bearer_is_read_as_http_has_it(channel: grpc.Channel, secrets: dict[Scope, str]) -> None:
    for word in ("Bearer ", "bearer ", "BEARER  "):
        metadata = (("authorization", word + secrets[Scope.READ]),)
        assert code_of(channel, "/smserve.v1.GalleryService/ListGalleries", metadata) is grpc.StatusCode.OK


def test_an_rpc_that_has_no_scope_is_refused_to_everybody(engine: Engine, key_file: Path, make_key: MakeKey) -> None:
    """One that was added and forgotten is closed, not open."""
    secret = make_key("boss", Scope.ADMIN)
    forgotten = {"Do": grpc.unary_unary_rpc_method_handler(lambda request, _: request, bytes, bytes)}
    with Server(ServerSettings(port=0, security=Security(keys=key_file))) as server:
        for service in ("smserve.v1.GalleryService2", "somebody.Else"):
            handlers = grpc.method_handlers_generic_handler(service, forgotten)
            server._server.add_generic_rpc_handlers((handlers,))
        server.start(engine)
        with grpc.insecure_channel(server.address) as channel:
            for path in ("/smserve.v1.GalleryService2/Do", "/somebody.Else/Do"):
                call: Any = channel.unary_unary(path)
                with pytest.raises(grpc.RpcError, match="no key may call") as caught:
                    call(b"", timeout=5, metadata=bearer(secret))
                assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_health_needs_no_key(server: Server, channel: grpc.Channel) -> None:
    assert health_of(server.address) == 1
    for path in FREE:
        assert code_of(channel, path) not in REFUSALS


def test_reflection_needs_one(server: Server, channel: grpc.Channel, secrets: dict[Scope, str]) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.ServerReflectionInfo(iter([question]), timeout=5))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(caught.value) == "UNAUTHENTICATED"
    answers = stub.ServerReflectionInfo(iter([question]), timeout=5, metadata=bearer(secrets[Scope.READ]))
    assert "smserve.v1.GalleryService" in str(list(answers))


def test_an_expired_key(server: Server, make_key: MakeKey) -> None:
    expired = make_key("guest", Scope.ADMIN, days=1e-9)
    with Client(server.address, api_key=expired) as client, pytest.raises(Unauthenticated) as caught:
        client.info()
    assert "API key 'guest' expired on 20" in caught.value.message


def test_a_key_that_is_revoked_while_the_server_runs(server: Server, make_key: MakeKey, key_file: Path) -> None:
    with Client(server.address, api_key=make_key("leaver")) as client:
        assert client.info().galleries
        revoke_key(key_file, "leaver")
        with pytest.raises(Unauthenticated, match="it is wrong, or was revoked"):
            client.info()


def test_a_stream_ends_when_its_key_is_revoked(server: Server, make_key: MakeKey, key_file: Path) -> None:
    secret = make_key("leaver")
    revoked = threading.Event()

    def queries() -> Iterator[np.ndarray]:
        yield QUERY
        assert revoked.wait(20)
        while True:
            yield QUERY

    with Client(server.address, api_key=secret) as client:
        outcomes = client.search_stream(queries(), timeout_s=30)
        assert next(outcomes).error is None
        revoke_key(key_file, "leaver")
        revoked.set()
        with pytest.raises(Unauthenticated):
            for _ in outcomes:
                pass


def test_a_reader_changes_nothing(server: Server, secrets: dict[Scope, str]) -> None:
    item = UpsertItem(item_id="new", vector=QUERY)
    with (
        Client(server.address, api_key=secrets[Scope.READ]) as reader,
        Client(server.address, api_key=secrets[Scope.WRITE]) as writer,
        Client(server.address, api_key=secrets[Scope.ADMIN]) as admin,
    ):
        with pytest.raises(PermissionDenied):
            reader.upsert([item])
        with pytest.raises(PermissionDenied):
            list(reader.delete_stream(["red/0.png"]))
        with pytest.raises(PermissionDenied):
            writer.drop_gallery("drawn")
        with pytest.raises(PermissionDenied):
            list(writer.stage_model("0" * 64))
        assert reader.count().total == 24
        writer.upsert([item])
        assert reader.count().total == 25
        assert admin.drop_gallery("drawn").item_count == 25


def test_refusals_take_no_place(engine: Engine, gate: Gate, key_file: Path, make_key: MakeKey) -> None:
    """The one place is taken and nobody may wait, and who brings no key hears of the key all the same."""
    secret = make_key("a")
    with (
        running_server(
            engine, security=Security(keys=key_file), max_in_flight=1, max_waiting=0, max_streams=0
        ) as server,
        Client(server.address, api_key=secret) as good,
        grpc.insecure_channel(server.address) as channel,
    ):
        running = threading.Thread(target=good.search, args=(QUERY,))
        running.start()
        assert gate.entered.acquire(timeout=20)
        assert code_of(channel, "/smserve.v1.RetrievalService/Search", bearer(secret)) is (
            grpc.StatusCode.RESOURCE_EXHAUSTED
        )
        for path in set(RPCS) - FREE:
            if path.startswith("/smserve."):
                assert code_of(channel, path) is grpc.StatusCode.UNAUTHENTICATED, path
        gate.open.set()
        running.join(20)


def test_every_call_s_line_names_the_key(
    server: Server, secrets: dict[Scope, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "smserve.calls")
    with grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        stub.GetServerInfo(retrieval_pb2.GetServerInfoRequest(), timeout=5, metadata=bearer(secrets[Scope.READ]))
        query = retrieval_pb2.SearchStreamRequest(request=retrieval_pb2.SearchRequest(item_id="red/0.png"))
        assert len(list(stub.SearchStream(iter([query]), timeout=5, metadata=bearer(secrets[Scope.ADMIN])))) == 1
        ask(channel, "/smserve.v1.GalleryService/Compact", bearer(secrets[Scope.WRITE]))
        ask(channel, "/smserve.v1.GalleryService/Compact")

    def lines() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.name == "smserve.calls"]

    wait_for(lambda: len(lines()) == 4)
    assert " key=the-reader" in lines()[0]
    assert " key=the-adminer answers=1" in lines()[1]
    assert "Compact PERMISSION_DENIED " in lines()[2]
    assert "API key 'the-writeer' has scope write" in lines()[2]
    assert "Compact UNAUTHENTICATED " in lines()[3]


def test_without_keys_nobody_is_asked(engine: Engine) -> None:
    with running_server(engine) as server, Client(server.address, api_key="whatever") as client:
        assert client.info().galleries
