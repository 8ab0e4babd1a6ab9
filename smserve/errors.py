"""Every error that smserve raises, as one tree; it knows nothing of gRPC.

    SmserveError
    ├── InvalidInput              the caller's value is wrong; names the field
    │   ├── InvalidImage
    │   ├── InvalidTopK
    │   └── InvalidVector
    ├── NotFound
    │   ├── GalleryNotFound
    │   └── ItemNotFound
    ├── Mismatch                  two things that do not belong together
    │   ├── ModelMismatch
    │   └── GenerationMismatch
    ├── AlreadyExists
    │   ├── GalleryExists
    │   └── GalleryLocked
    ├── Overloaded                too much at once; try again later
    ├── MessageTooLarge           never fits; do not try again
    ├── Unavailable               no server there, or it is draining
    ├── DeadlineExceeded
    ├── Cancelled
    ├── DataLoss                  something stored is damaged
    │   ├── ModelDamaged
    │   └── GalleryDamaged
    ├── Unauthenticated
    ├── PermissionDenied
    └── InternalError             a bug in smserve

`smserve.wire.status` maps the tree to gRPC status codes and back; the Python client raises the same classes.
A message names the thing, the value got, the value wanted and the way out.
"""

from typing import ClassVar

__all__ = [
    "AlreadyExists",
    "Cancelled",
    "DataLoss",
    "DeadlineExceeded",
    "GalleryDamaged",
    "GalleryExists",
    "GalleryLocked",
    "GalleryNotFound",
    "GenerationMismatch",
    "InternalError",
    "InvalidImage",
    "InvalidInput",
    "InvalidTopK",
    "InvalidVector",
    "ItemNotFound",
    "MessageTooLarge",
    "Mismatch",
    "ModelDamaged",
    "ModelMismatch",
    "NotFound",
    "Overloaded",
    "PermissionDenied",
    "SmserveError",
    "Unauthenticated",
    "Unavailable",
]


class SmserveError(Exception):
    """The root of the tree; `reason` is stable and machine-readable (UPPER_SNAKE_CASE)."""

    reason: ClassVar[str] = "SMSERVE_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(SmserveError):
    """A value that the caller gave is wrong.

    Attributes:
        field: Path of the wrong field in the request, for example `images[3]` or `top_k`.
    """

    reason = "INVALID_INPUT"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidImage(InvalidInput):
    """Not a picture that smserve accepts: wrong format, damaged, animated, or over a limit."""

    reason = "INVALID_IMAGE"


class InvalidTopK(InvalidInput):
    """`top_k` is not in the range that the server publishes."""

    reason = "INVALID_TOP_K"


class InvalidVector(InvalidInput):
    """A vector of the wrong length or type, not finite, or of length zero."""

    reason = "INVALID_VECTOR"


class NotFound(SmserveError):
    """The named thing does not exist."""

    reason = "NOT_FOUND"


class GalleryNotFound(NotFound):
    """No gallery of that name or at that path."""

    reason = "GALLERY_NOT_FOUND"


class ItemNotFound(NotFound):
    """The gallery has no item with that id."""

    reason = "ITEM_NOT_FOUND"


class Mismatch(SmserveError):
    """Two things that do not belong together."""

    reason = "MISMATCH"


class ModelMismatch(Mismatch):
    """The gallery was built by another model, or the caller pinned another one."""

    reason = "MODEL_MISMATCH"


class GenerationMismatch(Mismatch):
    """The gallery is at another generation than the one asked for, or has none yet."""

    reason = "GENERATION_MISMATCH"


class AlreadyExists(SmserveError):
    """The thing to be made is there already."""

    reason = "ALREADY_EXISTS"


class GalleryExists(AlreadyExists):
    """A finished gallery stands where one was to be built."""

    reason = "GALLERY_EXISTS"


class GalleryLocked(AlreadyExists):
    """Another process writes to the gallery; the message names its pid."""

    reason = "GALLERY_LOCKED"


class Overloaded(SmserveError):
    """The server is full.

    Attributes:
        retry_after_s: Seconds after which another try makes sense.
    """

    reason = "OVERLOADED"

    def __init__(self, message: str, *, retry_after_s: float = 0.5) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class MessageTooLarge(SmserveError):
    """A message over the limit that the server publishes; trying again is no help."""

    reason = "MESSAGE_TOO_LARGE"


class Unavailable(SmserveError):
    """No server answers at the address, or it is shutting down."""

    reason = "UNAVAILABLE"


class DeadlineExceeded(SmserveError):
    """The answer would come too late."""

    reason = "DEADLINE_EXCEEDED"


class Cancelled(SmserveError):
    """The caller gave up."""

    reason = "CANCELLED"


class DataLoss(SmserveError):
    """Something stored is damaged."""

    reason = "DATA_LOSS"


class ModelDamaged(DataLoss):
    """The model file can't be loaded, lacks its manifest, or fails its self-check."""

    reason = "MODEL_DAMAGED"


class GalleryDamaged(DataLoss):
    """A file or row of the gallery fails its checksum or can't be read."""

    reason = "GALLERY_DAMAGED"


class Unauthenticated(SmserveError):
    """No key, or one that the server does not know."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(SmserveError):
    """The key does not allow this call."""

    reason = "PERMISSION_DENIED"


class InternalError(SmserveError):
    """A bug in smserve; the server's log has the details."""

    reason = "INTERNAL"
