"""One call as it is told of: to those who watch the server, and to the caller."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import grpc
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.errors import Cancelled, InternalError, InvalidInput, SmserveError
from smserve.server.events import CallBegun, CallEnded, CallObserver, Ending
from smserve.wire.status import code_name, error_to_status

__all__ = ["REQUEST_ID_KEY", "CallRecord", "RequestIds"]

REQUEST_ID_KEY: Final = "x-request-id"
"""Metadata: a caller may give one; every reply to a call that succeeded carries it, and every error's ErrorInfo."""

_TOLD: Final = 500  # characters of an error's message
_log: Final = logging.getLogger(__name__)


class RequestIds:
    """Draws ids that no other server draws; safe to use from many threads.

    By lot, each would be a system call, for which the interpreter is let go of: so the lot falls once, and then they
    are counted.
    """

    def __init__(self) -> None:
        self._lot: Final = secrets.token_hex(4)
        self._numbers: Final[Iterator[int]] = itertools.count(1)

    def draw(self) -> str:
        """Return the next."""
        return f"{self._lot}-{next(self._numbers):x}"


class CallRecord:
    """From a call's begin to its end.

    Attributes:
        name: The method's, without its service.
        answers: Sent so far, of a stream.
        caller: Who asks, as `Access.permit` has it.
    """

    def __init__(
        self,
        method: str,
        context: grpc.ServicerContext,
        ids: RequestIds,
        observers: Sequence[CallObserver] = (),
        *,
        age_s: float = 0.0,
    ) -> None:
        """Tell observers of a call that came `age_s` ago."""
        self.name: Final = method.rpartition("/")[2]
        self.answers = 0
        self.caller = ""
        self._method: Final = method
        self._context: Final = context
        metadata = tuple(context.invocation_metadata())
        self._request_id: Final = _given_id(metadata) or ids.draw()
        self._start: Final = time.perf_counter() - age_s
        self._error: SmserveError | None = None
        self._is_missing = False  # the method, in this version
        self._endings: Final[list[Ending]] = []
        begun = CallBegun(method=method, request_id=self._request_id, metadata=metadata, age_s=age_s)
        for observe in observers:
            self._endings.append(observe(begun))

    def fail(self, error: Exception) -> None:
        """Note why there is no answer; what is none of our errors is a bug: the caller learns only where to look."""
        if isinstance(error, NotImplementedError):  # generated code's way to say so
            self._is_missing = True
        elif not isinstance(error, SmserveError):
            _log.error("%s request=%s failed with a bug:", self._method, self._request_id, exc_info=error)
            self._error = InternalError(
                f"smserve failed at this request; the server's log has the details under request {self._request_id}"
            )
        else:
            self._error = error

    def leave(self) -> None:
        """Tell of a stream that nobody listens to any more."""
        self._error = self._error or Cancelled("the caller left before the end")
        self._tell()

    def end(self) -> None:
        """Tell of the call, and end it for the caller; where it failed, by raising, as gRPC wants it."""
        self._tell()
        # An error knows the frames that it came through, and the first of them knows this record: kept here, it would
        # keep the request, picture and all, until Python looks for cycles.
        error, self._error = self._error, None
        if self._is_missing:
            self._context.abort(grpc.StatusCode.UNIMPLEMENTED, f"this server does not answer {self.name}")
        if error is not None:
            status = error_to_status(error, request_id=self._request_id)
            self._context.abort_with_status(rpc_status.to_status(status))
        self._context.set_trailing_metadata(((REQUEST_ID_KEY, self._request_id),))

    def _tell(self) -> None:
        error = self._error
        ended = CallEnded(
            name=self.name,
            request_id=self._request_id,
            code="UNIMPLEMENTED" if self._is_missing else code_name(type(error)) if error else "OK",
            seconds=time.perf_counter() - self._start,
            answers=self.answers,
            caller=self.caller,
            error=_reported(error) if error else "",
        )
        while self._endings:  # the last to come leaves first
            self._endings.pop()(ended)


def _reported(error: SmserveError) -> str:
    """Return what is told of an error, on one line; messages about wrong values quote them, and they stay private."""
    detail = f"field {error.field}" if isinstance(error, InvalidInput) else " ".join(error.message.split())
    return f"{error.reason}: {detail}"[:_TOLD]


def _given_id(metadata: Sequence[tuple[str, Any]]) -> str:
    """Return the caller's id where it is fit for a log line, else nothing."""
    for key, value in metadata:
        if key == REQUEST_ID_KEY and isinstance(value, str) and re.fullmatch(r"[\w.:-]{1,64}", value):
            return value
    return ""
