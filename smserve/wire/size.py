"""The size of a message, checked before gRPC would end the call without saying why."""

from typing import Any, Final

from smserve.config import MAX_MESSAGE_BYTES
from smserve.errors import MessageTooLarge

__all__ = ["check_size"]

_MOST: Final = MAX_MESSAGE_BYTES


def check_size(response: Any) -> None:
    """Check that an answer can be sent.

    Raises:
        MessageTooLarge: It is over the limit of a message.
    """
    size = response.ByteSize()
    if size > _MOST:
        raise MessageTooLarge(
            f"the answer has {size:,} bytes, over the limit of {_MOST:,}; ask for fewer hits or items, or for fewer of "
            f"their parts"
        )
