"""A server's certificates: what it starts with, and what it goes on with when they are renewed under load."""

import logging
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from smserve.client import Client, Tls
from smserve.engine import Engine
from smserve.errors import InvalidInput, SmserveError
from smserve.server import Security, Server, ServerSettings
from smserve.server.security.tls import Certificates
from tests.server.asking import QUERY, health_of
from tests.support.certificates import Authority, CertifiedFiles
from tests.support.running import running_server


@contextmanager
def serving(engine: Engine, files: CertifiedFiles, client_ca: Path | None = None) -> Iterator[Server]:
    security = Security(tls_certificate=files.certificate, tls_key=files.key, tls_client_ca=client_ca)
    with running_server(engine, security=security) as server:
        yield server


def served_certificate(server: Server) -> bytes:
    """What a new connection is shown, as DER."""
    pem = ssl.get_server_certificate(("127.0.0.1", server.port), timeout=20)
    return ssl.PEM_cert_to_DER_cert(pem)


def leaf(files: CertifiedFiles) -> bytes:
    chain = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    return chain[0].public_bytes(serialization.Encoding.DER)


def put(file: Path, data: bytes) -> None:
    """Replace a file in one step, so that no connection sees another state than the one that is meant."""
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(data)
    fresh.replace(file)


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]


@dataclass
class Load:
    """Clients that connect, search once, and leave, until told to end."""

    address: str
    tls: Tls
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for_answers(self, more: int) -> None:
        """Return once so many further calls were answered."""
        target = self.answers + more
        for _ in range(6000):
            if self.answers >= target or self.failures:
                return
            self._stop.wait(0.01)
        pytest.fail("the clients stand still")

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with Client(self.address, timeout_s=20, tls=self.tls) as client:
                    client.search(QUERY, top_k=1)
            except SmserveError as error:
                self.failures.append(error.message)
            with self._counting:
                self.answers += 1


def test_certificates_are_renewed_under_load(
    engine: Engine, authority: Authority, server_files: CertifiedFiles, tmp_path: Path
) -> None:
    with serving(engine, server_files) as server, Load(server.address, Tls(ca=authority.pem)) as load:
        for number in range(8):
            load.wait_for_answers(8)
            renewed = authority.issue(tmp_path / f"renewed-{number}")
            server_files.replace(renewed)
            assert served_certificate(server) == leaf(renewed)
            load.wait_for_answers(8)
    assert load.failures == []
    assert load.answers >= 128


def test_a_renewal_that_goes_wrong_leaves_the_old_one_in_use(
    engine: Engine,
    authority: Authority,
    server_files: CertifiedFiles,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The key is there and the certificate is not, half a file is written, the new one is expired: nobody notices."""
    first = leaf(server_files)
    renewed = authority.issue(tmp_path / "renewed")
    expired = authority.issue(tmp_path / "expired", days=-1, since_days=3)
    steps: list[tuple[Callable[[], object], str]] = [
        (lambda: put(server_files.key, renewed.key.read_bytes()), "is not the key of the TLS certificate"),
        (lambda: put(server_files.key, renewed.key.read_bytes()[:60]), "holds no private key in PEM"),
        (lambda: put(server_files.certificate, b"-----BEGIN"), "holds no certificate in PEM"),
        (server_files.certificate.unlink, "can't be read (No such file or directory)"),
        (lambda: server_files.replace(expired), "expired on 20"),
    ]
    with serving(engine, server_files) as server, Load(server.address, Tls(ca=authority.pem)) as load:
        for damage, problem in steps:
            caplog.clear()
            damage()
            load.wait_for_answers(12)
            assert served_certificate(server) == first
            assert len(errors_in(caplog)) == 1, "told of once, however many connect"
            assert problem in errors_in(caplog)[0]
            assert errors_in(caplog)[0].endswith("; the certificate from before stays in use")
        server_files.replace(renewed)
        assert served_certificate(server) == leaf(renewed)
        load.wait_for_answers(8)
    assert load.failures == []


def test_authorities_of_clients_are_renewed_too(
    engine: Engine, authority: Authority, server_files: CertifiedFiles, tmp_path: Path
) -> None:
    old, new = Authority(), Authority()
    ca = old.write(tmp_path / "clients.pem")
    mine, yours = (each.issue(tmp_path / name, "me@x.org") for each, name in ((old, "mine"), (new, "yours")))

    def is_let_in(files: CertifiedFiles) -> bool:
        tls = Tls(ca=authority.pem, certificate=files.certificate, key=files.key)
        with Client(server.address, timeout_s=20, tls=tls) as client:
            try:
                client.info()
            except SmserveError:
                return False
            return True

    with serving(engine, server_files, ca) as server:
        assert (is_let_in(mine), is_let_in(yours)) == (True, False)
        ca.write_bytes(old.pem + new.pem)
        assert (is_let_in(mine), is_let_in(yours)) == (True, True)
        ca.write_bytes(b"junk")
        assert (is_let_in(mine), is_let_in(yours)) == (True, True)
        ca.write_bytes(new.pem)
        assert (is_let_in(mine), is_let_in(yours)) == (False, True)


def test_who_shows_a_certificate_is_named_in_the_log(
    engine: Engine,
    authority: Authority,
    server_files: CertifiedFiles,
    ca: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "smserve")
    mine = authority.issue(tmp_path / "mine", "me@example.org")
    tls = Tls(ca=ca, certificate=mine.certificate, key=mine.key)
    with serving(engine, server_files, ca) as server, Client(server.address, tls=tls) as client:
        client.info()
    assert re.search(r"GetServerInfo OK .* certificate=me@example\.org", caplog.text)


def test_a_certificate_that_expires_in_use_is_told_of(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is good for two seconds more; the server goes on, its clients refuse it."""
    files = authority.issue(tmp_path / "short", days=2 / 86_400)
    certificates = Certificates(files.certificate, files.key, None)
    assert any(each.levelno == logging.WARNING and "which expires on" in each.getMessage() for each in caplog.records)
    end = x509.load_pem_x509_certificates(files.certificate.read_bytes())[0].not_valid_after_utc
    threading.Event().wait((end - datetime.now(UTC)).total_seconds() + 0.05)
    assert [certificates._renewed() for _ in range(3)] == [None] * 3
    assert len(errors_in(caplog)) == 1
    assert re.search(r"short.pem expired on .* UTC; renew it; the certificate from before", errors_in(caplog)[0])


def test_what_a_server_does_not_start_with(authority: Authority, server_files: CertifiedFiles, tmp_path: Path) -> None:
    other = authority.issue(tmp_path / "other")
    old = authority.issue(tmp_path / "old", days=-1, since_days=3)
    early = authority.issue(tmp_path / "early", since_days=-1)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    nowhere, junk = tmp_path / "nowhere.pem", tmp_path / "junk.pem"
    junk.write_text("junk")
    day = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    good = server_files
    for certificate, key, problem in (
        (nowhere, good.key, f"the TLS certificate {nowhere} can't be read (No such file or directory)"),
        (good.certificate, nowhere, f"the TLS key {nowhere} can't be read (No such file or directory)"),
        (junk, good.key, f"the TLS certificate {junk} holds no certificate in PEM"),
        (good.certificate, junk, f"the TLS key {junk} holds no private key in PEM"),
        (good.certificate, locked, f"the TLS key {locked} has a password"),
        (
            good.certificate,
            other.key,
            f"the TLS key {other.key} is not the key of the TLS certificate {good.certificate}",
        ),
        (old.certificate, old.key, f"the TLS certificate {old.certificate} expired on {day}"),
        (early.certificate, early.key, f"the TLS certificate {early.certificate} is not valid before "),
    ):
        with pytest.raises(InvalidInput, match=re.escape(problem)):
            Server(ServerSettings(port=0, security=Security(tls_certificate=certificate, tls_key=key)))
    security = Security(tls_certificate=good.certificate, tls_key=good.key, tls_client_ca=junk)
    with pytest.raises(InvalidInput, match=r"the file of client authorities .* holds no certificate"):
        Server(ServerSettings(port=0, security=security))


def test_a_taken_port_is_a_clear_error_with_tls_too(engine: Engine, server_files: CertifiedFiles) -> None:
    with serving(engine, server_files) as server, pytest.raises(SmserveError, match="the port is in use"):
        Server(ServerSettings(port=server.port, security=server.settings.security))


def test_health_on_a_port_of_its_own(
    engine: Engine, authority: Authority, server_files: CertifiedFiles, ca: Path
) -> None:
    security = Security(
        tls_certificate=server_files.certificate, tls_key=server_files.key, tls_client_ca=ca, health_port=0
    )
    with Server(ServerSettings(port=0, security=security)) as server:
        assert server.health_address is not None
        assert health_of(server.health_address) == 2, "not serving yet, and it says so"
        server.start(engine)
        assert health_of(server.health_address) == 1
        assert health_of(server.health_address, "smserve.v1.RetrievalService") == 1
        with pytest.raises(grpc.RpcError):
            health_of(server.address)
        with grpc.insecure_channel(server.health_address) as channel:
            for path in ("/smserve.v1.RetrievalService/GetServerInfo", "/inference.GRPCInferenceService/ServerLive"):
                ask: Any = channel.unary_unary(path)
                with pytest.raises(grpc.RpcError) as caught:
                    ask(b"", timeout=5)
                assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        taken = int(server.health_address.rpartition(":")[2])
        with pytest.raises(SmserveError, match="for health; the port is in use: choose another with --health-port"):
            Server(ServerSettings(port=0, security=Security(health_port=taken)))
    with pytest.raises(grpc.RpcError):
        health_of(server.health_address)
