"""Every error that smserve raises, as one tree; it knows nothing of gRPC.

    SmserveError
    ├── InvalidInput              the caller's value is wrong; names the field
    │   ├── InvalidFilter
    │   ├── InvalidImage
    │   ├── InvalidTopK
    │   ├── InvalidVector
    │   └── RequestIdReused
    ├── NotFound
    │   ├── GalleryNotFound
    │   ├── ItemNotFound
    │   └── ModelNotFound
    ├── Mismatch                  two things that do not belong together
    │   ├── ModelMismatch
    │   ├── GenerationMismatch
    │   ├── RecallTooLow
    │   ├── GalleryReadOnly
    │   ├── GalleryChanged
    │   └── GalleryFixed
    ├── AlreadyExists
    │   ├── GalleryExists
    │   └── GalleryLocked
    ├── Overloaded                too much at once; try again later
    ├── MessageTooLarge           never fits; do not try again
    ├── DiskFull                  no room for a write; nothing that was acknowledged is lost
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

from typing import ClassVar, Self

__all__ = [
    "AlreadyExists",
    "Cancelled",
    "DataLoss",
    "DeadlineExceeded",
    "DiskFull",
    "GalleryChanged",
    "GalleryDamaged",
    "GalleryExists",
    "GalleryFixed",
    "GalleryLocked",
    "GalleryNotFound",
    "GalleryReadOnly",
    "GenerationMismatch",
    "InternalError",
    "InvalidFilter",
    "InvalidImage",
    "InvalidInput",
    "InvalidTopK",
    "InvalidVector",
    "ItemNotFound",
    "MessageTooLarge",
    "Mismatch",
    "ModelDamaged",
    "ModelMismatch",
    "ModelNotFound",
    "NotFound",
    "Overloaded",
    "PermissionDenied",
    "RecallTooLow",
    "RequestIdReused",
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

    def as_outcome(self) -> Self:
        """Forget where it was raised, and return it: for an error that is kept as a value.

        An error holds the frames that it came through, and they hold what was worked on, the request and its pictures,
        and what the error is kept in: a circle that stays until Python looks for some.
        """
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self


class InvalidInput(SmserveError):
    """A value that the caller gave is wrong.

    Attributes:
        field: Path of the wrong field in the request, for example `images[3]` or `top_k`.
    """

    reason = "INVALID_INPUT"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidFilter(InvalidInput):
    """A filter that can't be read, compares what can't be compared, or is over a limit."""

    reason = "INVALID_FILTER"

    def __init__(self, message: str, *, field: str = "filter") -> None:
        super().__init__(message, field=field)


class InvalidImage(InvalidInput):
    """Not a picture that smserve accepts: wrong format, damaged, animated, or over a limit.

    Attributes:
        flaw: What is wrong with it, see `smserve.images.Flaw`; the server counts by it, a client is not told.
    """

    reason = "INVALID_IMAGE"

    def __init__(self, message: str, *, field: str = "", flaw: str = "damaged") -> None:
        super().__init__(message, field=field)
        self.flaw = flaw


class InvalidTopK(InvalidInput):
    """`top_k` is not in the range that the server publishes."""

    reason = "INVALID_TOP_K"


class InvalidVector(InvalidInput):
    """A vector of the wrong length or type, not finite, or of length zero."""

    reason = "INVALID_VECTOR"


class RequestIdReused(InvalidInput):
    """A write has the `request_id` of an earlier one, but other content."""

    reason = "REQUEST_ID_REUSED"


class NotFound(SmserveError):
    """The named thing does not exist."""

    reason = "NOT_FOUND"


class GalleryNotFound(NotFound):
    """No gallery of that name or at that path."""

    reason = "GALLERY_NOT_FOUND"


class ItemNotFound(NotFound):
    """The gallery has no item with that id."""

    reason = "ITEM_NOT_FOUND"


class ModelNotFound(NotFound):
    """The server has no model file of that fingerprint."""

    reason = "MODEL_NOT_FOUND"


class Mismatch(SmserveError):
    """Two things that do not belong together."""

    reason = "MISMATCH"


class ModelMismatch(Mismatch):
    """The gallery was built by another model, or the caller pinned another one."""

    reason = "MODEL_MISMATCH"


class GenerationMismatch(Mismatch):
    """The gallery is at another generation than the one asked for, or has none yet."""

    reason = "GENERATION_MISMATCH"


class RecallTooLow(Mismatch):
    """An approximate index finds fewer of the true neighbours than was asked for."""

    reason = "RECALL_TOO_LOW"


class GalleryReadOnly(Mismatch):
    """A write to a gallery that was opened for reading."""

    reason = "GALLERY_READ_ONLY"


class GalleryChanged(Mismatch):
    """A gallery, or an alias, is not what the caller expected; nothing was done."""

    reason = "GALLERY_CHANGED"


class GalleryFixed(Mismatch):
    """A gallery that the server was started with can't be dropped; without a folder of galleries none can be made."""

    reason = "GALLERY_FIXED"


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


class DiskFull(SmserveError):
    """No room for a write, which is refused; reads go on."""

    reason = "DISK_FULL"


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
