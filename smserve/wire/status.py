"""The ONE table between `smserve.errors` and gRPC status, with google.rpc details.

Every status carries ErrorInfo (the error's `reason`, domain "smserve"); wrong values add BadRequest with the path of
the field, a full server adds RetryInfo. An error's class comes back from its reason, so a client sees what was raised.
"""

from collections.abc import Iterator
from typing import Final

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # ships no types

from smserve import errors
from smserve.errors import SmserveError
from smserve.v1 import types_pb2

__all__ = [
    "CODES",
    "DOMAIN",
    "code_name",
    "code_of",
    "error_from_code",
    "error_from_status",
    "error_to_status",
    "item_error_from_proto",
    "item_error_to_proto",
]

DOMAIN: Final = "smserve"

_MAX_MESSAGE_BYTES: Final = 1000  # trailers hold 8 KiB; a message is in there three times, once percent-encoded

CODES: Final[dict[type[SmserveError], int]] = {
    # A class stands for those below it in the tree.
    errors.InvalidInput: code_pb2.INVALID_ARGUMENT,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.Mismatch: code_pb2.FAILED_PRECONDITION,
    errors.AlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.Overloaded: code_pb2.RESOURCE_EXHAUSTED,
    errors.MessageTooLarge: code_pb2.RESOURCE_EXHAUSTED,
    errors.DiskFull: code_pb2.RESOURCE_EXHAUSTED,
    errors.Unavailable: code_pb2.UNAVAILABLE,
    errors.DeadlineExceeded: code_pb2.DEADLINE_EXCEEDED,
    errors.Cancelled: code_pb2.CANCELLED,
    errors.DataLoss: code_pb2.DATA_LOSS,
    errors.Unauthenticated: code_pb2.UNAUTHENTICATED,
    errors.PermissionDenied: code_pb2.PERMISSION_DENIED,
    errors.InternalError: code_pb2.INTERNAL,
    # The root itself is what a newer or foreign server says that this version has no class for.
    SmserveError: code_pb2.UNKNOWN,
}


def _tree(root: type[SmserveError]) -> Iterator[type[SmserveError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


_BY_REASON: Final = {error.reason: error for error in _tree(SmserveError)}
_BY_CODE: Final = {code: error for error, code in reversed(CODES.items())}  # Overloaded before the others of its code


def code_of(error: type[SmserveError]) -> int:
    """Return the code of the nearest ancestor in the table."""
    return next(CODES[ancestor] for ancestor in error.__mro__ if ancestor in CODES)


def code_name(error: type[SmserveError]) -> str:
    """Return the code's name, for example "INVALID_ARGUMENT"."""
    return str(code_pb2.Code.Name(code_of(error)))


def error_to_status(error: SmserveError, *, request_id: str = "") -> status_pb2.Status:
    """Convert an error; `request_id`, when given, is named in ErrorInfo's metadata."""
    metadata = {"request_id": request_id} if request_id else {}
    message = _cut(error.message)
    status = status_pb2.Status(code=code_of(type(error)), message=message)
    _attach(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if isinstance(error, errors.InvalidInput) and error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=message)
        _attach(status, error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, errors.Overloaded):
        delay = Duration()
        delay.FromNanoseconds(round(error.retry_after_s * 1e9))
        _attach(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def error_from_code(code: int, message: str) -> SmserveError:
    """Return the most general error of a code, for a status that is not from smserve."""
    return _BY_CODE.get(code, SmserveError)(message)


def error_from_status(status: status_pb2.Status) -> SmserveError:
    """Convert a status; without our ErrorInfo the code alone decides."""
    error_class = _BY_CODE.get(status.code, SmserveError)
    field, retry_after_s = "", None
    for detail in status.details:
        info, bad, retry = (
            error_details_pb2.ErrorInfo(),
            error_details_pb2.BadRequest(),
            error_details_pb2.RetryInfo(),
        )
        if detail.Unpack(info) and info.domain == DOMAIN:
            error_class = _BY_REASON.get(info.reason, error_class)
        elif detail.Unpack(bad) and bad.field_violations:
            field = bad.field_violations[0].field
        elif detail.Unpack(retry):
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    if issubclass(error_class, errors.InvalidInput):
        return error_class(status.message, field=field)
    if issubclass(error_class, errors.Overloaded) and retry_after_s is not None:
        return error_class(status.message, retry_after_s=retry_after_s)
    return error_class(status.message)


def item_error_to_proto(error: SmserveError) -> types_pb2.ItemError:
    """Convert the error of one element of a batch."""
    return types_pb2.ItemError(code=code_of(type(error)), reason=error.reason, message=_cut(error.message))


def item_error_from_proto(message: types_pb2.ItemError) -> SmserveError:
    """Convert the error of one element of a batch."""
    error_class = _BY_REASON.get(message.reason) or _BY_CODE.get(message.code, SmserveError)
    return error_class(message.message)


def _cut(message: str) -> str:
    """Keep a message that quotes a caller's endless value within what gRPC carries in its trailers."""
    encoded = message.encode(errors="replace")
    if len(encoded) <= _MAX_MESSAGE_BYTES:
        return message
    return encoded[: _MAX_MESSAGE_BYTES - 4].decode(errors="ignore") + " ..."


def _attach(
    status: status_pb2.Status,
    detail: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo,
) -> None:
    packed = Any()
    packed.Pack(detail)
    status.details.append(packed)
