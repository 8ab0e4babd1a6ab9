"""What can be wrong with a picture."""

from enum import StrEnum

__all__ = ["Flaw"]


class Flaw(StrEnum):
    """Why a picture is refused."""

    EMPTY = "empty"
    BYTES = "bytes"
    """More than the limit."""
    PIXELS = "pixels"
    """More than the limit."""
    FORMAT = "format"
    ANIMATED = "animated"
    DAMAGED = "damaged"
