"""What happens around every call: access, admission, errors to statuses, telling those who watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import grpc

from smserve.server.call_pool import CallPool
from smserve.server.entrance import Entrance
from smserve.server.events import CallObserver
from smserve.server.places import StreamPlaces
from smserve.server.pooled_call import PooledCall
from smserve.server.record import REQUEST_ID_KEY, CallRecord, RequestIds
from smserve.server.requests import checked, checked_each, lenient
from smserve.server.security import Access
from smserve.service.interest import remaining_s, still_wanted
from smserve.wire.size import check_size

__all__ = ["REQUEST_ID_KEY", "CallInterceptor"]

_PASSED: Final = ("/grpc.health.", "/grpc.reflection.")
"""Health is for everybody, reflection has an interceptor of its own."""

_FREE: Final = frozenset(
    f"/inference.GRPCInferenceService/{name}" for name in ("ServerLive", "ServerReady", "ModelReady")
)
"""Health by another name."""

_ADMINISTRATION: Final = frozenset(
    f"/smserve.v1.GalleryService/{name}"
    for name in ("ActivateModel", "Compact", "CreateGallery", "DropGallery", "RollBack", "VerifyGallery")
)
"""Calls that take as long as a gallery is large: they have places of their own, and keep no search waiting."""


class CallInterceptor(grpc.ServerInterceptor):
    """Wraps every method but those of health and reflection, so that none is forgotten."""

    def __init__(
        self,
        access: Access,
        entrance: Entrance,
        administration: Entrance,
        streams: StreamPlaces,
        observers: Sequence[CallObserver] = (),
        pool: CallPool | None = None,
    ) -> None:
        """Give places to calls that `access` permits, to those of them that administer galleries, and to streams.

        Observers are told of all of them. Calls are answered in the pool, where there is one; else each waits for its
        place on the thread that gRPC gives it, as those that administer always do.
        """
        self._access: Final = access
        self._entrance: Final = entrance
        self._administration: Final = administration
        self._pool: Final = pool
        self._streams: Final = streams
        self._observers: Final = observers
        self._ids: Final = RequestIds()
        self._wrapped: Final[dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the method's handler, wrapped; once for all calls, as a method's handler is always the same."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = continuation(handler_call_details)
        if handler is None or method.startswith(_PASSED) or method in _FREE:
            return handler
        wrapped = self._wrapped[method] = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        reading = lenient(handler.request_deserializer)
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._call(method, handler.unary_unary), reading, handler.response_serializer
            )
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(
                self._stream(method, handler.unary_stream, lambda request, _: checked(request)),
                reading,
                handler.response_serializer,
            )
        if handler.stream_stream is not None:
            return grpc.stream_stream_rpc_method_handler(
                self._stream(method, handler.stream_stream, checked_each), reading, handler.response_serializer
            )
        raise TypeError(f"{method} streams requests to one answer; CallInterceptor does not know how to wrap that")

    def _call(
        self, method: str, behavior: Callable[[Any, grpc.ServicerContext], Any]
    ) -> Callable[[Any, grpc.ServicerContext], Any]:
        if method in _ADMINISTRATION:
            return self._waiting(method, behavior, self._administration)
        if self._pool is None:
            return self._waiting(method, behavior, self._entrance)
        return self._pooled(method, behavior, self._pool)

    def _waiting(
        self, method: str, behavior: Callable[[Any, grpc.ServicerContext], Any], entrance: Entrance
    ) -> Callable[[Any, grpc.ServicerContext], Any]:
        """Wrap a method whose calls wait for their places on threads of gRPC."""

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            record = CallRecord(method, context, self._ids, self._observers)
            try:
                record.caller = self._access.permit(method, context)
                checked(request)
                with entrance.admit(still_wanted(context), remaining_s=remaining_s(context), kind=record.name):
                    response = behavior(request, context)
                check_size(response)
            except Exception as error:  # noqa: BLE001 - the last line of defence: a bug ends this call, not the server
                record.fail(error)
            record.end()  # outside the try: aborting works by raising
            return response

        return call

    def _pooled(
        self, method: str, behavior: Callable[[Any, grpc.ServicerContext], Any], pool: CallPool
    ) -> Callable[[PooledCall, grpc.ServicerContext], Any]:
        """Wrap a method whose calls have had their turn, or been refused, when they come here."""

        def call(pooled: PooledCall, context: grpc.ServicerContext) -> Any:
            age_s = time.monotonic() - pooled.came
            record = CallRecord(method, context, self._ids, self._observers, age_s=age_s)
            try:
                record.caller = pooled.caller
                with pooled.turn() as request:
                    pool.on_wait(pooled.waited_s)
                    response = behavior(checked(request), context)
                check_size(response)
            except Exception as error:  # noqa: BLE001 - as above
                record.fail(error)
            record.end()
            return response

        door = pool.door(method.rpartition("/")[2], lambda context: self._access.permit(method, context))
        call.experimental_thread_pool = door  # type: ignore[attr-defined]  # gRPC's way to give a method its own
        return call

    def _stream(
        self,
        method: str,
        behavior: Callable[[Any, grpc.ServicerContext], Iterator[Any]],
        check: Callable[[Any, Callable[[], str]], Any],
    ) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
        """Wrap a method that answers with a stream; `check` sees to its request, or to each of them."""
        permit = self._access.permit

        def stream(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            record = CallRecord(method, context, self._ids, self._observers)
            try:
                record.caller = permit(method, context)
                with self._streams.hold():
                    for response in behavior(check(requests, lambda: permit(method, context)), context):
                        check_size(response)
                        record.answers += 1
                        yield response
            except GeneratorExit:  # nobody takes further answers
                record.leave()
                raise
            except Exception as error:  # noqa: BLE001 - as above
                record.fail(error)
            record.end()

        return stream
