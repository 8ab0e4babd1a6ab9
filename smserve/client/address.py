"""How a server, or several replicas of it, are named, and how long a call may take: checked when a client is made."""

import ipaddress
import re
from typing import Final

from smserve.config import DEFAULT_HOST, DEFAULT_PORT
from smserve.errors import InvalidInput

__all__ = ["DEFAULT_ADDRESS", "DEFAULT_TIMEOUT_S", "check_connection", "is_loopback", "may_be_several", "target_of"]

DEFAULT_ADDRESS: Final = f"{DEFAULT_HOST}:{DEFAULT_PORT}"
DEFAULT_TIMEOUT_S: Final = 30.0
_ADDRESS: Final = re.compile(r"[^\s/,]+:\d{1,5}|unix:\S+|\w+:///\S+")
_LIST: Final = re.compile(r"(?:ipv[46]:)?([^\s/,]+:\d{1,5}(?:,[^\s/,]+:\d{1,5})+)")
_LOOPBACK: Final = re.compile(r"(?:\w+:///)?(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}|unix(?:-abstract)?:\S+")


def check_connection(address: str, timeout_s: float) -> None:
    """Refuse what no connection can be made with.

    Raises:
        InvalidInput: The address is none, or the time is not above 0.
    """
    if _LIST.fullmatch(address):
        target_of(address)
    elif not _ADDRESS.fullmatch(address):
        raise InvalidInput(
            f"the server's address is {address!r}; wanted HOST:PORT, for example {DEFAULT_ADDRESS}, several with IP "
            f"addresses and commas, or dns:///NAME:PORT",
            field="address",
        )
    if not timeout_s > 0:
        raise InvalidInput(f"timeout_s is {timeout_s}; wanted seconds above 0", field="timeout_s")


def may_be_several(address: str) -> bool:
    """Whether more than one server may answer there: a list, or a name that is looked up."""
    return _LIST.fullmatch(address) is not None or address.startswith("dns:")


def target_of(address: str) -> str:
    """Return an address as gRPC takes it.

    Raises:
        InvalidInput: Of several, one is no IP address, or they are not of one version.
    """
    found = _LIST.fullmatch(address)
    if found is None:
        return address
    hosts = [each.rpartition(":")[0] for each in found[1].split(",")]
    try:
        versions = {ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).version for host in hosts}
    except ValueError:
        raise InvalidInput(
            f"the servers' addresses are {address!r}, and one is no IP address; give each of them as IP:PORT, or one "
            f"name that leads to all of them as dns:///NAME:PORT",
            field="address",
        ) from None
    if len(versions) > 1:
        raise InvalidInput(
            f"the servers' addresses are {address!r}; wanted all of them IPv4, or all of them IPv6", field="address"
        )
    return f"ipv{versions.pop()}:{found[1]}"


def is_loopback(address: str) -> bool:
    """Whether nothing that is sent there leaves this machine."""
    found = _LIST.fullmatch(address)
    return all(_LOOPBACK.fullmatch(each) is not None for each in (found[1].split(",") if found else [address]))
