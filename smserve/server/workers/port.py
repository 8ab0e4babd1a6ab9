"""A port that the workers share, reserved for them."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from smserve.errors import Unavailable

__all__ = ["ReservedPort"]

_Address = tuple[socket.AddressFamily, tuple[str, int]]


class ReservedPort:
    """Bound and not listened on, so that nobody but processes that share it gets it; held until `close`.

    Connections go to the sockets that listen, so none comes here.

    Attributes:
        port: Its number.
    """

    def __init__(self, host: str, port: int, *, option: str = "--port") -> None:
        """Reserve a port; 0 takes a free one.

        Args:
            host: As for `ServerSettings`.
            port: Its number.
            option: Of the command line, for the message.

        Raises:
            Unavailable: It is taken, or the host is none of this machine's.
        """
        self._sockets: Final = ExitStack()
        self.port = port
        try:
            for family, (address, _) in _addresses(host):
                if self.port:
                    _try_alone(family, (address, self.port))
                self.port = self._reserve(family, (address, self.port))
        except OSError as error:
            self._sockets.close()
            raise Unavailable(
                f"can't listen on {host}:{port} ({error.strerror}); the port is in use or the address is not this "
                f"machine's; choose another with {option} (0 takes a free one) and --host"
            ) from None

    def close(self) -> None:
        """Let go of it; calling it twice is harmless."""
        self._sockets.close()

    def _reserve(self, family: socket.AddressFamily, address: tuple[str, int]) -> int:
        try:
            bound = _bound(family, address, socket.SO_REUSEPORT)
        except OSError as error:
            # Connections of a server that has just stopped, and did not share, are not quite gone.
            if error.errno != errno.EADDRINUSE:
                raise
            bound = _bound(family, address, socket.SO_REUSEPORT, socket.SO_REUSEADDR)
        self._sockets.enter_context(bound)
        number: int = bound.getsockname()[1]
        return number


def _try_alone(family: socket.AddressFamily, address: tuple[str, int]) -> None:
    """Fail where anybody has the port, those that would share it among them."""
    _bound(family, address, socket.SO_REUSEADDR).close()


def _bound(family: socket.AddressFamily, address: tuple[str, int], *options: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            made.setsockopt(socket.SOL_SOCKET, option, 1)
        if family is socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made


def _addresses(host: str) -> Iterator[_Address]:
    """Yield where a host is reached; a name may have several addresses, of which gRPC takes all."""
    found = socket.getaddrinfo(host.removeprefix("[").removesuffix("]"), 0, type=socket.SOCK_STREAM)
    for family, _, _, _, place in found:
        yield family, (str(place[0]), 0)
