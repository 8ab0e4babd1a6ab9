"""Where the next page begins, as callers hand it back."""

import base64
import binascii

from smserve.errors import InvalidInput

__all__ = ["key_of", "token_of"]


def token_of(key: int) -> str:
    """Return the token of the page after the row of a key."""
    return base64.urlsafe_b64encode(f"after {key}".encode()).decode()


def key_of(token: str) -> int:
    """Return the key that a page begins after; 0 for the first.

    Raises:
        InvalidInput: The token is none of ours.
    """
    if not token:
        return 0
    try:
        word, key = base64.urlsafe_b64decode(token.encode()).decode().split()
        if word == "after" and key.isdecimal() and len(key) < 19:
            return int(key)
    except (binascii.Error, ValueError):
        pass
    raise InvalidInput(
        f"the page token {token!r} is none that this gallery gave; hand in the next_token of the page before, or "
        f"nothing for the first page",
        field="page_token",
    )
