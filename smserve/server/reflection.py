"""Server reflection, with a cap: an open stream holds a thread, and idle ones must not starve health."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import grpc
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]  # ships no types

from smserve.errors import SmserveError
from smserve.server.record import CallRecord, RequestIds
from smserve.server.security import Access

__all__ = ["MAX_STREAMS", "ReflectionCap", "add_reflection"]

MAX_STREAMS: Final = 4

_METHOD_PREFIX: Final = f"/{reflection.SERVICE_NAME}/"


class ReflectionCap(grpc.ServerInterceptor):
    """Refuses the reflection stream after the fourth that is open, and to whom may not read."""

    def __init__(self, access: Access) -> None:
        """Let those in whom `access` permits."""
        self._access: Final = access
        self._ids: Final = RequestIds()
        self._free = threading.Semaphore(MAX_STREAMS)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the method's handler, capped where it is reflection's."""
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_METHOD_PREFIX):
            return handler
        behavior, method = handler.stream_stream, handler_call_details.method
        assert behavior is not None, "reflection's one method"  # noqa: S101 - for the type checker

        def capped(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            record = CallRecord(method, context, self._ids)
            try:
                self._access.permit(method, context)
            except SmserveError as error:
                record.fail(error)
                record.end()  # by raising
            if not self._free.acquire(blocking=False):
                context.abort(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"{MAX_STREAMS} reflection streams are open already; close one, or try again later",
                )
            try:
                yield from behavior(requests, context)
            finally:
                self._free.release()

        return grpc.stream_stream_rpc_method_handler(
            capped,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def add_reflection(server: grpc.Server, services: Sequence[str]) -> None:
    """Let clients list `services` (full names) and their messages."""
    reflection.enable_server_reflection([*services, reflection.SERVICE_NAME], server)
