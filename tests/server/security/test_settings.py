"""What belongs together, and who may be let in."""

from pathlib import Path
from typing import Any

import pytest

from smserve.errors import InvalidInput
from smserve.server import Security, ServerSettings

TLS: dict[str, Any] = {"tls_certificate": Path("a.pem"), "tls_key": Path("a.key")}
KEYS: dict[str, Any] = {"keys": Path("keys.json")}
CLIENTS: dict[str, Any] = {"tls_client_ca": Path("ca.pem")}
EVERYWHERE = ["0.0.0.0", "::", "[::]", "10.0.0.1", "search.example.org", ""]  # noqa: S104 - nothing is bound


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"tls_certificate": Path("a.pem")}, "tls_certificate is given without tls_key"),
        ({"tls_key": Path("a.key")}, "tls_key is given without tls_certificate"),
        (CLIENTS, "tls_client_ca is given without tls_certificate and tls_key"),
        ({"health_port": 65536}, "health_port is 65536; wanted 0 to 65535"),
    ],
)
def test_what_does_not_belong_together(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        Security(**settings)


@pytest.mark.parametrize("host", EVERYWHERE)
@pytest.mark.parametrize("settings", [{}, KEYS, TLS], ids=["nothing", "keys", "tls"])
def test_other_machines_are_not_let_in(host: str, settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="so the server wants") as caught:
        ServerSettings(host=host, security=Security(**settings))
    message = caught.value.message
    assert ("--tls-certificate" in message) is (settings != TLS)
    assert ("--tls-client-ca" in message) is (settings != KEYS)
    assert "--insecure" in message
    assert "127.0.0.1" in message


@pytest.mark.parametrize("host", EVERYWHERE)
@pytest.mark.parametrize(
    "settings",
    [{"insecure": True}, TLS | KEYS, TLS | CLIENTS, TLS | CLIENTS | KEYS],
    ids=["insecure", "keys", "clients", "both"],
)
def test_unless_they_are_known(host: str, settings: dict[str, Any]) -> None:
    assert not ServerSettings(host=host, security=Security(**settings)).is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_this_machine_may_always_connect(host: str) -> None:
    assert ServerSettings(host=host).is_loopback
