"""Clients and servers that prove who they are, over real sockets: what is refused, and in which words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

import smserve
from smserve.client import Tls
from smserve.engine import Engine
from smserve.errors import InvalidInput, Unavailable
from smserve.server import Security, Server, open_engine
from smserve.server.security.key_file import create_key
from smserve.server.security.scopes import Scope
from tests.support.certificates import Authority, CertifiedFiles
from tests.support.running import running_server

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def stranger() -> Authority:
    return Authority()


@pytest.fixture
def engine(tiny_model: Path, drawn_gallery: Path) -> Engine:
    return open_engine(tiny_model, [("drawn", drawn_gallery)])


@contextmanager
def secure_server(
    engine: Engine, files: CertifiedFiles, *, client_ca: Path | None = None, keys: Path | None = None
) -> Iterator[Server]:
    security = Security(tls_certificate=files.certificate, tls_key=files.key, tls_client_ca=client_ca, keys=keys)
    with running_server(engine, security=security) as server:
        yield server


def refused(client: Any) -> str:
    """Ask, be refused before a byte of the answer, and return why."""
    with pytest.raises(Unavailable) as caught:
        client.info()
    with pytest.raises(Unavailable):
        list(client.search_stream(["photo.jpg"]))
    return caught.value.message


def test_all_kinds_of_calls_over_mutual_tls_with_a_key(
    connect: Connect, engine: Engine, authority: Authority, pictures: Path, tmp_path: Path
) -> None:
    ca = authority.write(tmp_path / "ca.pem")
    own = authority.issue(tmp_path / "client", "me@example.org")
    _, secret = create_key(tmp_path / "keys.json", "me", Scope.READ)
    files = authority.issue(tmp_path / "server")
    with secure_server(engine, files, client_ca=ca, keys=tmp_path / "keys.json") as server:
        tls = Tls(ca=ca, certificate=own.certificate, key=own.key)
        client = connect(server.address, tls=tls, api_key=secret)
        picture = pictures / "red" / "0.png"
        assert client.search(picture).hits[0].item_id == "red/0.png"
        assert len(list(client.search_stream([picture] * 20, top_k=1))) == 20
        assert client.batch_search([picture])[0].error is None
        assert client.embed([picture])[0].vector is not None
        assert len(list(client.items())) == 24
        by_name = connect(f"localhost:{server.port}", tls=tls, api_key=secret)
        assert by_name.count().total == 24
        from_bytes = Tls(ca=authority.pem, certificate=own.certificate.read_bytes(), key=own.key.read_bytes())
        assert connect(server.address, tls=from_bytes, api_key=secret).count().total == 24


def test_a_server_of_another_authority(
    connect: Connect, engine: Engine, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    with secure_server(engine, stranger.issue(tmp_path / "server")) as server:
        message = refused(connect(server.address, tls=Tls(ca=authority.pem)))
        assert f"no connection to the server at {server.address}: its TLS certificate is of no authority" in message
        assert "smserve.Tls(ca=...), --tls-ca" in message
        assert "is of no authority that this client trusts" in refused(connect(server.address, tls=Tls()))


def test_a_server_of_another_name(connect: Connect, engine: Engine, authority: Authority, tmp_path: Path) -> None:
    with secure_server(engine, authority.issue(tmp_path / "server", "search.example.org")) as server:
        assert "its TLS certificate is for another name" in refused(connect(server.address, tls=Tls(ca=authority.pem)))
        # localhost has two addresses, and gRPC tells of the latest that failed, which may be [::1], where nobody is
        assert refused(connect(f"localhost:{server.port}", tls=Tls(ca=authority.pem)))
        named = Tls(ca=authority.pem, server_name="search.example.org")
        assert connect(server.address, tls=named).count().total == 24
        other = Tls(ca=authority.pem, server_name="other.example.org")
        assert "is for another name" in refused(connect(server.address, tls=other))


def test_a_server_whose_certificate_has_expired(connect: Connect, authority: Authority, tmp_path: Path) -> None:
    """A server of ours doesn't start with one, so this one is none of ours."""
    from concurrent.futures import ThreadPoolExecutor

    files = authority.issue(tmp_path / "server", days=-1, since_days=3)
    server = grpc.server(ThreadPoolExecutor(1))
    pair = (files.key.read_bytes(), files.certificate.read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    assert "its TLS certificate has expired" in refused(connect(f"127.0.0.1:{port}", tls=Tls(ca=authority.pem)))
    server.stop(0).wait(10)


def test_one_speaks_tls_and_the_other_does_not(
    connect: Connect, engine: Engine, authority: Authority, tmp_path: Path
) -> None:
    with secure_server(engine, authority.issue(tmp_path / "server")) as server:
        assert "it may want TLS: tls=smserve.Tls(...), --tls or --tls-ca" in refused(connect(server.address))


def test_tls_to_a_server_without(connect: Connect, engine: Engine, authority: Authority) -> None:
    with running_server(engine) as server:
        assert "it speaks no TLS" in refused(connect(server.address, tls=Tls(ca=authority.pem)))


def test_a_client_without_a_certificate(
    connect: Connect, engine: Engine, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    ca = authority.write(tmp_path / "ca.pem")
    foreign = stranger.issue(tmp_path / "foreign", "me@example.org")
    with secure_server(engine, authority.issue(tmp_path / "server"), client_ca=ca) as server:
        assert "it may want a client certificate" in refused(connect(server.address, tls=Tls(ca=ca)))
        tls = Tls(ca=ca, certificate=foreign.certificate, key=foreign.key)
        assert "be of no authority that the server trusts" in refused(connect(server.address, tls=tls))
        assert "it may want TLS" in refused(connect(server.address))


def test_a_client_whose_certificate_has_expired(
    connect: Connect, engine: Engine, authority: Authority, tmp_path: Path
) -> None:
    ca = authority.write(tmp_path / "ca.pem")
    old = authority.issue(tmp_path / "old", "me@example.org", days=-1, since_days=3)
    with secure_server(engine, authority.issue(tmp_path / "server"), client_ca=ca) as server:
        with pytest.raises(InvalidInput, match=r"TLS client certificate .*old.pem expired on 20.* UTC; renew it"):
            connect(server.address, tls=Tls(ca=ca, certificate=old.certificate, key=old.key))
        credentials = grpc.ssl_channel_credentials(
            authority.pem, old.key.read_bytes(), old.certificate.read_bytes()
        )  # a client that does not look itself
        with grpc.secure_channel(server.address, credentials) as channel, pytest.raises(grpc.RpcError) as caught:
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_half_a_pair() -> None:
    with pytest.raises(InvalidInput, match="tls has a client certificate without its key") as caught:
        Tls(certificate="client.pem")
    assert caught.value.field == "tls.key"
    with pytest.raises(InvalidInput, match="tls has a client key without its certificate"):
        Tls(key="client.key")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"ca": "nowhere.pem"}, r"file of authorities nowhere.pem can't be read \(No such file"),
        ({"ca": b"junk"}, "the file of authorities holds no certificate in PEM"),
        ({"certificate": b"junk", "key": b"junk"}, "the TLS client certificate holds no certificate in PEM"),
    ],
)
def test_files_that_can_t_be_used(connect: Connect, settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        connect("127.0.0.1:1", tls=Tls(**settings))


def test_a_private_key_is_shown_nowhere(connect: Connect, authority: Authority, tmp_path: Path) -> None:
    own = authority.issue(tmp_path / "client", "me@example.org")
    key = own.key.read_bytes()
    tls = Tls(ca=authority.pem, certificate=own.certificate.read_bytes(), key=key)
    assert "PRIVATE KEY" not in repr(tls)
    assert smserve.Tls is Tls
    mixed = Tls(certificate=authority.issue(tmp_path / "other", "me@example.org").certificate.read_bytes(), key=key)
    with pytest.raises(InvalidInput, match="is not the key of") as caught:
        connect("127.0.0.1:1", tls=mixed)
    assert "BEGIN" not in str(caught.value)
