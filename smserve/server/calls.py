"""What happens around every call: access, admission, errors to statuses, telling those who watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import grpc

from smserve.server.admission import Admission
from smserve.server.events import CallObserver
from smserve.server.places import StreamPlaces
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
        admission: Admission,
        administration: Admission,
        streams: StreamPlaces,
        observers: Sequence[CallObserver] = (),
    ) -> None:
        """Give places to calls that `access` permits, to those of them that administer galleries, and to streams.

        Observers are told of all of them.
        """
        self._access: Final = access
        self._admission: Final = admission
        self._administration: Final = administration
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
        admission = self._administration if method in _ADMINISTRATION else self._admission

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            record = CallRecord(method, context, self._ids, self._observers)
            try:
                record.caller = self._access.permit(method, context)
                checked(request)
                with admission.admit(still_wanted(context), remaining_s=remaining_s(context), kind=record.name):
                    response = behavior(request, context)
                check_size(response)
            except Exception as error:  # noqa: BLE001 - the last line of defence: a bug ends this call, not the server
                record.fail(error)
            record.end()  # outside the try: aborting works by raising
            return response

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
