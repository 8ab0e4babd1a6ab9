"""What the page says when the server is away, full or refuses."""

from dataclasses import dataclass

from smserve.errors import (
    DeadlineExceeded,
    GenerationMismatch,
    InvalidFilter,
    InvalidImage,
    InvalidInput,
    MessageTooLarge,
    NotFound,
    Overloaded,
    PermissionDenied,
    SmserveError,
    Unauthenticated,
    Unavailable,
)

__all__ = ["Failure", "failure_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error, for people.

    Attributes:
        title: What happened, in a few words.
        message: What exactly, and the way out.
        status: Of HTTP.
        again: Another try makes sense without changing anything.
    """

    title: str
    message: str
    status: int
    again: bool


_TITLES: tuple[tuple[type[SmserveError], str, int, bool], ...] = (
    (Unavailable, "The server is away", 503, True),
    (Overloaded, "The server is full", 503, True),
    (DeadlineExceeded, "The server took too long", 504, True),
    (Unauthenticated, "The server refuses: it wants a key", 403, False),
    (PermissionDenied, "The server refuses: this key may not do that", 403, False),
    (InvalidImage, "This picture can't be searched with", 400, False),
    (MessageTooLarge, "This is too large for the server", 413, False),
    (InvalidFilter, "This filter can't be read", 400, False),
    (InvalidInput, "A setting is wrong", 400, False),
    (NotFound, "That is not there", 404, False),
    (GenerationMismatch, "The staged model can't be asked", 409, False),
)


def failure_of(error: SmserveError) -> Failure:
    """Return what to say."""
    for kind, title, status, again in _TITLES:
        if isinstance(error, kind):
            return Failure(title=title, message=error.message, status=status, again=again)
    return Failure(title="The server could not do that", message=error.message, status=502, again=False)
