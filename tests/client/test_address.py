"""How servers are named: one, or several that get calls by turns."""

import pytest

from smserve.client import Client, Tls
from smserve.client.address import check_connection, is_loopback, may_be_several, target_of
from smserve.errors import InvalidInput

ONE = ("127.0.0.1:1", "host.example:50051", "[::1]:1", "unix:/run/s.sock", "dns:///host:1", "ipv4:10.0.0.1:1")


@pytest.mark.parametrize("address", ONE)
def test_one_is_left_to_grpc(address: str) -> None:
    check_connection(address, 1)
    assert target_of(address) == address


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("10.0.0.1:1,10.0.0.2:2", "ipv4:10.0.0.1:1,10.0.0.2:2"),
        ("ipv4:10.0.0.1:1,10.0.0.2:2", "ipv4:10.0.0.1:1,10.0.0.2:2"),
        ("[::1]:1,[fe80::2]:2,[::3]:3", "ipv6:[::1]:1,[fe80::2]:2,[::3]:3"),
    ],
)
def test_several(address: str, target: str) -> None:
    check_connection(address, 1)
    assert target_of(address) == target
    assert may_be_several(address)


def test_a_name_that_is_looked_up_may_be_several() -> None:
    assert [may_be_several(address) for address in ONE] == [False, False, False, False, True, False]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("host-1:1,host-2:2", "one is no IP address.*dns:///NAME:PORT"),
        ("10.0.0.1:1,[::1]:1", "all of them IPv4, or all of them IPv6"),
        ("10.0.0.1:1,", "wanted HOST:PORT.*several with IP addresses and commas"),
        ("10.0.0.1:1, 10.0.0.2:2", "wanted HOST:PORT"),
    ],
)
def test_several_that_are_none(address: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        Client(address)
    assert caught.value.field == "address"


def test_a_key_goes_to_this_machine_alone_without_tls() -> None:
    assert is_loopback("127.0.0.1:1,127.0.0.2:2")
    assert not is_loopback("127.0.0.1:1,10.0.0.2:2")
    with pytest.raises(InvalidInput, match="without TLS everybody on the way"):
        Client("127.0.0.1:1,10.0.0.2:2", api_key="k")


def test_tls_wants_the_name_that_they_have_in_common() -> None:
    with pytest.raises(InvalidInput, match="--tls-server-name") as caught:
        Client("127.0.0.1:1,127.0.0.1:2", tls=Tls())
    assert caught.value.field == "tls.server_name"
    Client("127.0.0.1:1,127.0.0.1:2", tls=Tls(server_name="search.example")).close()
