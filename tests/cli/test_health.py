"""`smserve health`: an exit code for probes."""

import threading
from pathlib import Path

from smserve.cli.health import _READY
from smserve.client.health import READY
from smserve.server import Security, Server, ServerSettings, open_engine
from tests.cli.conftest import Run, document
from tests.server.asking import wait_for
from tests.support.certificates import Authority


def test_the_service_is_the_client_s() -> None:
    assert _READY == READY


def test_a_server_that_is_ready(run: Run, address: str) -> None:
    result = run("health", "--server", address)
    assert (result.exit_code, result.stdout) == (0, "SERVING\n")
    assert document(run("health", "--server", address, "--service", "", "--json")) == {
        "server": address,
        "service": "",
        "status": "SERVING",
    }


def test_nobody_answers(run: Run) -> None:
    result = run("health", "--server", "127.0.0.1:1", "--timeout", 5)
    assert (result.exit_code, "no server answers at 127.0.0.1:1" in result.stderr) == (1, True)


def test_an_unknown_service(run: Run, address: str) -> None:
    result = run("health", "--server", address, "--service", "smserve.v1.Nobody")
    assert (result.exit_code, result.stdout) == (1, "")


def test_the_health_port_of_a_server_with_tls_from_its_making_to_its_drain(
    run: Run, tiny_model: Path, tmp_path: Path
) -> None:
    authority = Authority()
    files = authority.issue(tmp_path / "server")
    security = Security(
        tls_certificate=files.certificate,
        tls_key=files.key,
        tls_client_ca=authority.write(tmp_path / "ca.pem"),
        health_port=0,
    )
    with Server(ServerSettings(port=0, security=security, drain_delay_s=30)) as server:
        port = ("--server", server.health_address)
        loading = run("health", *port)
        assert (loading.exit_code, loading.stdout) == (1, "NOT_SERVING\n")
        server.start(open_engine(tiny_model, []))
        assert run("health", *port).exit_code == 0
        assert run("health", "--server", server.address, "--timeout", 5).exit_code == 1, "it speaks TLS"
        client = authority.issue(tmp_path / "client")
        shown = ("--tls-client-certificate", client.certificate, "--tls-client-key", client.key)
        assert run("health", "--server", server.address, "--tls-ca", tmp_path / "ca.pem", *shown).exit_code == 0
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        wait_for(lambda: run("health", *port).exit_code == 1)
        server.hurry()
        stopping.join(timeout=10)
