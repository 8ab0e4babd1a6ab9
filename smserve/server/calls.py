"""What happens around every call: admission, errors to statuses, a log line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import grpc
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from smserve.errors import InternalError, SmserveError
from smserve.server.admission import Admission
from smserve.service.interest import still_wanted
from smserve.wire.status import code_name, error_to_status

__all__ = ["REQUEST_ID_KEY", "CallInterceptor"]

REQUEST_ID_KEY: Final = "x-request-id"
"""Metadata: a caller may give one; every reply to a call that succeeded carries it, and every error's ErrorInfo."""

_OURS: Final = "/smserve."
_LOGGED: Final = 500  # characters of an error's message; it may quote what a caller sent
_log: Final = logging.getLogger(__name__)

_Behavior = Callable[[Any, grpc.ServicerContext], Any]


class CallInterceptor(grpc.ServerInterceptor):
    """Wraps the methods of smserve's own services; health and reflection pass untouched."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the method's handler, wrapped."""
        handler = continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(_OURS):
            return handler
        if handler.unary_unary is None:
            raise TypeError(f"{method} streams; CallInterceptor wraps unary methods only")
        return grpc.unary_unary_rpc_method_handler(
            self._wrapped(method, handler.unary_unary),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _wrapped(self, method: str, behavior: _Behavior) -> _Behavior:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            request_id = _request_id(context)
            start = time.perf_counter()
            error: SmserveError | None = None
            response = None
            try:
                with self._admission.admit(still_wanted(context)):
                    response = behavior(request, context)
            except SmserveError as raised:
                error = raised
            except Exception:  # noqa: BLE001 - the last line of defence: a bug ends this call, not the server
                _log.exception("%s request=%s failed with a bug:", method, request_id)
                error = InternalError(
                    f"smserve failed at this request; the server's log has the details under request {request_id}"
                )
            _log.info(
                "%s %s %.1f ms request=%s%s",
                method.rpartition("/")[2],
                code_name(type(error)) if error else "OK",
                (time.perf_counter() - start) * 1000,
                request_id,
                f" ({' '.join(error.message.split())[:_LOGGED]})" if error else "",
            )
            if error is not None:
                # Outside the try: aborting works by raising.
                context.abort_with_status(rpc_status.to_status(error_to_status(error, request_id=request_id)))
            context.set_trailing_metadata(((REQUEST_ID_KEY, request_id),))
            return response

        return call


def _request_id(context: grpc.ServicerContext) -> str:
    """Return the caller's id where it is fit for a log line, else a new one."""
    for key, value in context.invocation_metadata():
        if key == REQUEST_ID_KEY and isinstance(value, str) and re.fullmatch(r"[\w.:-]{1,64}", value):
            return value
    return uuid.uuid4().hex[:12]
