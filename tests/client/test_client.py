"""The client where there is no server, or one that ends."""

import socket
import time
from collections.abc import Iterator

import pytest

import smserve
from smserve.client import Client
from smserve.errors import DeadlineExceeded, InvalidInput, Unavailable


@pytest.fixture
def silent_address() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def test_no_server_is_said_quickly_with_the_way_out() -> None:
    address = free_address()
    start = time.monotonic()
    with Client(address) as client, pytest.raises(Unavailable) as caught:
        client.info()
    assert time.monotonic() - start < 10
    assert f"no server answers at {address} (" in caught.value.message
    assert "start one with `smserve serve --model" in caught.value.message


@pytest.mark.parametrize("address", ["no.such.host.invalid:1", "127.0.0.1:99999"])
def test_an_address_where_nobody_is(address: str) -> None:
    with Client(address, timeout_s=5) as client, pytest.raises((Unavailable, DeadlineExceeded)) as caught:
        client.info()
    assert f"at {address}" in caught.value.message or f"from {address}" in caught.value.message


@pytest.mark.parametrize("address", ["nonsense", "", "host:", "http://host:1", "host:port"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(InvalidInput, match=f"address is '{address}'; wanted HOST:PORT"):
        Client(address)


def test_a_silent_server_is_late(silent_address: str) -> None:
    with Client(silent_address, timeout_s=0.3) as client, pytest.raises((DeadlineExceeded, Unavailable)):
        client.info()


def test_a_closed_client_says_so() -> None:
    client = Client(free_address())
    client.close()
    client.close()
    with pytest.raises(Unavailable, match="is closed"):
        client.info()


@pytest.mark.parametrize("timeout_s", [0, -1])
def test_a_timeout_must_be_positive(timeout_s: float) -> None:
    with pytest.raises(InvalidInput, match=f"timeout_s is {timeout_s}"):
        Client(timeout_s=timeout_s)


def test_the_public_face() -> None:
    assert smserve.Client is Client
    assert all(hasattr(smserve, name) for name in smserve.__all__)
    assert set(smserve.__all__) == set(dir(smserve))
    with pytest.raises(AttributeError, match="has no attribute 'Clientt'"):
        _ = smserve.Clientt
