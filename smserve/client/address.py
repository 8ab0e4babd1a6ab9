"""How a server is named, and how long it may take: checked when a client is made."""

import re
from typing import Final

from smserve.config import DEFAULT_HOST, DEFAULT_PORT
from smserve.errors import InvalidInput

__all__ = ["DEFAULT_ADDRESS", "DEFAULT_TIMEOUT_S", "check_connection", "is_loopback"]

DEFAULT_ADDRESS: Final = f"{DEFAULT_HOST}:{DEFAULT_PORT}"
DEFAULT_TIMEOUT_S: Final = 30.0
_ADDRESS: Final = re.compile(r"[^\s/]+:\d{1,5}|unix:\S+|\w+:///\S+")
_LOOPBACK: Final = re.compile(r"(?:\w+:///)?(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}|unix(?:-abstract)?:\S+")


def check_connection(address: str, timeout_s: float) -> None:
    """Refuse what no connection can be made with.

    Raises:
        InvalidInput: The address is none, or the time is not above 0.
    """
    if not _ADDRESS.fullmatch(address):
        raise InvalidInput(
            f"the server's address is {address!r}; wanted HOST:PORT, for example {DEFAULT_ADDRESS}", field="address"
        )
    if not timeout_s > 0:
        raise InvalidInput(f"timeout_s is {timeout_s}; wanted seconds above 0", field="timeout_s")


def is_loopback(address: str) -> bool:
    """Whether nothing that is sent there leaves this machine."""
    return _LOOPBACK.fullmatch(address) is not None
