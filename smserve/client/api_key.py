"""A client's key, as each call carries it."""

import re
from typing import Final

from smserve.client.address import is_loopback
from smserve.errors import InvalidInput

__all__ = ["Metadata", "authorization"]

Metadata = tuple[tuple[str, str], ...]

_KEY: Final = re.compile(r"[\x21-\x7e]{1,512}")


def authorization(api_key: str | None, address: str, *, is_safe: bool) -> Metadata:
    """Return the metadata of each call; no message repeats the key.

    Args:
        api_key: The key; None for none.
        address: Where it is sent.
        is_safe: The connection is encrypted, or the caller knows that it need not be.

    Raises:
        InvalidInput: It is no key, or everybody on the way could read it.
    """
    if api_key is None:
        return ()
    if not _KEY.fullmatch(api_key):
        raise InvalidInput(
            f"the API key has {len(api_key)} characters that are not all visible ASCII; wanted what `smserve keys "
            f"create` printed, without spaces or line ends",
            field="api_key",
        )
    if not (is_safe or is_loopback(address)):
        raise InvalidInput(
            f"without TLS everybody on the way to {address} can read the API key; connect with TLS (tls=smserve.Tls(), "
            f"--tls), or say insecure=True (--insecure) where something else encrypts the connection",
            field="api_key",
        )
    return (("authorization", f"Bearer {api_key}"),)
